"""Every form in which pipelines give pictures: the library's own picture, or one true sentence."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tiny_pipelines
import torch
from diffusers import AutoPipelineForText2Image, DDPMPipeline, DDPMScheduler, UNet2DModel
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from countcheck.cards import Card
from countcheck.errors import GeneratorClosed
from countcheck.generators.diffusers import DiffusersGenerator
from countcheck.generators.diffusers_output import WrongNumber, call_form, pictures_of
from countcheck.generators.outcome import Failure, Picture, Refusal
from countcheck.generators.painted import outcome_of
from countcheck.images.convert import as_rgb
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt


@pytest.fixture(scope="module")
def stable_diffusion(tmp_path_factory):
    return tiny_pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))


def generator(model, **settings):
    return DiffusersGenerator(
        Card(name="it", family="diffusers", source=str(model), settings={"steps": 2, "device": "cpu", **settings})
    )


def samples(*texts):
    return [
        Sample(key=f"{i:032x}", generator="it", asked=Prompt(id=f"p{i}", text=text), repeat=0, seed=100 + i)
        for i, text in enumerate(texts)
    ]


def library_pictures(model, texts, size):
    pipe = AutoPipelineForText2Image.from_pretrained(model)
    pipe.set_progress_bar_config(disable=True)
    noise = [torch.Generator("cpu").manual_seed(100 + i) for i in range(len(texts))]
    return pipe(list(texts), generator=noise, num_inference_steps=2, width=size, height=size).images


def test_kandinskys_pictures_are_those_of_the_library(tmp_path):
    """Its tensors are in [-1, 1]: clipped to [0, 1] they were saved as clip(2x - 1), and counted wrong."""
    model = tiny_pipelines.kandinsky22(tmp_path)
    texts = ("three pigs", "two cats")
    theirs = library_pictures(model, texts, 64)
    ours = [outcome.pixels for outcome in generator(model, size=64).generate(samples(*texts))]
    for library, picture in zip(theirs, ours, strict=True):
        assert np.abs(np.asarray(library).astype(int) - as_rgb(picture)).max() <= 1


def test_a_pipeline_that_takes_one_noise_generator_gets_each_picture_its_own_seed(tmp_path):
    model = tiny_pipelines.amused(tmp_path)
    together = [outcome.pixels for outcome in generator(model, size=32).generate(samples("a", "b", "c"))]
    (alone,) = generator(model, size=32).generate(samples("a", "b", "c")[2:])
    assert len(together) == 3
    assert np.array_equal(as_rgb(together[2]), as_rgb(alone.pixels))
    assert not np.array_equal(as_rgb(together[0]), as_rgb(together[1]))


def test_a_pipeline_that_gives_depth_beside_pictures_gives_its_pictures(stable_diffusion, tmp_path):
    model = tiny_pipelines.as_class(stable_diffusion, tmp_path / "ldm3d", "StableDiffusionLDM3DPipeline")
    (outcome,) = generator(model, size=32).generate(samples("three pigs"))
    assert isinstance(outcome, Picture) and as_rgb(outcome.pixels).shape == (32, 32, 3)


def test_a_pipeline_without_prompts_is_closed_in_one_sentence(tmp_path):
    unet = UNet2DModel(
        sample_size=16,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4,
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path)
    with pytest.raises(GeneratorClosed, match="it: DDPMPipeline takes no prompt"):
        list(generator(tmp_path).generate(samples("a")))


class Video:
    def __call__(self, prompt=None, num_frames=16, generator=None, output_type="np"):
        raise AssertionError("a video was made only to find out that it is one")


class Unseeded:
    def __call__(self, prompt=None, output_type="np"):
        return None


@pytest.mark.parametrize(("pipe", "says"), [(Video(), "Video makes videos"), (Unseeded(), "takes no noise generator")])
def test_a_class_that_cannot_serve_is_known_before_it_is_called(pipe, says):
    with pytest.raises(GeneratorClosed, match=says):
        call_form(pipe, "it")


def floats(value=0.5, channels=3):
    return np.full((8, 8, channels), value, np.float32)


@pytest.mark.parametrize(
    "output",
    [
        SimpleNamespace(images=np.stack([floats(), floats()])),
        SimpleNamespace(images=[Image.new("RGB", (8, 8), (9, 9, 9))] * 2),
        SimpleNamespace(images=torch.full((2, 3, 8, 8), 0.5)),
        SimpleNamespace(image=[floats(), floats()]),
        SimpleNamespace(rgb=[floats(), floats()], depth=[floats(), floats()]),
        SimpleNamespace(frames=np.full((2, 1, 8, 8, 3), 0.5)),
        SimpleNamespace(frames=[[Image.new("RGB", (8, 8), (9, 9, 9))]] * 2),
    ],
)
def test_pictures_are_found_under_every_name(output):
    pictures, flags = pictures_of(output, 2, "it: Some")
    assert flags == [None, None]
    outcomes = [outcome_of(samples("a")[0], picture, None, 1.0, 0) for picture in pictures]
    assert [type(outcome) for outcome in outcomes] == [Picture, Picture]
    assert all(as_rgb(outcome.pixels).shape == (8, 8, 3) for outcome in outcomes)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"nsfw_content_detected": [True, False]}, [True, False]),
        ({"nsfw_detected": [False, True]}, [False, True]),
        ({"nsfw_content_detected": torch.tensor([True, False])}, [True, False]),
        ({"nsfw_content_detected": True}, [True, True]),
        ({"nsfw_content_detected": None}, [None, None]),
    ],
)
def test_flags_are_found_under_every_name(flags, expected):
    assert pictures_of(SimpleNamespace(images=[floats(), floats()], **flags), 2, "it: Some")[1] == expected


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (SimpleNamespace(frames=np.zeros((2, 4, 8, 8, 3))), "it: Some makes videos: it returned 4 frames"),
        (SimpleNamespace(audios=[1]), "it: Some returns no images"),
        ({"text": "a pig"}, r"no images \(its answer has text\)"),
        ((1, 2), "no images"),
    ],
)
def test_what_is_no_picture_is_one_sentence(output, says):
    with pytest.raises(GeneratorClosed, match=says):
        pictures_of(output, 2, "it: Some")


@pytest.mark.parametrize("number", [0, 1, 3])
def test_another_number_of_pictures_than_prompts_is_found(number):
    with pytest.raises(WrongNumber, match=f"returned {number} pictures for 2 prompts"):
        pictures_of(SimpleNamespace(images=[floats()] * number), 2, "it: Some")


def test_fewer_pictures_than_prompts_cost_only_the_prompt_at_fault(stable_diffusion, monkeypatch):
    it = generator(stable_diffusion, size=32)

    def call(pipe, prompts, seeds, arguments):
        return SimpleNamespace(images=[floats() for prompt in prompts if prompt != "bad"])

    monkeypatch.setattr(it, "_call", call)
    outcomes = list(it.generate(samples("one", "bad", "two")))
    assert [type(outcome) for outcome in outcomes] == [Picture, Failure, Picture]
    assert "returned 0 pictures for 1 prompts" in outcomes[1].message


@pytest.mark.parametrize(
    ("image", "kind", "says"),
    [
        (floats(-0.5), Failure, "from -0.5 to -0.5, not from 0 to 1"),
        (torch.full((3, 8, 8), 1.5), Failure, "to 1.5"),
        (floats(200.0), Failure, "to 200"),
        (floats(float("nan")), Failure, "NaN"),
        (np.full((8, 8), 0.5, np.float32), Failure, "shape"),
        (np.full((4, 8, 8, 3), 0.5, np.float32), Failure, "shape"),
        ("a pig", Failure, "gave str"),
        (floats(1.001), Picture, ""),
        (floats(0.0), Refusal, ""),
        (np.zeros((8, 8, 3), np.uint8), Refusal, ""),
        (np.full((8, 8, 3), 9, np.uint8), Picture, ""),
        (Image.new("RGB", (8, 8)), Refusal, ""),
        (Image.new("RGB", (8, 8), (0, 0, 2)), Picture, ""),
    ],
)
def test_a_picture_is_checked_before_it_is_one(image, kind, says):
    outcome = outcome_of(samples("a")[0], image, None, 1.0, 0)
    assert type(outcome) is kind
    assert says in getattr(outcome, "message", "")


class Raw:
    """A pipeline like DeepFloyd IF: tensors of it are in [-1, 1], and it checks safety for arrays and images alone."""

    def __call__(
        self, prompt=None, generator: torch.Generator | list[torch.Generator] | None = None, output_type="pil"
    ):
        raise NotImplementedError


class Finished(Raw):
    """A pipeline that finishes its tensors by diffusers' own code."""

    image_processor = VaeImageProcessor()

    def __call__(
        self, prompt=None, generator: torch.Generator | list[torch.Generator] | None = None, output_type="pil"
    ):
        return self.image_processor.postprocess(prompt, output_type=output_type)


class OwnProcessor(Finished):
    class Own(VaeImageProcessor):
        def postprocess(self, image, output_type="pil"):
            return image

    image_processor = Own()


class OneGenerator(Finished):
    def __call__(self, prompt=None, generator: torch.Generator | None = None, output_type="pil"):
        return self.image_processor.postprocess(prompt, output_type=output_type)


@pytest.mark.parametrize(
    ("pipe", "form"),
    [
        (Raw(), ("np", True)),
        (Finished(), ("pt", True)),
        (OwnProcessor(), ("np", True)),
        (OneGenerator(), ("pt", False)),
    ],
)
def test_tensors_are_asked_for_only_where_they_are_finished_pictures(pipe, form):
    chosen = call_form(pipe, "it")
    assert (chosen.output_type, chosen.takes_many) == form
