"""The generator of existing pictures."""

from __future__ import annotations

from picture_folders import SUITE, put

from countcheck.cards import Card
from countcheck.generators.folder import FolderGenerator
from countcheck.generators.outcome import Failure, Picture
from countcheck.suites.samples import plan


def test_the_generator_gives_what_is_there_and_nothing_for_what_is_not(tmp_path):
    put(tmp_path, "pigs_0.png", "cats_1.png")
    (tmp_path / "cats_0.png").write_bytes(b"\x89PNG broken")
    generator = FolderGenerator(Card(name="f", family="folder", source=str(tmp_path)))
    samples = list(plan(SUITE, generator.recipe, repeats=2))
    outcomes = {o.key: o for o in generator.generate(samples)}
    by = {(s.asked.id, s.repeat): outcomes.get(s.key) for s in samples}
    assert isinstance(by["pigs", 0], Picture)
    assert by["pigs", 1] is None
    assert isinstance(by["cats", 0], Failure)
    assert "cats_0.png" in by["cats", 0].message


def test_another_folder_is_another_generator(tmp_path):
    put(tmp_path, "pigs_0.png")
    before = FolderGenerator(Card(name="f", family="folder", source=str(tmp_path))).recipe.revision
    put(tmp_path, "pigs_1.png")
    assert FolderGenerator(Card(name="f", family="folder", source=str(tmp_path))).recipe.revision != before
