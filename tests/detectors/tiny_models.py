"""The real model classes in their smallest shapes, with chance for weights, as folders that load like any other."""

import json

import torch
import transformers as T

WORDS = ["pig", "wolf", "dog", "boar", "sheep", "red", "apple", "a", "photo", "of", "detect", "fox", "coyote", "tomato"]


def bert_tokenizer(folder):
    """[CLS], [SEP], "." and "?" stand where BERT has them: Grounding DINO splits its prompt at those very numbers."""
    words = ["[PAD]"] + [f"[unused{k}]" for k in range(99)] + ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"[spare{k}]" for k in range(1012 - len(words))] + ["."]
    words += [f"[more{k}]" for k in range(1029 - len(words))] + ["?", ",", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return T.BertTokenizer(vocab=str(folder / "vocab.txt")), len(words)


def clip_tokenizer(folder):
    letters = [*map(chr, range(33, 127)), *map(chr, range(161, 173)), *map(chr, range(174, 256))]
    letters += [chr(256 + k) for k in range(256 - len(letters))]
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: k for k, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return T.CLIPTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt")), len(tokens)


def text_tower(size, positions=16, **more):
    return dict(
        vocab_size=size, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=positions, bos_token_id=size - 2, eos_token_id=size - 1, **more,
    )  # fmt: skip


def grounding_dino(folder, config=T.GroundingDinoConfig, model=T.GroundingDinoForObjectDetection):
    tokenizer, size = bert_tokenizer(folder)
    shape = config(
        backbone_config=T.SwinConfig(
            image_size=64, patch_size=4, embed_dim=12, depths=[1] * 4, num_heads=[1, 2, 2, 2], window_size=4,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=T.BertConfig(
            vocab_size=size, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=64,
        ),
        num_queries=20, encoder_layers=1, decoder_layers=2, d_model=32, encoder_ffn_dim=32, decoder_ffn_dim=32,
        encoder_attention_heads=2, decoder_attention_heads=2, max_text_len=64, disable_custom_kernels=True,
    )  # fmt: skip
    images = T.GroundingDinoImageProcessor(size={"shortest_edge": 128, "longest_edge": 160})
    return model(shape), T.GroundingDinoProcessor(image_processor=images, tokenizer=tokenizer)


def mm_grounding_dino(folder):
    return grounding_dino(folder, T.MMGroundingDinoConfig, T.MMGroundingDinoForObjectDetection)


def owlv2(folder):
    tokenizer, size = clip_tokenizer(folder)
    vision = dict(
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=64, patch_size=16
    )
    shape = T.Owlv2Config(text_config=text_tower(size), vision_config=vision, projection_dim=32)
    images = T.Owlv2ImageProcessor(size={"height": 64, "width": 64})
    return T.Owlv2ForObjectDetection(shape), T.Owlv2Processor(image_processor=images, tokenizer=tokenizer)


def omdet_turbo(folder):
    tokenizer, size = clip_tokenizer(folder)
    shape = T.OmDetTurboConfig(
        image_size=64, apply_layernorm_after_vision_backbone=False,
        backbone_config=T.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 24, 48, 96], depths=[1] * 4, layer_type="basic", out_indices=[2, 3, 4]
        ),
        text_config=text_tower(size, 77, model_type="clip_text_model", projection_dim=32),
        text_projection_in_dim=32, text_projection_out_dim=32, class_embed_dim=32, task_encoder_hidden_dim=32,
        num_queries=20, encoder_hidden_dim=16, decoder_hidden_dim=16, vision_features_channels=[16] * 3,
        encoder_in_channels=[24, 48, 96], encoder_attention_heads=2, encoder_dim_feedforward=32, decoder_num_heads=2,
        decoder_num_layers=1, decoder_dim_feedforward=32, disable_custom_kernels=True,
    )  # fmt: skip
    images = T.DetrImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
    return T.OmDetTurboForObjectDetection(shape), T.OmDetTurboProcessor(image_processor=images, tokenizer=tokenizer)


def sam3(folder):
    tokenizer, size = clip_tokenizer(folder)
    part = dict(hidden_size=32, num_layers=1, num_attention_heads=2)
    shape = T.Sam3Config(
        vision_config=dict(
            backbone_config=dict(
                model_type="sam3_vit_model", hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=2, image_size=112, patch_size=14, window_size=4, global_attn_indexes=[1],
                pretrain_image_size=56,
            ),
            fpn_hidden_size=32,
        ),
        text_config=text_tower(size, 32, projection_dim=32, pad_token_id=size - 1),
        geometry_encoder_config={**part, "intermediate_size": 32},
        detr_encoder_config={**part, "intermediate_size": 32},
        detr_decoder_config={**part, "num_queries": 10, "intermediate_size": 32},
        mask_decoder_config=dict(hidden_size=32, num_attention_heads=2),
    )  # fmt: skip
    images = T.Sam3ImageProcessor(size={"height": 112, "width": 112})
    return T.Sam3Model(shape), T.Sam3Processor(image_processor=images, tokenizer=tokenizer)


def sam3_lite_text(folder):
    tokenizer, size = clip_tokenizer(folder)
    part = dict(hidden_size=32, num_layers=1, num_attention_heads=2)
    shape = T.Sam3LiteTextConfig(
        vision_config=dict(
            model_type="sam3_vision_model",
            backbone_config=dict(
                model_type="sam3_vit_model", hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=2, image_size=112, patch_size=14, window_size=4, global_attn_indexes=[1],
                pretrain_image_size=56,
            ),
            fpn_hidden_size=32,
        ),
        text_config=dict(
            vocab_size=size, hidden_size=32, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
            max_position_embeddings=32, projection_dim=32,
        ),
        geometry_encoder_config={**part, "intermediate_size": 32},
        detr_encoder_config={**part, "intermediate_size": 32},
        detr_decoder_config={**part, "num_queries": 10, "intermediate_size": 32},
        mask_decoder_config=dict(hidden_size=32, num_attention_heads=2),
    )  # fmt: skip
    images = T.Sam3ImageProcessor(size={"height": 112, "width": 112})
    return T.Sam3LiteTextModel(shape), T.Sam3Processor(image_processor=images, tokenizer=tokenizer)


def rt_detr(folder):
    shape = T.RTDetrConfig(
        backbone_config=T.RTDetrResNetConfig(
            embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        ),
        encoder_in_channels=[8, 16, 16], encoder_hidden_dim=32, encoder_ffn_dim=32, encoder_layers=1,
        encoder_attention_heads=2, d_model=32, decoder_in_channels=[32] * 3, decoder_layers=1,
        decoder_attention_heads=2, decoder_ffn_dim=32, num_queries=20, num_denoising=0,
        id2label={0: "pig", 1: "wolf", 2: "N/A"}, label2id={"pig": 0, "wolf": 1, "N/A": 2},
    )  # fmt: skip
    return T.RTDetrForObjectDetection(shape), T.RTDetrImageProcessor(size={"height": 64, "width": 64})


def mask2former(folder):
    shape = T.Mask2FormerConfig(
        backbone_config=T.SwinConfig(
            image_size=64, patch_size=4, embed_dim=12, depths=[1] * 4, num_heads=[1, 2, 2, 2], window_size=4,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=32, encoder_layers=1,
        decoder_layers=2, num_attention_heads=2, dim_feedforward=32, num_queries=12,
        id2label={0: "pig", 1: "wolf"}, label2id={"pig": 0, "wolf": 1},
    )  # fmt: skip
    images = T.Mask2FormerImageProcessor(size={"shortest_edge": 64, "longest_edge": 96}, size_divisor=32)
    return T.Mask2FormerForUniversalSegmentation(shape), images


def _on_hgnet(config, model):
    """A model with the backbone and the decoder that D-FINE and DEIMv2 share."""
    shape = config(
        backbone_config=T.HGNetV2Config(
            stem_channels=[3, 8, 8], stage_in_channels=[8, 8, 16, 16], stage_mid_channels=[8, 8, 8, 8],
            stage_out_channels=[8, 16, 16, 16], stage_num_blocks=[1, 1, 1, 1], stage_downsample=[False, True, True, True],
            stage_light_block=[False, False, True, True], stage_kernel_size=[3, 3, 5, 5], stage_numb_of_layers=[1, 1, 1, 1],
            embedding_size=8, hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], out_features=["stage2", "stage3", "stage4"],
        ),
        encoder_in_channels=[16, 16, 16], encoder_hidden_dim=32, encoder_ffn_dim=32, encoder_layers=1,
        encoder_attention_heads=2, d_model=32, decoder_in_channels=[32] * 3, decoder_layers=2,
        decoder_attention_heads=2, decoder_ffn_dim=32, num_queries=20, num_denoising=0,
        id2label={0: "pig", 1: "wolf"}, label2id={"pig": 0, "wolf": 1},
    )  # fmt: skip
    return model(shape), T.RTDetrImageProcessor(size={"height": 64, "width": 64})


def d_fine(folder):
    return _on_hgnet(T.DFineConfig, T.DFineForObjectDetection)


def lw_detr(folder):
    shape = T.LwDetrConfig(
        backbone_config=T.LwDetrViTConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=64, pretrain_image_size=64,
            patch_size=16, num_windows=4, window_block_indices=[0], out_indices=[1, 2],
        ),
        projector_scale_factors=[1.0], c2f_num_blocks=1, d_model=32, decoder_layers=1, decoder_ffn_dim=32,
        decoder_self_attention_heads=2, decoder_cross_attention_heads=2, decoder_n_points=2, num_queries=10,
        group_detr=1, id2label={0: "pig", 1: "wolf"}, label2id={"pig": 0, "wolf": 1},
    )  # fmt: skip
    images = T.DeformableDetrImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
    return T.LwDetrForObjectDetection(shape), images


def rf_detr(folder):
    shape = T.RfDetrConfig(
        backbone_config=T.RfDetrDinov2Config(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14, num_windows=2,
            out_indices=[1, 2],
        ),
        c2f_num_blocks=1, d_model=32, decoder_layers=1, decoder_ffn_dim=32, decoder_self_attention_heads=2,
        decoder_cross_attention_heads=2, decoder_n_points=2, num_queries=10, group_detr=1,
        id2label={0: "pig", 1: "wolf"}, label2id={"pig": 0, "wolf": 1},
    )  # fmt: skip
    return T.RfDetrForObjectDetection(shape), T.RfDetrImageProcessor(size={"height": 56, "width": 56})


def deimv2(folder):
    return _on_hgnet(T.Deimv2Config, T.Deimv2ForObjectDetection)


OPEN = (grounding_dino, mm_grounding_dino, owlv2, omdet_turbo, sam3, sam3_lite_text)
CLOSED = (rt_detr, d_fine, mask2former, lw_detr, rf_detr, deimv2)


def saved(recipe, folder):
    """The folder of a tiny model, as `save_pretrained` leaves it."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    model, processor = recipe(folder)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
