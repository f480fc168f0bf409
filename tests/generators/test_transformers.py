"""The transformers generator on the real classes that draw, with random weights."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_autoregressive
import torch

from countcheck.cards import Card, generator_cards, read_generator_card
from countcheck.errors import BadInput, BadSettings, BadWeights, GeneratorClosed
from countcheck.generators.outcome import Failure, Fault, Picture
from countcheck.generators.seeded_tokens import Sampling, SeededSampler
from countcheck.generators.transformers import TransformersGenerator
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt
from countcheck.testing.generators import check_generator

WORDS = ("three pigs", "a wolf in the rain", "", "seven red apples on a table", "x")


@pytest.fixture(scope="module")
def janus(tmp_path_factory):
    return tiny_autoregressive.janus(tmp_path_factory.mktemp("janus"))


@pytest.fixture(scope="module")
def emu3(tmp_path_factory):
    return tiny_autoregressive.emu3(tmp_path_factory.mktemp("emu3"))


def generator(model, **settings):
    return TransformersGenerator(
        Card(name="it", family="transformers", source=str(model), settings={"device": "cpu", **settings})
    )


def samples(*texts, seed=100):
    return [
        Sample(key=f"{i:032x}", generator="it", asked=Prompt(id=f"p{i}", text=text), repeat=0, seed=seed + i)
        for i, text in enumerate(texts)
    ]


def pixels(outcomes):
    outcomes = list(outcomes)
    assert all(isinstance(o, Picture) for o in outcomes), outcomes
    return torch.stack([o.pixels for o in outcomes])


def test_janus_draws_the_same_picture_for_a_seed_at_batch_one_and_four(janus):
    one, four = (pixels(generator(janus, batch=n).generate(samples(*WORDS))) for n in (1, 4))
    assert one.shape == (5, 3, 8, 8)
    assert (one - four).abs().max() <= 1 / 255
    assert not torch.allclose(one[0], one[1], atol=0.05)


def test_emu3_draws_the_same_picture_for_a_seed_at_batch_one_and_four(emu3):
    size = {"width": 32, "height": 16, "top_k": 20}
    one, four = (pixels(generator(emu3, batch=n, **size).generate(samples(*WORDS))) for n in (1, 4))
    assert one.shape == (5, 3, 16, 32)
    assert (one - four).abs().max() <= 1 / 255
    assert not torch.allclose(one[0], one[1], atol=0.05)


def test_another_seed_is_another_picture_and_the_same_seed_is_the_same(janus):
    it = generator(janus)
    first, again = (pixels(it.generate(samples("three pigs"))) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, pixels(it.generate(samples("three pigs", seed=7))), atol=0.05)


def test_guidance_temperature_and_dtype_change_the_recipe_and_the_picture(janus):
    plain = generator(janus)
    picture = pixels(plain.generate(samples("three pigs")))
    for changed in ({"guidance": 1.0}, {"temperature": 3.0}, {"top_k": 2}, {"top_p": 0.2}):
        other = generator(janus, **changed)
        assert other.recipe != plain.recipe
        assert not torch.allclose(picture, pixels(other.generate(samples("three pigs"))), atol=0.02), changed
    assert generator(janus, batch=1).recipe == plain.recipe


def test_the_token_is_drawn_from_the_distribution_that_the_scores_say():
    scores = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(4000, 1)
    sampler = SeededSampler(range(4000), Sampling(guidance=1))
    drawn = sampler(torch.zeros(4000, 1, dtype=torch.long), scores).argmax(dim=1)
    shares = torch.bincount(drawn, minlength=4) / 4000
    assert torch.allclose(shares, scores[0].softmax(0), atol=0.03)


def test_guidance_is_the_librarys():
    from transformers import ClassifierFreeGuidanceLogitsProcessor

    scores = torch.randn(4, 9, generator=torch.Generator().manual_seed(0))
    ids = torch.zeros(2, 1, dtype=torch.long)
    theirs = ClassifierFreeGuidanceLogitsProcessor(5.0)(ids, scores)
    ours, plain = (
        SeededSampler([1, 2], Sampling(guidance=1), halves=halves)(ids, each)
        for halves, each in ((True, torch.cat([theirs, theirs])), (False, theirs))
    )
    assert torch.equal(ours, plain)
    guided = SeededSampler([1, 2], Sampling(guidance=5), halves=True)(ids, scores)
    assert torch.allclose(guided, plain, atol=1e-5)


def test_batches_shrink_when_memory_does_not_suffice(janus, monkeypatch):
    it = generator(janus, batch=4)
    drawing = it._reader()
    draw, sizes = drawing.draw, []

    def tight(model, texts, seeds, sampling):
        sizes.append(len(texts))
        if len(texts) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return draw(model, texts, seeds, sampling)

    monkeypatch.setattr(drawing, "draw", tight)
    assert len(pixels(it.generate(samples(*WORDS)))) == len(WORDS)
    assert sizes == [4, 2, 2, 1]


def test_one_crashing_prompt_fails_alone(janus, monkeypatch):
    it = generator(janus, batch=3)
    drawing = it._reader()
    draw = drawing.draw

    def crashing(model, texts, seeds, sampling):
        if "bad" in texts:
            raise RuntimeError("index out of range")
        return draw(model, texts, seeds, sampling)

    monkeypatch.setattr(drawing, "draw", crashing)
    assert [type(o) for o in it.generate(samples("one", "bad", "two"))] == [Picture, Failure, Picture]


def test_a_prompt_that_leaves_no_room_for_the_picture_is_a_failure(tmp_path):
    it = generator(tiny_autoregressive.janus(tmp_path, positions=64))
    assert it.truncation("pigs") is None
    assert it.truncation("pigs " * 20).limit == 48
    assert it._model is None, "no weights are needed to tell"
    long, short = it.generate(samples("pigs " * 20, "pigs"))
    assert isinstance(long, Failure) and long.fault is Fault.BAD_REQUEST
    assert "room for 48" in long.message
    assert isinstance(short, Picture)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"guidnce": 4}, "Did you mean 'guidance'"),
        ({"guidance": 0.5}, "1 .none. or more"),
        ({"temperature": 0}, "above 0"),
        ({"top_k": 0}, "whole number"),
        ({"top_p": 2}, "up to 1"),
        ({"device_map": "auto"}, "Choose from none, balanced"),
        ({"quantize": "int3"}, "Choose from nf4, int8, fp8"),
        ({"dtype": "fp8"}, "auto, fp32"),
    ],
)
def test_settings_that_make_no_sense_are_refused(janus, settings, said):
    with pytest.raises(BadSettings, match=said):
        list(generator(janus, **settings).generate(samples("one")))


def test_a_size_that_the_model_cannot_draw_is_refused(janus, emu3):
    with pytest.raises(BadSettings, match="it: this model draws 8 x 8 pixels"):
        list(generator(janus, size=512).generate(samples("one")))
    with pytest.raises(BadSettings, match="multiples of 8"):
        list(generator(emu3, width=20, height=16).generate(samples("one")))
    with pytest.raises(BadSettings, match="takes no negative prompt"):
        list(generator(janus, negative_prompt="ugly").generate(samples("one")))


def test_a_model_that_cannot_draw_is_refused_before_anything_is_loaded(janus, tmp_path):
    for kind, said in (("chameleon", "cannot draw: transformers bars"), ("llama", "this is a llama model")):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
        with pytest.raises(BadSettings, match=said):
            generator(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BadInput, match=r"config\.json cannot be read"):
        generator(tmp_path)


def test_damaged_and_missing_models_are_one_sentence(janus, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(janus, copy)
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadWeights, match="cannot be loaded"):
        list(generator(copy).generate(samples("one")))
    with pytest.raises(BadInput, match=r"no config\.json in it"):
        generator(tmp_path)
    with pytest.raises(BadInput, match="no hub id"):
        generator("./nowhere")
    with pytest.raises(GeneratorClosed, match="name a local folder instead"):
        list(generator("organisation/model").generate(samples("one")))
    with pytest.raises(BadSettings, match="no model named"):
        generator("")


def test_it_keeps_the_contract_of_every_generator(janus):
    check_generator(lambda: generator(janus))


@pytest.mark.parametrize("name", ["janus-pro-1b", "janus-pro-7b", "emu3-gen"])
def test_every_card_of_the_family_can_be_made(name):
    card = read_generator_card(name)
    assert TransformersGenerator(card).traits.seeded
    assert generator_cards()[name].is_file() and card.licence


def test_an_int8_model_draws(janus):
    it = generator(janus, quantize="int8")
    assert pixels(it.generate(samples("three pigs"))).shape == (1, 3, 8, 8)
    layers = [layer for layer in it._loaded().modules() if isinstance(layer, torch.nn.Linear)]
    assert "Int8Tensor" in {type(layer.weight).__name__ for layer in layers}
    assert it.recipe.settings["quantize"] == "int8"
