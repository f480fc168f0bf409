"""Prompts longer than a text encoder reads: found before anything is generated, and recorded."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import tiny_pipelines

from countcheck.cards import Card
from countcheck.generators.diffusers import DiffusersGenerator
from countcheck.generators.outcome import Picture
from countcheck.generators.prompt_limits import PromptLimits
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt

LONG = "a wide quiet meadow with low morning fog " * 3 + "and exactly three pigs"


class CLIPWords:
    """One token a word, one to begin and one to end."""

    def __init__(self, limit=10**30):
        self.model_max_length = limit

    def __call__(self, text, truncation, verbose):
        self.words = ["", *text.split(), ""]
        return SimpleNamespace(input_ids=list(range(len(self.words))))

    def decode(self, tokens, skip_special_tokens):
        return " ".join(self.words[token] for token in tokens)


class T5Words(CLIPWords):
    pass


class Plain:
    def __init__(self, **components):
        self.components = {**components, **{n.replace("tokenizer", "text_encoder"): object() for n in components}}

    def __call__(self, prompt):
        pass


class WithLength(Plain):
    def __call__(self, prompt, max_sequence_length=12):
        pass


class IFPipeline(Plain):
    pass


def words(n):
    return " ".join(f"w{k}" for k in range(n))


@pytest.mark.parametrize(
    ("pipe", "settings", "most"),
    [
        (Plain(tokenizer=CLIPWords(10)), {}, 8),
        (Plain(tokenizer=CLIPWords(10), tokenizer_2=CLIPWords(20)), {}, 18),
        (WithLength(tokenizer=CLIPWords(10), tokenizer_2=T5Words()), {}, 10),
        (WithLength(tokenizer=CLIPWords(10), tokenizer_2=T5Words()), {"max_sequence_length": 40}, 38),
        (IFPipeline(tokenizer=T5Words()), {}, 75),
        (Plain(prior_tokenizer=CLIPWords(10)), {}, 8),
    ],
)
def test_a_prompt_is_cut_where_the_encoder_that_reads_most_cuts_it(pipe, settings, most):
    limits = PromptLimits.of(pipe, settings)
    assert limits.truncation(words(most)) is None
    truncation = limits.truncation(words(most + 2))
    assert (truncation.tokens, truncation.limit) == (most + 4, most + 2)
    assert truncation.unseen.split() == [f"w{most}", f"w{most + 1}"]


def test_an_encoder_without_a_limit_reads_everything():
    assert PromptLimits.of(Plain(tokenizer=CLIPWords(10), tokenizer_2=T5Words()), {}).truncation(words(900)) is None
    assert PromptLimits.of(Plain(), {}).truncation(words(900)) is None


def test_a_tokenizer_without_an_encoder_does_not_count():
    pipe = Plain(tokenizer=CLIPWords(10))
    pipe.components["tokenizer_3"], pipe.components["text_encoder_3"] = T5Words(), None
    assert PromptLimits.of(pipe, {}).truncation(words(11)).limit == 10


def test_cut_prompts_are_said_before_anything_is_generated_and_recorded(tmp_path, caplog):
    model = tiny_pipelines.stable_diffusion(tmp_path)
    it = DiffusersGenerator(
        Card(name="it", family="diffusers", source=str(model), settings={"steps": 2, "size": 32, "edits": True})
    )
    samples = [
        Sample(key=f"{n:032x}", generator="it", asked=Prompt(id=f"p{n}", text=text), repeat=0, seed=n)
        for n, text in enumerate(["three pigs", LONG, LONG])
    ]
    with caplog.at_level(logging.WARNING, logger="countcheck"):
        outcomes = it.generate(samples)
        first = next(outcomes)
        (said,) = [record.getMessage() for record in caplog.records if record.name == "countcheck"]
    assert "1 of 2 prompts are longer than the 77 tokens" in said
    outcomes = [first, *outcomes]
    assert [type(outcome) for outcome in outcomes] == [Picture] * 3
    assert "truncated" not in outcomes[0].extra
    assert outcomes[1].extra["truncated"]["limit"] == 77
    assert outcomes[1].extra["truncated"]["unseen"].endswith("exactly three pigs")
    edited = it.edit(samples[0], first.pixels, LONG, 1, ())
    assert isinstance(edited, Picture), edited
    assert edited.extra["truncated"]["tokens"] > 77


def test_the_limit_is_told_without_weights_as_with_them(tmp_path):
    model = tiny_pipelines.stable_diffusion_xl(tmp_path)
    card = Card(name="it", family="diffusers", source=str(model), settings={"steps": 2, "size": 32})
    loaded, light = DiffusersGenerator(card), DiffusersGenerator(card)
    loaded._loaded()
    for weights in model.rglob("*.safetensors"):
        weights.unlink()
    for text in ("three pigs", LONG):
        assert light.truncation(text) == loaded.truncation(text)
    assert light.truncation(LONG).limit == 77
