"""A counter is checked against a suite before anything is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import squares

from countcheck.cards import Card, read_generator_card
from countcheck.counting.counter import load_counter
from countcheck.counting.self_test import SelfTest, SelfTestScore
from countcheck.engine.config import RunConfig
from countcheck.engine.counter_check import check_counter, fit_counter, report_self_test
from countcheck.engine.progress import NullProgress
from countcheck.engine.run import run
from countcheck.errors import BadInput, CannotDecide
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.catalog import load_suite
from countcheck.suites.samples import Recipe
from countcheck.suites.suite import Prompt, Suite, Target

WOLVES = Suite(name="wolves", prompts=(Prompt(id="p", text="two wolves", targets=(Target(noun="wolf", count=2),)),))


def test_a_noun_that_the_counter_does_not_know_is_named_with_the_suite():
    with pytest.raises(BadInput, match=r"squares cannot know 'wolf' \(asked for in wolves\)"):
        fit_counter(squares.counter(), WOLVES, lambda sentence: None)


def test_a_counter_that_chooses_no_views_stays_as_it_is():
    counter = squares.counter()
    assert fit_counter(counter, squares.suite("3 squares"), lambda sentence: None) is counter


def test_a_counter_that_fails_its_self_test_cannot_judge():
    counter = load_counter("tiny")
    blind = counter.with_rule(replace(counter.rule, threshold=0.999))
    with pytest.raises(CannotDecide, match="of 48 control pictures right"):
        check_counter(blind, WOLVES)


def test_what_a_passed_self_test_leaves_open_is_reported():
    counter = squares.counter()
    said = []
    report_self_test(SelfTest(plain=None), counter, said.append)
    failed = SelfTestScore(right=12, total=24, needed=20)
    passed = SelfTestScore(right=24, total=24, needed=20)
    report_self_test(SelfTest(plain=passed, by_style={"noir": failed, "oil": passed}), counter, said.append)
    assert len(said) == 2
    assert "squares" in said[0] and "untested" in said[0]
    assert "style noir" in said[1] and "12 of 24" in said[1]


def test_styles_in_which_no_picture_can_be_drawn_are_reported_as_untested():
    said = []
    passed = SelfTestScore(right=48, total=48, needed=46)
    report_self_test(SelfTest(plain=passed, untested_styles=("cubism", "photo")), squares.counter(), said.append)
    assert said == [
        "no control picture can be drawn in the style cubism or photo: the counter squares is untested there"
    ]


class Photographs:
    """Returns pictures of noise in which a counter finds nothing."""

    def __init__(self, card):
        self.name = card.name

    traits = Traits(seeded=True)
    recipe = Recipe(name="photographs", settings={})

    def generate(self, samples):
        dice = np.random.default_rng(0)
        for sample in samples:
            rows, columns = np.fft.fftfreq(120)[:, None], np.fft.rfftfreq(160)[None]
            noise = dice.normal(size=(3, 120, 81)) + 1j * dice.normal(size=(3, 120, 81))
            layers = np.fft.irfft2(noise / np.maximum(np.hypot(rows, columns), 0.01), (120, 160))
            layers = layers[:1] + 0.3 * layers
            pixels = np.clip(120 + 40 * layers / layers.std(), 0, 255).astype(np.uint8)
            yield Picture(key=sample.key, pixels=np.moveaxis(pixels, 0, 2))


def test_a_run_of_pictures_unlike_the_tested_ones_says_so_and_keeps_it(tmp_path):
    class Listener(NullProgress):
        def message(self, text):
            said.append(text)

    said = []
    config = RunConfig(
        suite=squares.suite(*[f"{n} squares" for n in range(3, 11)]),
        generators=[Card(name="photographs", family="x")],
        path=tmp_path / "run",
    )
    with run(config, squares.counter(), progress=Listener(), load=Photographs) as folder:
        self_test = folder.info.self_test
    assert any("pictures look unlike the drawings that the counter squares was tested on" in text for text in said)
    assert self_test.unlike >= 4 and self_test.compared == 8
    recorded = self_test.to_json()["pictures"]
    assert (recorded["unlike"], recorded["compared"]) == (self_test.unlike, 8)
    assert recorded.get("pasted", 0) == self_test.pasted >= self_test.pasted_right >= 0
    with RunFolder.open(tmp_path / "run") as folder:
        assert folder.info.self_test.unlike == self_test.unlike


def test_a_run_of_drawings_says_nothing_of_it(tmp_path):
    config = RunConfig(
        suite=load_suite("demo"), generators=[read_generator_card("scenes")], path=tmp_path / "run", limit=8
    )
    with run(config, load_counter("tiny")) as folder:
        assert folder.info.self_test.compared == 0
        assert "pictures" not in folder.info.self_test.to_json()
