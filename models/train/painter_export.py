"""Puts the trained parts together: a diffusers folder in half precision that loads with nothing of ours."""

import json
import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from transformers import CLIPTokenizer

from countcheck.generators.diffusers_loading import weights_digest
from models.train.painter_parts import FULL, Sizes, make_autoencoder, make_scheduler, make_unet
from models.train.painter_unet import TextToLatent

GUIDANCE_WIDTH = 16


def assemble(work: Path, sizes: Sizes = FULL) -> StableDiffusionPipeline:
    """The painter from the averages in `work`; an encoder that is not trained yet stays as it was made."""
    pair = TextToLatent(work / "tokenizer", sizes)
    pair.load_state_dict(torch.load(work / "unet" / "average.pt", weights_only=True))
    autoencoder = make_autoencoder(**sizes.autoencoder)
    autoencoder.decoder.load_state_dict(torch.load(work / "decoder" / "average.pt", weights_only=True))
    if (work / "encoder" / "average.pt").exists():
        autoencoder.encoder.load_state_dict(torch.load(work / "encoder" / "average.pt", weights_only=True))
    # With a place for the guidance in its time embedding, the UNet counts as guided already, and the pipeline
    # asks it once a step, not twice. The place holds zeros: this painter needs no guidance, and ignores it.
    unet = make_unet(**sizes.unet, time_cond_proj_dim=GUIDANCE_WIDTH)
    place = {"time_embedding.cond_proj.weight": torch.zeros_like(unet.time_embedding.cond_proj.weight)}
    unet.load_state_dict(pair.unet.state_dict() | place)
    pipeline = StableDiffusionPipeline(
        vae=autoencoder.eval(),
        text_encoder=pair.text_encoder.eval(),
        tokenizer=CLIPTokenizer.from_pretrained(work / "tokenizer"),
        unet=unet.eval(),
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def export(work: Path, folder: Path, sizes: Sizes = FULL) -> str:
    """Writes the painter into `folder` and gives the digest of its weights, which belongs into its card.

    Only the parts' own folders are replaced; the card and its pictures stay.
    """
    pipeline = assemble(work, sizes).to(torch.float16)
    for part in ("unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        shutil.rmtree(folder / part, ignore_errors=True)
    pipeline.save_pretrained(folder, safe_serialization=True)
    for name in ("vocab.json", "merges.txt"):  # the slow tokenizer's files, for older transformers
        shutil.copy(work / "tokenizer" / name, folder / "tokenizer" / name)
    # Half precision is for the file's size. Loaded without a dtype, every part must come as float32;
    # transformers would go by the file.
    settings = folder / "text_encoder" / "config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"dtype": "float32"}, indent=2) + "\n")
    for file in folder.rglob("*.json"):  # paths of the machine that trained are nobody's business
        content = json.loads(file.read_text())
        if isinstance(content, dict) and content.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(content, indent=2) + "\n")
    return weights_digest(folder)
