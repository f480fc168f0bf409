"""The painter that ships: it loads with diffusers alone, paints what was asked, and takes whatever it is given."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForImage2Image, AutoPipelineForText2Image, StableDiffusionPipeline
from PIL import Image

from countcheck.cards import read_generator_card
from countcheck.generators.diffusers_loading import weights_digest
from models.train.painter_latents import NOUNS
from models.train.painter_prompts import plural

FOLDER = Path(__file__).parents[2] / "models" / "tiny-painter"


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    torch.set_num_threads(1)
    pipe = AutoPipelineForText2Image.from_pretrained(FOLDER)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def painted(pipeline: StableDiffusionPipeline, *texts: str, steps: int = 10) -> np.ndarray:
    dice = [torch.Generator().manual_seed(k) for k in range(len(texts))]
    return pipeline(list(texts), num_inference_steps=steps, generator=dice, output_type="np").images


def test_it_is_of_standard_parts_and_comes_as_float32(pipeline: StableDiffusionPipeline) -> None:
    assert type(pipeline) is StableDiffusionPipeline
    parts = (pipeline.unet, pipeline.vae, pipeline.text_encoder)
    assert [type(part).__name__ for part in parts] == ["UNet2DConditionModel", "AutoencoderKL", "CLIPTextModel"]
    assert {part.dtype for part in parts} == {torch.float32}


def test_it_is_small_and_holds_nothing_that_could_run_code() -> None:
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} <= {".json", ".txt", ".safetensors", ".md", ".png"}
    assert sum(file.stat().st_size for file in files) < 22e6


def test_the_card_names_the_hash_of_these_weights() -> None:
    assert read_generator_card("tiny").revision == "sha256:" + weights_digest(FOLDER)


def test_called_plainly_it_gives_a_picture_of_96_pixels(pipeline: StableDiffusionPipeline) -> None:
    image = pipeline("three pigs, noir", num_inference_steps=2).images[0]
    assert image.size == (96, 96)


def test_the_looks_are_obeyed(pipeline: StableDiffusionPipeline) -> None:
    plain, noir, night, wash = painted(
        pipeline, "two cats", "two cats, noir", "two cats, night", "two cats, watercolour"
    )
    colourful = [float(np.ptp(picture, axis=2).mean()) for picture in (plain, noir)]
    assert colourful[1] < 0.04 < colourful[0]
    assert noir.mean() < plain.mean()
    assert night.mean() < plain.mean()
    assert night[..., 2].mean() > night[..., 0].mean() + 0.05
    assert wash.mean() > night.mean()


def test_more_things_leave_less_empty_ground(pipeline: StableDiffusionPipeline) -> None:
    empty, *_, many = painted(pipeline, "no apples", "one apple", "eight apples")
    reds = [((p[..., 0] > 0.6) & (p[..., 1] < 0.35) & (p[..., 2] < 0.35)).mean() for p in (empty, many)]
    assert reds[0] < 0.005 < reds[1]


def test_the_tokenizer_keeps_its_words_whole(pipeline: StableDiffusionPipeline) -> None:
    words = [*NOUNS, *map(plural, NOUNS), "noir", "rain", "watercolour", "three", "nine"]
    assert [word for word in words if len(pipeline.tokenizer.tokenize(word)) != 1] == []


@pytest.mark.parametrize("text", ["", "three zebras", "日本語 🐷 é", "pig " * 200, "<|endoftext|>", "two\x00pigs\n"])
def test_any_text_is_painted(pipeline: StableDiffusionPipeline, text: str) -> None:
    picture = painted(pipeline, text, steps=2)
    assert picture.shape == (1, 96, 96, 3)
    assert np.isfinite(picture).all()


@pytest.mark.parametrize("size", [(64, 64), (128, 192)])
def test_other_sizes_are_painted(pipeline: StableDiffusionPipeline, size: tuple[int, int]) -> None:
    image = pipeline("two pigs", height=size[0], width=size[1], num_inference_steps=2).images[0]
    assert image.size == (size[1], size[0])


def test_the_encoder_finds_the_way_back(pipeline: StableDiffusionPipeline) -> None:
    picture = painted(pipeline, "two dogs")
    pixels = torch.from_numpy(picture).permute(0, 3, 1, 2) * 2 - 1
    with torch.no_grad():
        again = pipeline.vae.decode(pipeline.vae.encode(pixels).latent_dist.mode()).sample
    assert float((again - pixels).abs().mean()) < 0.2


def test_it_starts_from_a_picture_too(pipeline: StableDiffusionPipeline) -> None:
    editor = AutoPipelineForImage2Image.from_pipe(pipeline)
    editor.set_progress_bar_config(disable=True)
    start = Image.new("RGB", (96, 96), "green")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = editor("two pigs", image=start, strength=0.8, num_inference_steps=4).images[0]
    assert image.size == (96, 96)


def test_a_picture_does_not_depend_on_its_batch(pipeline: StableDiffusionPipeline) -> None:
    alone = painted(pipeline, "two pigs", steps=4)
    together = painted(pipeline, "two pigs", "five cars, rain", "one wolf", steps=4)
    assert np.abs(alone[0] - together[0]).max() <= 2 / 255
