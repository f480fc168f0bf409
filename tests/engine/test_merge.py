"""The parts of a run become one run that is like one made in one piece; what does not belong is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace

import pytest
import squares

from countcheck.cards import Card
from countcheck.cli.main import execute
from countcheck.engine import merge as engine_merge
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.merge import merge
from countcheck.engine.recount import recount
from countcheck.engine.shard import Shard
from countcheck.errors import BadInput, RunMismatch
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.storage.rows import Label, row_to_json
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.suite import Conversation, Target, Turn

TEXTS = [f"{n % 4 + 1} squares, number {n}" for n in range(7)] + ["2 squares +1", "3 please refuse", "1 break"]


class Editor(squares.SquaresGenerator):
    traits = Traits(seeded=True, edits=True)

    def edit(self, sample, pixels, instruction, turn, targets):
        return Picture(key=sample.key, turn=turn, pixels=squares.squares(targets[0].count, turn), seconds=0.5)


def suite(*texts):
    three = (Target(noun="square", count=3),)
    turns = (Turn(say="2 squares.", targets=three), Turn(say="Noir.", targets=three))
    conversations = tuple(Conversation(id=f"talk-{n}", turns=turns, repairs=1) for n in range(3))
    return replace(squares.suite(*(texts or TEXTS)), conversations=conversations)


def made(path, shard=None, *, counter=None, names=("a", "b"), texts=(), settings=None, **more):
    cards = [Card(name=name, family="squares", price=0.02, settings=settings or {}) for name in names]
    config = RunConfig(suite=suite(*texts), generators=cards, path=path, shard=shard and Shard.parse(shard), **more)
    engine.run(config, counter or squares.counter(), load=Editor).close()
    return path


def told(path):
    """Rows as they are exported, in their order, without the name of the run."""
    with RunFolder.open(path) as run:
        return [row_to_json(row) for row in run.rows()]


@pytest.mark.parametrize("count", [1, 3, 15])
def test_the_merged_run_is_that_made_in_one_piece(tmp_path, count):
    whole = made(tmp_path / "whole", repeats=2)
    parts = [made(tmp_path / f"part-{n}", f"{n}/{count}", repeats=2) for n in range(1, count + 1)]
    with merge(parts[::-1], tmp_path / "merged") as run:
        assert "shard" not in run.info.extra
        assert run.info.name == "merged"
    assert told(tmp_path / "merged") == told(whole)
    pictures = [
        {p.relative_to(run): p.read_bytes() for p in run.rglob("*.png")} for run in (whole, tmp_path / "merged")
    ]
    assert pictures[0] == pictures[1]


def test_its_rates_detections_and_cost_are_those_of_the_run_in_one_piece(tmp_path, capsys):
    whole = made(tmp_path / "whole")
    with merge([made(tmp_path / f"p{n}", f"{n}/2") for n in (1, 2)], tmp_path / "merged") as run:
        spent, detections = run.spent, list(run.detections())
    with RunFolder.open(whole) as run:
        assert spent == pytest.approx(run.spent)
        expected = list(run.detections())
    assert [(key, turn, found.boxes.tolist()) for key, turn, found in detections] == [
        (key, turn, found.boxes.tolist()) for key, turn, found in expected
    ]
    bodies = []
    for path in (whole, tmp_path / "merged"):
        assert execute(["summary", str(path), "--json"]) == 0
        bodies.append(json.loads(capsys.readouterr().out) | {"run": ""})
    assert bodies[0] == bodies[1]


def test_a_part_that_is_not_finished_goes_on_after_the_merge(tmp_path):
    stopped = [made(tmp_path / f"p{n}", f"{n}/2") for n in (1, 2)]
    with sqlite3.connect(stopped[1] / "run.sqlite") as ledger:  # as if the last sample had never been made
        (key,) = ledger.execute("SELECT key FROM samples ORDER BY id DESC LIMIT 1").fetchone()
    with RunFolder.open(stopped[1]) as run:
        run.resume.forget([key])
    merge(stopped, tmp_path / "merged").close()
    assert [row["key"] for row in told(tmp_path / "merged") if row["outcome"] == "missing"] == [key]
    made(tmp_path / "merged")
    assert told(tmp_path / "merged") == told(made(tmp_path / "whole"))


def test_labels_are_kept(tmp_path):
    parts = [made(tmp_path / f"p{n}", f"{n}/2") for n in (1, 2)]
    for n, path in enumerate(parts):
        with RunFolder.open(path) as run:
            run.label_store.add([Label(key=run.rows()[0].key, noun="square", count=n, labeller="ada", at="2026-01-01")])
    with merge(parts, tmp_path / "merged") as run:
        assert sorted(label.count for label in run.labels()) == [0, 1]


def test_recounts_of_parts_are_left_out_and_said(tmp_path):
    parts = [made(tmp_path / f"p{n}", f"{n}/2") for n in (1, 2)]
    with RunFolder.open(parts[0]) as run:
        recount(run, squares.counter(threshold=0.95), make_default=True)
    said = []
    with merge(parts, tmp_path / "merged", message=said.append) as run:
        assert run.info.countings == ("squares",)
    assert len([sentence for sentence in said if "squares-2" in sentence]) == 1
    assert told(tmp_path / "merged") == told(made(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"texts": ("3 squares",)}, "version of the suite"),
        ({"repeats": 2}, r"number of repeats than .* \(2 and 1\)"),
        ({"limit": 3}, "limit"),
        ({"only": {"style": "plain"}}, "choice of tags"),
        ({"counter": squares.counter(threshold=0.7)}, "threshold of the counter"),
        ({"names": ("a",)}, "choice of generators"),
        ({"settings": {"extra": 1}}, "extra of a"),
    ],
)
def test_a_part_made_otherwise_is_refused_with_what_differs(tmp_path, change, says):
    parts = [made(tmp_path / "p1", "1/2"), made(tmp_path / "p2", "2/2", **change)]
    with pytest.raises(RunMismatch, match=says):
        merge(parts, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    assert not list(tmp_path.glob(".*"))


def test_another_version_of_a_package_is_refused(tmp_path, monkeypatch):
    first = made(tmp_path / "p1", "1/2")
    monkeypatch.setattr("countcheck.engine.provenance._versions", lambda: {"countcheck": "9.9"})
    with pytest.raises(RunMismatch, match="version of countcheck"):
        merge([first, made(tmp_path / "p2", "2/2")], tmp_path / "merged")


def test_missing_parts_are_named(tmp_path):
    parts = [made(tmp_path / f"p{n}", f"{n}/3") for n in (1, 2, 3)]
    with pytest.raises(BadInput, match="of 3 parts 2/3 is not among"):
        merge([parts[0], parts[2]], tmp_path / "merged")
    with pytest.raises(BadInput, match="of 3 parts 1/3, 3/3 are not among"):
        merge([parts[1]], tmp_path / "merged")


def test_a_part_given_twice_and_parts_of_two_runs_are_refused(tmp_path):
    first, second = made(tmp_path / "p1", "1/2"), made(tmp_path / "p2", "2/2")
    shutil.copytree(second, tmp_path / "copy")
    with pytest.raises(BadInput, match="are both part 2/2"):
        merge([first, second, tmp_path / "copy"], tmp_path / "merged")
    with pytest.raises(RunMismatch, match=r"is part 1/3, and .* is part 2/2"):
        merge([second, made(tmp_path / "p3", "1/3")], tmp_path / "merged")


def test_two_parts_that_claim_one_sample_are_refused(tmp_path):
    first, second = made(tmp_path / "p1", "1/2"), made(tmp_path / "p2", "2/2")
    shutil.rmtree(second)
    shutil.copytree(first, second)
    with RunFolder.open(second) as run:
        run._record({"shard": "2/2"})
    with pytest.raises(RunMismatch, match=r"holds the sample .*, which another of the runs holds too"):
        merge([first, second], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_what_is_no_part_and_a_folder_in_use_are_refused(tmp_path):
    whole, first = made(tmp_path / "whole"), made(tmp_path / "p1", "1/1")
    with pytest.raises(BadInput, match="is a whole run, not a part"):
        merge([whole], tmp_path / "merged")
    with pytest.raises(BadInput, match="is no run folder"):
        merge([tmp_path / "nothing"], tmp_path / "merged")
    with pytest.raises(BadInput, match="is there already"):
        merge([first], whole)


def test_a_merge_that_is_interrupted_leaves_nothing_and_can_be_repeated(tmp_path, monkeypatch):
    parts = [made(tmp_path / f"p{n}", f"{n}/2") for n in (1, 2)]

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine_merge, "copy_files", interrupted)
        merge(parts, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    merge(parts, tmp_path / "merged").close()
    assert len(told(tmp_path / "merged")) > 20


def test_a_damaged_part_is_refused(tmp_path):
    parts = [made(tmp_path / f"p{n}", f"{n}/2") for n in (1, 2)]
    with sqlite3.connect(parts[1] / "run.sqlite") as ledger:
        ledger.execute("DROP TRIGGER verdicts_delete")
        ledger.execute("DELETE FROM verdicts WHERE rowid IN (SELECT rowid FROM verdicts LIMIT 1)")
    with pytest.raises(BadInput, match=r"p2.*(damaged|cannot be read)"):
        merge(parts, tmp_path / "merged")


def test_the_commands_make_parts_and_merge_them(tmp_path, capsys):
    run = ["run", "demo", "-g", "scenes?size=64", "--limit", "6", "-o", str(tmp_path / "demo")]
    assert execute([*run, "--shard", "1/2"]) == execute([*run, "--shard", "2/2"]) == 0
    parts = sorted(str(path) for path in tmp_path.glob("demo-shard-*-of-2"))
    assert execute(["merge", *parts, "-o", str(tmp_path / "demo")]) == 0
    assert "scored all 6" in capsys.readouterr().out
    assert execute([*run, "--shard", "3/2"]) == 2
    assert execute(run) == 0  # the merged run is whole: the command without --shard goes on with it
