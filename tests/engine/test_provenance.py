"""What a run was made with is recorded before its first sample, and nothing else goes on with it."""

from __future__ import annotations

import re

import pytest
import squares

from countcheck import __version__
from countcheck.cards import Card
from countcheck.engine.config import RunConfig
from countcheck.engine.provenance import describe_counter, describe_generator, open_or_create
from countcheck.engine.run import plan_generator
from countcheck.engine.shard import Shard
from countcheck.errors import RunMismatch
from countcheck.storage.run_folder import RunFolder


def opened(path, *, counter=None, settings=None, texts=("3 squares",), **more):
    card = Card(name="squares", family="squares", settings=settings or {}, price=0.04, priced="2026-01", licence="MIT")
    config = RunConfig(suite=squares.suite(*texts), generators=[card], path=path, **more)
    plan = plan_generator(config, card, squares.SquaresGenerator(card))
    return open_or_create(config, [plan], counter or squares.counter())


def test_the_record_holds_all_that_can_change_a_rate(tmp_path):
    with opened(tmp_path / "run", repeats=2, limit=5, only={"style": "plain"}) as folder:
        info = folder.info
    assert (info.name, info.suite, info.repeats, info.limit, info.only) == ("run", "squares", 2, 5, {"style": "plain"})
    assert info.suite_digest == squares.suite("3 squares").digest
    assert info.versions["countcheck"] == __version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", info.created)
    assert info.device
    generator = info.generators["squares"]
    assert (generator.price, generator.priced, generator.licence) == (0.04, "2026-01", "MIT")
    assert generator.settings == {"extra": 0}


def test_the_same_settings_open_the_same_run(tmp_path):
    opened(tmp_path / "run").close()
    with RunFolder.open(tmp_path / "run") as folder:
        created = folder.info.created
    with opened(tmp_path / "run") as folder:
        assert folder.info.created == created


def test_more_repeats_are_recorded_and_fewer_are_refused(tmp_path):
    opened(tmp_path / "run").close()
    with opened(tmp_path / "run", repeats=3) as folder:
        assert folder.info.repeats == 3
    with pytest.raises(RunMismatch, match=r"number of repeats \(3, now 2\)"):
        opened(tmp_path / "run", repeats=2)


def test_more_repeats_under_a_limit_are_refused(tmp_path):
    opened(tmp_path / "run", limit=1).close()
    with pytest.raises(RunMismatch, match=r"number of repeats \(1, now 2\)"):
        opened(tmp_path / "run", limit=1, repeats=2)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"limit": 1}, r"limit \(None, now 1\)"),
        ({"only": {"style": "plain"}}, "choice of tags"),
        ({"settings": {"extra": 1}}, r"extra of squares \(0, now 1\)"),
        ({"texts": ("4 squares",)}, "version of the suite"),
    ],
)
def test_another_setting_is_refused_with_both_values(tmp_path, change, what):
    opened(tmp_path / "run").close()
    with pytest.raises(RunMismatch, match=what):
        opened(tmp_path / "run", **change)


def test_another_counter_is_refused_once_something_was_counted(tmp_path):
    with opened(tmp_path / "run") as folder:
        folder.begin_counting(describe_counter(squares.counter()))
    with pytest.raises(RunMismatch, match="threshold of the counter"):
        opened(tmp_path / "run", counter=squares.counter(threshold=0.9))


def test_a_generator_is_described_with_the_conversations_it_cannot_hold(tmp_path):
    card = Card(name="squares", family="squares")
    config = RunConfig(suite=squares.suite("3 squares"), generators=[card], path=tmp_path)
    plan = plan_generator(config, card, squares.SquaresGenerator(card))
    described = describe_generator(plan)
    assert described.traits["seeded"] is True
    assert described.skipped_conversations == 0


def test_another_shard_is_another_run(tmp_path):
    opened(tmp_path / "run", shard=Shard(index=1, count=2)).close()
    with pytest.raises(RunMismatch, match=r"shard \(1/2, now 2/2\)"):
        opened(tmp_path / "run", shard=Shard(index=2, count=2))
    with pytest.raises(RunMismatch, match=r"shard \(1/2, now None\)"):
        opened(tmp_path / "run")
