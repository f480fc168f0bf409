"""Generators that wait for a network work at the same time, those of one device one after another."""

from __future__ import annotations

import threading

import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.context import GeneratorPlan
from countcheck.engine.lanes import lanes_of, run_lanes, stopped_with_the_run
from countcheck.engine.progress import NullProgress
from countcheck.errors import DiskFull, GeneratorClosed
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.samples import Recipe

REMOTE, LOCAL, PAINTER = Traits(remote=True), Traits(), Traits(on_cores=True)
TEXTS = [f"{n % 4 + 1} squares, number {n}" for n in range(12)]


class Plain:
    def __init__(self, name, traits):
        self.name, self.traits, self.recipe = name, traits, Recipe(name=name)

    def generate(self, samples):
        for sample in samples:
            yield self.one(sample)

    def one(self, sample):
        return Picture(key=sample.key, pixels=squares.squares(sample.asked.targets[0].count, sample.seed), cost=0.01)


def plan(name, traits, **settings):
    card = Card(name=name, family="x", settings=settings)
    return GeneratorPlan(card=card, generator=Plain(name, traits), samples=())


def test_remote_generators_have_a_lane_each_and_a_device_has_one():
    plans = [
        plan("a", REMOTE),
        plan("b", LOCAL),
        plan("c", REMOTE),
        plan("d", LOCAL),
        plan("e", LOCAL, device="cuda:0"),
        plan("f", LOCAL, device="cuda:1"),
        plan("g", LOCAL, device="cuda:0"),
    ]
    assert [[each.card.name for each in lane] for lane in lanes_of(plans)] == [
        ["a"],
        ["b", "d"],
        ["c"],
        ["e", "g"],
        ["f"],
    ]


def test_one_lane_runs_in_the_thread_that_asks():
    threads = []
    run_lanes([lambda: threads.append(threading.current_thread())], threading.Event())
    assert threads == [threading.current_thread()]


def test_an_error_in_one_lane_stops_the_others_and_is_raised():
    stop, ended = threading.Event(), []

    def breaks():
        raise ValueError("no paper")

    def waits():
        assert stop.wait(30)
        ended.append(True)

    with pytest.raises(ValueError, match="no paper"):
        run_lanes([breaks, waits], stop)
    assert ended == [True]


def run(tmp_path, generators, *texts, **more):
    by_name = {generator.name: generator for generator in generators}
    config = RunConfig(
        suite=squares.suite(*(texts or TEXTS)),
        generators=[Card(name=name, family="x", price=0.01) for name in by_name],
        path=tmp_path / "run",
        budget=more.pop("budget", None),
    )
    with engine.run(config, squares.counter(), load=lambda card: by_name[card.name], **more) as folder:
        return folder.rows()


class Meeting(Plain):
    """Goes on only once the others have begun as well."""

    def __init__(self, name, traits, barrier):
        super().__init__(name, traits)
        self.barrier = barrier

    def generate(self, samples):
        self.barrier.wait(30)
        yield from super().generate(samples)


def test_three_remote_generators_and_a_local_one_work_at_the_same_time(tmp_path):
    barrier = threading.Barrier(4)
    traits = {"a": REMOTE, "b": REMOTE, "c": REMOTE, "d": PAINTER}
    rows = run(tmp_path, [Meeting(name, trait, barrier) for name, trait in traits.items()])
    assert [row.verdict for row in rows] == [Kind.EXACT] * 4 * len(TEXTS)
    assert {row.generator for row in rows} == set(traits)


def test_the_rows_are_those_of_a_run_with_one_generator_after_another(tmp_path, monkeypatch):
    def told(rows):
        return [(row.key, row.generator, row.verdict, row.counted) for row in rows]

    at_once = told(run(tmp_path / "at once", [Plain(name, REMOTE) for name in "abc"]))
    monkeypatch.setattr("countcheck.engine.run.lanes_of", lambda plans: [list(plans)])
    assert told(run(tmp_path / "in turn", [Plain(name, REMOTE) for name in "abc"])) == at_once


def test_two_local_generators_take_turns(tmp_path):
    running, most = [], []

    class Alone(Plain):
        def generate(self, samples):
            running.append(self.name)
            most.append(len(running))
            yield from super().generate(samples)
            running.remove(self.name)

    run(tmp_path, [Alone("a", LOCAL), Alone("b", LOCAL), Alone("c", REMOTE)])
    assert max(most) <= 2


def test_one_closed_account_leaves_the_others_at_work(tmp_path):
    class Closed(Plain):
        def generate(self, samples):
            yield self.one(samples[0])
            raise GeneratorClosed("b serves nobody: no credit.")

    with pytest.raises(GeneratorClosed, match="no credit"):
        run(tmp_path, [Plain("a", REMOTE), Closed("b", REMOTE), Plain("c", REMOTE)])
    with RunFolder.open(tmp_path / "run") as folder:
        made = [row.generator for row in folder.rows() if row.outcome == "picture"]
    assert {name: made.count(name) for name in "abc"} == {"a": len(TEXTS), "b": 1, "c": len(TEXTS)}


class Waiting(Plain):
    """Waits for its provider until it is stopped."""

    def __init__(self, name, traits):
        super().__init__(name, traits)
        self.stopped = threading.Event()

    def generate(self, samples):
        yield self.one(samples[0])
        assert self.stopped.wait(30)

    def stop(self):
        self.stopped.set()


@pytest.mark.parametrize("names", ["a", "abc"])
def test_a_stop_reaches_generators_that_wait(tmp_path, names):
    class StopOnceAllWait(NullProgress):
        made = 0

        def advance(self, generator, entry):
            self.made += 1
            if self.made == len(names):
                stop.set()

    stop = threading.Event()
    generators = [Waiting(name, REMOTE) for name in names]
    rows = run(tmp_path, generators, stop=stop, progress=StopOnceAllWait())
    assert [row.outcome for row in rows].count("picture") == len(names)
    assert all(generator.stopped.is_set() for generator in generators)


def test_a_full_disk_ends_all_of_them(tmp_path, monkeypatch):
    def full(self, entries, counting, states=None):
        raise DiskFull("no room left.")

    monkeypatch.setattr(RunFolder, "write", full)
    with pytest.raises(DiskFull):
        run(tmp_path, [Waiting("a", REMOTE), Waiting("b", REMOTE), Plain("c", REMOTE)])


def test_a_budget_is_shared_by_all_of_them(tmp_path):
    rows = run(tmp_path, [Plain(name, REMOTE) for name in "abc"], budget=0.1)
    assert 10 <= sum(row.outcome == "picture" for row in rows) <= 10 + 3


def test_a_generator_that_is_not_remote_is_not_stopped_from_outside():
    local = Waiting("a", LOCAL)
    stop = threading.Event()
    stop.set()
    with stopped_with_the_run(local, stop):
        pass
    assert not local.stopped.is_set()
