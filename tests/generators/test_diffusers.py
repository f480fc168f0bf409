"""The diffusers generator on real pipeline classes with random weights."""

from __future__ import annotations

import pytest
import tiny_pipelines
import torch
from diffusers import AutoPipelineForText2Image

from countcheck.cards import Card, read_generator_card
from countcheck.errors import BadSettings
from countcheck.generators.diffusers import DiffusersGenerator
from countcheck.generators.outcome import Failure, Picture, Reason, Refusal
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))


def generator(model, **settings):
    return DiffusersGenerator(
        Card(name="it", family="diffusers", source=str(model), settings={"steps": 2, "size": 32, **settings})
    )


def samples(*texts):
    return [
        Sample(key=f"{i:032x}", generator="it", asked=Prompt(id=f"p{i}", text=text), repeat=0, seed=100 + i)
        for i, text in enumerate(texts)
    ]


def pixels(outcomes):
    outcomes = list(outcomes)
    assert all(isinstance(o, Picture) for o in outcomes), outcomes
    return torch.stack([o.pixels for o in outcomes])


WORDS = ("three pigs", "a wolf", "two cats, noir", "", "four cars in the rain", "x " * 200, "one", "two", "three")


def test_the_same_pictures_whatever_the_batch_size(model):
    one, three, eight = (pixels(generator(model, batch=n).generate(samples(*WORDS))) for n in (1, 3, 8))
    assert (one - three).abs().max() <= 2 / 255
    assert (one - eight).abs().max() <= 2 / 255
    assert not torch.allclose(one[0], one[6])


def test_the_pictures_are_those_of_the_library_alone(model):
    pipe = AutoPipelineForText2Image.from_pretrained(model)
    pipe.set_progress_bar_config(disable=True)
    noise = [torch.Generator("cpu").manual_seed(sample.seed) for sample in samples(*WORDS)]
    theirs = pipe(
        list(WORDS), generator=noise, num_inference_steps=2, width=32, height=32, output_type="pt", guidance_scale=3.0
    )
    ours = pixels(generator(model, batch=len(WORDS), device="cpu", guidance=3.0).generate(samples(*WORDS)))
    assert (theirs.images - ours).abs().max() <= 1 / 255


@pytest.mark.parametrize(("device", "on_cores"), [("cpu", True), ("cuda:0", False), ("mps", False)])
def test_only_without_an_accelerator_it_computes_on_the_cores(model, device, on_cores):
    assert generator(model, device=device).traits.on_cores is on_cores


def test_a_picture_is_on_hand_as_a_tensor_of_the_asked_size(model):
    (outcome,) = generator(model).generate(samples("three pigs"))
    assert outcome.pixels.shape == (3, 32, 32)
    assert outcome.seconds > 0


def test_sdxl_runs_through_the_same_door(tmp_path):
    model = tiny_pipelines.stable_diffusion_xl(tmp_path)
    assert pixels(generator(model).generate(samples("three pigs", "a wolf"))).shape == (2, 3, 32, 32)


def test_out_of_memory_halves_the_batch_instead_of_dying(model, monkeypatch):
    it = generator(model, batch=8)
    whole = it._paint
    sizes = []

    def paint(batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return whole(batch)

    monkeypatch.setattr(it, "_paint", paint)
    assert len(pixels(it.generate(samples(*WORDS)))) == len(WORDS)
    assert sizes[:3] == [8, 4, 2] and set(sizes[3:]) <= {1, 2}


def test_out_of_memory_for_one_picture_is_a_failure(model, monkeypatch):
    it = generator(model, batch=2)

    def paint(batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(it, "_paint", paint)
    outcomes = list(it.generate(samples("a", "b")))
    assert [type(o) for o in outcomes] == [Failure, Failure]
    assert "out of memory" in outcomes[0].message


class Output:
    def __init__(self, images, flags):
        self.images = images
        self.nsfw_content_detected = flags


@pytest.mark.parametrize(
    ("pixel", "flag", "kind"),
    [
        (0.0, True, Refusal),
        (0.0, False, Refusal),
        (0.0, None, Refusal),
        (0.5, True, Refusal),
        (float("nan"), None, Failure),
        (float("nan"), True, Failure),
        (0.02, None, Picture),
    ],
)
def test_black_and_flagged_pictures_are_silent_refusals_and_nan_is_a_failure(model, monkeypatch, pixel, flag, kind):
    it = generator(model)
    image = torch.full((1, 3, 32, 32), pixel)
    monkeypatch.setattr(it, "_call", lambda *_: Output(image, None if flag is None else [flag]))
    (outcome,) = it.generate(samples("three pigs"))
    assert type(outcome) is kind
    if kind is Refusal:
        assert outcome.reason is Reason.SILENT


def test_one_crashing_prompt_fails_alone(model, monkeypatch):
    it = generator(model, batch=3)
    whole = it._call

    def call(pipe, prompts, seeds, arguments):
        if "bad" in prompts:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return whole(pipe, prompts, seeds, arguments)

    monkeypatch.setattr(it, "_call", call)
    assert [type(o) for o in it.generate(samples("one", "bad", "two"))] == [Picture, Failure, Picture]


def test_an_argument_that_the_pipeline_does_not_take_is_named(model):
    with pytest.raises(BadSettings, match="takes no true_cfg_scale"):
        list(generator(model, true_cfg_scale=4.0).generate(samples("one")))


def test_only_what_can_change_a_picture_is_part_of_the_recipe(model):
    plain = generator(model).recipe
    assert generator(model, batch=3, device="cpu", offload="none").recipe == plain
    assert generator(model, guidance=3.0).recipe != plain


def test_an_edit_changes_the_last_picture(model):
    it = generator(model, edits=True, strength=0.5)
    assert it.traits.edits
    (first,) = it.generate(samples("three pigs"))
    changed = it.edit(samples("three pigs")[0], first.pixels, "there should be two", 1, ())
    assert isinstance(changed, Picture) and changed.turn == 1
    assert not torch.allclose(changed.pixels, first.pixels)


def test_a_spec_on_the_command_line_needs_no_card(model):
    card = read_generator_card(f"diffusers:{model}?steps=2&dtype=fp32&size=32")
    assert len(list(DiffusersGenerator(card).generate(samples("one")))) == 1
