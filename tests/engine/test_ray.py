"""The engine over workers: the same run as on one machine, whatever dies on the way."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import ray
import squares
from PIL import Image

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine import ray as engine_ray
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.ray import RayGenerator, Worker, WorkerOutcome, run_on_ray
from countcheck.engine.scoring import nouns_of
from countcheck.errors import BadWeights, CountcheckError, GeneratorClosed, UnknownName
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.samples import plan

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")


class Painter(squares.SquaresGenerator):
    """Squares, with a way to die, to close, and to edit."""

    traits = Traits(seeded=True, batched=True, edits=True)

    def generate(self, samples):
        for sample in samples:
            if "die" in sample.text:
                os._exit(1)
            if "close" in sample.text:
                raise GeneratorClosed("the painter has gone home.")
            yield from super().generate([sample])

    def edit(self, sample, pixels, instruction, turn, targets):
        return Picture(key=sample.key, turn=turn, pixels=squares.squares(int(instruction), sample.seed))


def load_painter(card: Card) -> Painter:
    return Painter(card)


def load_counter(spec: str):
    return squares.counter()


def engaged():
    return load_painter(CARD), squares.counter()


def cannot_engage():
    raise BadWeights("the weights of squares are damaged.")


def plan_of(spread, *texts):
    return list(plan(squares.suite(*texts), spread.recipe))


CARD = Card(name="squares", family="squares")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        # The workers are to find the painter above, and a busy machine is to be waited for.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]))
        for name in ("raylet_start_wait_time_s", "worker_register_timeout_seconds"):
            patch.setenv(f"RAY_{name}", "200")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        yield
        ray.shutdown()


@pytest.fixture(autouse=True)
def painter(monkeypatch):
    monkeypatch.setattr(engine_ray, "load_generator", load_painter)
    monkeypatch.setattr(engine_ray, "load_counter", load_counter)
    monkeypatch.setattr(engine, "load_generator", load_painter)


def order(path, *texts):
    return RunConfig(suite=squares.suite(*texts), generators=[CARD], path=path)


def told(run: RunFolder):
    return [(r.key, r.verdict, dict(r.counted), r.outcome, r.failure, r.words, r.cost) for r in run.rows()]


TEXTS = [f"{i % 5} squares, picture {i}" for i in range(36)] + ["2 squares +1", "4 please refuse", "5 break"]


def test_many_workers_make_the_run_that_one_machine_makes(tmp_path, monkeypatch):
    with engine.run(order(tmp_path / "one", *TEXTS), squares.counter()) as run:
        alone = told(run)

    def looked_at_twice(self, pictures, nouns):
        assert not pictures, "the head detected again what a worker had detected"
        return []

    monkeypatch.setattr(squares.SquaresDetector, "detect", looked_at_twice)
    with run_on_ray(order(tmp_path / "many", *TEXTS), "squares", workers=2) as run:
        assert told(run) == alone
        picture = run.pictures.find(run.rows()[3])
        assert picture is not None
        assert Image.open(picture).size == (64, 64)


def test_a_run_begun_over_many_machines_goes_on_over_one(tmp_path):
    asked = replace(order(tmp_path / "run", *TEXTS), generators=[replace(CARD, settings={"pause": 0.1})])
    with run_on_ray(asked, "squares", workers=2, decide=lambda run: "enough") as run:
        begun = {row.key for row in run.rows() if row.outcome != "missing"}
    assert 0 < len(begun) < len(TEXTS)
    painted = []
    with engine.run(
        asked, squares.counter(), load=lambda card: painted.append(load_painter(card)) or painted[0]
    ) as run:
        assert all(row.outcome != "missing" for row in run.rows())
    assert set(painted[0].asked).isdisjoint(begun)


def test_a_worker_that_dies_loses_nothing_but_the_sample_it_dies_over(tmp_path):
    with run_on_ray(order(tmp_path / "run", *TEXTS[:6], "1 square to die over"), "squares", workers=1) as run:
        rows = run.rows()
    assert [row.verdict for row in rows[:6]] == [Kind.EXACT] * 6
    assert (rows[6].outcome, rows[6].failure) == ("failure", "crash")


def test_a_generator_that_closes_ends_the_run_and_what_was_made_is_kept(tmp_path):
    asked = order(tmp_path / "run", *TEXTS[:3], "1 square, then close")
    with pytest.raises(GeneratorClosed, match="the painter has gone home"):
        run_on_ray(asked, "squares", workers=1)
    with RunFolder.open(tmp_path / "run") as run:
        assert [row.verdict for row in run.rows()][:3] == [Kind.EXACT] * 3


def test_what_a_worker_cannot_load_is_said_in_its_own_words():
    spread = RayGenerator(load_painter(CARD), cannot_engage, (), workers=1)
    with pytest.raises(BadWeights, match="are damaged"):
        list(spread.generate(plan_of(spread, "3 squares")))
    spread.close()


def test_two_generators_follow_each_other_where_there_is_room_for_one(tmp_path):
    cards = [replace(CARD, name="first"), replace(CARD, name="second")]
    asked = replace(order(tmp_path / "run", *TEXTS[:4]), generators=cards)
    # Every worker takes a whole core, and there are two.
    with run_on_ray(asked, "squares", workers=2) as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT] * 8


def test_an_edit_is_made_by_a_worker():
    spread = RayGenerator(load_painter(CARD), engaged, (), workers=1)
    (sample,) = plan_of(spread, "3 squares")
    outcome = spread.edit(sample, squares.squares(4), "3", 1, ())
    spread.close()
    assert isinstance(outcome, Picture)
    assert outcome.turn == 1
    assert (outcome.pixels == squares.squares(3, sample.seed)).all()


def test_a_picture_travels_apart_from_its_outcome_and_comes_back_with_its_detections():
    (detections,) = squares.counter().detect([squares.squares(3)], nouns_of(squares.suite("3 squares")))
    outcome = Picture(key="k", pixels=squares.squares(3), cost=0.1)
    travelling = WorkerOutcome.of(outcome, detections)
    assert travelling.outcome == replace(outcome, pixels=None)
    back = travelling.unpack()
    assert back.detections is detections
    assert (back.outcome.pixels == outcome.pixels).all()


def test_a_counter_that_chooses_its_views_detects_on_the_head(monkeypatch):
    chooses = squares.counter()
    chooses.chooses_views = True
    worker = Worker(lambda: (load_painter(CARD), chooses), ())
    monkeypatch.setattr(chooses, "detect", None)
    made, error = worker.make(plan_of(load_painter(CARD), "3 squares"))
    assert error is None
    assert [one.detections for one in made] == [None]


def test_what_waits_on_a_network_is_asked_from_the_head(tmp_path, monkeypatch):
    monkeypatch.setattr(Painter, "traits", Traits(seeded=True, batched=True, remote=True))
    monkeypatch.setattr(engine_ray, "RayGenerator", None)
    with run_on_ray(order(tmp_path / "run", "3 squares"), "squares") as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT]


def test_a_workers_error_keeps_its_kind_where_it_can():
    assert type(engine_ray._rebuilt("GeneratorClosed", "gone")) is GeneratorClosed
    error = engine_ray._rebuilt("UnknownName", "no such thing")
    assert type(error) is CountcheckError and not isinstance(error, UnknownName)
    assert str(error) == "no such thing"


def test_a_cluster_that_does_not_answer_is_said(monkeypatch):
    monkeypatch.setattr(engine_ray.ray, "is_initialized", lambda: False)

    def refuse(**options):
        raise ConnectionError("no")

    monkeypatch.setattr(engine_ray.ray, "init", refuse)
    monkeypatch.setenv("RAY_ADDRESS", "ray.example:6379")
    with pytest.raises(CountcheckError, match=r"no Ray cluster answers at ray\.example:6379"):
        engine_ray._join()
