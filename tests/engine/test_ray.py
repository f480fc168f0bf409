"""The engine over a cluster of two machines: the same run as on one, whatever dies on the way."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import painters
import pytest
import ray
import squares
from painters import CARD, TEXTS
from ray.cluster_utils import Cluster

from countcheck.counting.verdict import Kind
from countcheck.engine import ray as engine_ray
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.ray import pool_size, run_on_ray
from countcheck.engine.workers.size import WorkerCount
from countcheck.errors import CountcheckError, RunMismatch
from countcheck.generators.base import Traits
from countcheck.storage.run_folder import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        # The workers are to find the painter, and a busy machine is to be waited for.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]))
        for name in ("raylet_start_wait_time_s", "worker_register_timeout_seconds"):
            patch.setenv(f"RAY_{name}", "200")
        machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        machines.add_node(num_cpus=1)
        ray.init(address=machines.address, log_to_driver=False, logging_level="error")
        yield machines
        ray.shutdown()
        machines.shutdown()


@pytest.fixture(autouse=True)
def painter(monkeypatch):
    monkeypatch.setattr(engine_ray, "load_generator", painters.load_painter)
    monkeypatch.setattr(engine_ray, "load_counter", painters.load_counter)


def order(path, *texts, **settings):
    return RunConfig(suite=squares.suite(*texts), generators=[CARD], path=path, **settings)


def told(run: RunFolder):
    return [(r.key, r.verdict, dict(r.counted), r.outcome, r.failure, r.words, r.cost, r.digest) for r in run.rows()]


class Watcher:
    """Keeps what is told of workers."""

    def __init__(self, then=lambda made: None):
        self.made, self.sentences, self._then = {}, [], then

    def start(self, generator, planned, done):
        pass

    def advance(self, generator, entry):
        pass

    def message(self, sentence):
        self.sentences.append(sentence)

    def workers(self, generator, made):
        self.made = dict(made)
        self._then(self.made)


def test_a_lost_machine_loses_nothing_and_the_run_is_that_of_one_machine(tmp_path, monkeypatch, cluster):
    with engine.run(order(tmp_path / "one", *TEXTS), squares.counter(), load=painters.load_painter) as run:
        alone = told(run)

    def seen_twice(self, pictures, nouns):
        assert not pictures, "the head detected again what a worker had detected"
        return []

    monkeypatch.setattr(squares.SquaresDetector, "detect", seen_twice)
    node = cluster.add_node(num_cpus=2)
    lost = []

    def lose(made):
        if not lost and sum(made.values()) > 4:
            lost.append(cluster.remove_node(node, allow_graceful=False))

    asked = replace(order(tmp_path / "many", *TEXTS), generators=[replace(CARD, settings={"pause": 0.02})])
    watcher = Watcher(lose)
    with run_on_ray(asked, "squares", workers=3, progress=watcher) as run:
        rows = told(run)
        picture = run.pictures.find(run.rows()[3])
    assert len(lost) == 1
    assert rows == alone
    assert picture is not None and picture.is_file()
    assert sum(watcher.made.values()) == len(TEXTS)


def test_a_run_begun_over_many_machines_goes_on_over_one(tmp_path):
    asked = replace(order(tmp_path / "run", *TEXTS), generators=[replace(CARD, settings={"pause": 0.1})])
    with run_on_ray(asked, "squares", workers=2, decide=lambda run: "enough") as run:
        begun = {row.key for row in run.rows() if row.outcome != "missing"}
    assert 0 < len(begun) < len(TEXTS)
    made = []
    with engine.run(
        asked, squares.counter(), load=lambda card: made.append(painters.load_painter(card)) or made[0]
    ) as run:
        assert all(row.outcome != "missing" for row in run.rows())
    assert set(made[0].asked).isdisjoint(begun)


def test_two_generators_follow_each_other_where_there_is_room_for_one(tmp_path):
    cards = [replace(CARD, name="first"), replace(CARD, name="second")]
    asked = replace(order(tmp_path / "run", *TEXTS[:4]), generators=cards)
    # Every worker takes a whole core, and there are two.
    with run_on_ray(asked, "squares", workers=2) as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT] * 8


def test_what_waits_on_a_network_is_asked_from_the_head(tmp_path, monkeypatch):
    monkeypatch.setattr(painters.Painter, "traits", Traits(seeded=True, batched=True, remote=True))
    monkeypatch.setattr(engine_ray, "WorkerPool", None)
    with run_on_ray(order(tmp_path / "run", "3 squares"), "squares") as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT]


def test_what_suits_the_cluster_is_taken(monkeypatch):
    monkeypatch.setattr(engine_ray.ray, "cluster_resources", lambda: {"GPU": 8.0, "CPU": 64.0})
    assert pool_size(WorkerCount()).highest == 8
    assert pool_size(WorkerCount(gpus=2.0)).lowest == 4
    assert pool_size(WorkerCount(lowest=2, highest=16)).highest == 16


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ConnectionError("no"), CountcheckError, r"no Ray cluster answers at ray\.example:6379"),
        (
            RuntimeError("Version mismatch: The cluster was started with:\n Ray: 2.40.0"),
            RunMismatch,
            r"differ in version .*started with: Ray: 2\.40\.0",
        ),
    ],
)
def test_a_cluster_that_does_not_answer_or_is_another_is_said(monkeypatch, error, kind, said):
    monkeypatch.setattr(engine_ray.ray, "is_initialized", lambda: False)

    def refuse(**options):
        raise error

    monkeypatch.setattr(engine_ray.ray, "init", refuse)
    monkeypatch.setattr(engine_ray.socket, "create_connection", lambda *_, **__: io.BytesIO())
    monkeypatch.setenv("RAY_ADDRESS", "ray.example:6379")
    with pytest.raises(kind, match=said):
        engine_ray._join()


def test_where_nobody_listens_ray_is_not_left_to_try_for_minutes(monkeypatch):
    def refuse(address, timeout):
        raise ConnectionRefusedError(f"nobody at {address}")

    monkeypatch.setattr(engine_ray.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(engine_ray.socket, "create_connection", refuse)
    monkeypatch.setattr(engine_ray.ray, "init", lambda **options: pytest.fail("Ray was asked"))
    monkeypatch.setenv("RAY_ADDRESS", "ray://ray.example:10001")
    with pytest.raises(CountcheckError, match=r"no Ray cluster answers at ray://ray\.example:10001"):
        engine_ray._join()
