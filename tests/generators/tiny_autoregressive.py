"""Real autoregressive classes of transformers with random weights of some kilobytes, saved as folders."""

from __future__ import annotations

from pathlib import Path

import torch


def _tokenizer(special: list[str], **names: str):
    """A tokenizer that knows bytes and the special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: number for number, word in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        extra_special_tokens=names,
        padding_side="left",
    )


def janus(folder: Path, *, positions: int = 256) -> Path:
    """Janus: pictures of 8 x 8 pixels, 16 tokens of 64."""
    from transformers import (
        JanusConfig,
        JanusForConditionalGeneration,
        JanusImageProcessor,
        JanusProcessor,
        JanusVisionConfig,
        JanusVQVAEConfig,
        LlamaConfig,
    )

    torch.manual_seed(0)
    special = ["<pad>", "<bos>", "<eos>", "<img>", "<boi>", "<eoi>"]
    tokenizer = _tokenizer(special, image_token="<img>", boi_token="<boi>", eoi_token="<eoi>")
    config = JanusConfig(
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=positions,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
        vision_config=JanusVisionConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=32,
            patch_size=8,
            projection_dim=32,
            num_image_tokens=16,
        ),
        vq_config=JanusVQVAEConfig(
            embed_dim=8,
            num_embeddings=64,
            latent_channels=32,
            base_channels=32,
            channel_multiplier=[1, 1],
            num_res_blocks=1,
            projection_dim=32,
            num_patches=4,
            image_token_embed_dim=32,
        ),
        image_token_id=3,
    )
    model = JanusForConditionalGeneration(config).eval()
    model.generation_config._from_model_config = False
    model.generation_config.generation_kwargs = {"boi_token_id": 4}
    model.generation_config.bos_token_id, model.generation_config.pad_token_id = 1, 0
    _widen(model.model.generation_head)
    template = (
        "{% for message in messages %}<|User|>: {% for part in message.content %}{{ part.text }}{% endfor %}\n"
        "{% endfor %}<|Assistant|>:"
    )
    picture = JanusImageProcessor(
        size={"height": 32, "width": 32}, min_size=8, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    JanusProcessor(picture, tokenizer, chat_template=template, num_image_tokens=16).save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def emu3(folder: Path) -> Path:
    """Emu3: 64 picture tokens, each of 8 x 8 pixels."""
    from transformers import (
        Emu3Config,
        Emu3ForConditionalGeneration,
        Emu3ImageProcessor,
        Emu3Processor,
        Emu3TextConfig,
        Emu3VQVAEConfig,
    )

    torch.manual_seed(0)
    pictures = [f"<|visual token {number:06d}|>" for number in range(64)]
    special = ["<pad>", "<bos>", "<eos>", "<image>", "<|image start|>", "<|image end|>", "<|image token|>"]
    special += ["<|extra_200|>", "<|extra_201|>", *pictures]
    tokenizer = _tokenizer(
        special,
        image_token="<image>",
        boi_token="<|image start|>",
        eoi_token="<|image end|>",
        image_wrapper_token="<|image token|>",
        eof_token="<|extra_201|>",
    )
    config = Emu3Config(
        vq_config=Emu3VQVAEConfig(
            codebook_size=64,
            embed_dim=8,
            latent_channels=8,
            base_channels=32,
            channel_multiplier=[1, 1, 1, 1],
            num_res_blocks=1,
            attn_resolutions=[],
            hidden_size=32,
            temporal_downsample_factor=1,
        ),
        text_config=Emu3TextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=128,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
        vocabulary_map={word: tokenizer.convert_tokens_to_ids(word) for word in special},
    )
    model = Emu3ForConditionalGeneration(config).eval()
    _widen(model.lm_head)
    picture = Emu3ImageProcessor(image_mean=[0.5] * 3, image_std=[0.5] * 3)
    Emu3Processor(picture, tokenizer).save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def _widen(head: torch.nn.Module) -> None:
    """Make the scores of a head differ by much more than rounding does, as those of a trained model do."""
    with torch.no_grad():
        for weights in head.parameters():
            weights.mul_(5)
