"""Worker processes on this machine: the same run as in one process, whatever dies on the way."""

from __future__ import annotations

import os
import signal

import painters
import pytest
import squares
from painters import CARD, TEXTS

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.workers import processes
from countcheck.engine.workers.processes import WorkerProcess, device_names, run_on_devices
from countcheck.errors import BadSettings


@pytest.fixture(autouse=True)
def painter(monkeypatch):
    monkeypatch.setattr(processes, "load_generator", painters.load_painter)
    monkeypatch.setattr(processes, "load_counter", painters.load_counter)


def order(path, *texts, **settings):
    return RunConfig(suite=squares.suite(*texts), generators=[CARD], path=path, **settings)


def told(run):
    return [(r.key, r.verdict, dict(r.counted), r.outcome, r.failure, r.words, r.cost, r.digest) for r in run.rows()]


def test_two_processes_make_the_run_that_one_makes_though_one_is_killed(tmp_path, monkeypatch):
    with engine.run(order(tmp_path / "one", *TEXTS), squares.counter(), load=painters.load_painter) as run:
        alone = told(run)
    started = []

    class Watched(WorkerProcess):
        def __init__(self, *given):
            super().__init__(*given)
            started.append(self)

        def call(self, method, *arguments):
            future = super().call(method, *arguments)
            if method == "make" and len(started) == 2:
                os.kill(self.process.pid, signal.SIGKILL)
            return future

    monkeypatch.setattr(processes, "WorkerProcess", Watched)
    with run_on_devices(order(tmp_path / "two", *TEXTS), "squares", "cpu,cpu") as run:
        rows = told(run)
    assert rows == alone
    assert len(started) > 2
    assert not any(worker.process.is_alive() for worker in started)


def test_devices_are_named_or_refused():
    assert device_names("cpu,cpu") == ["cpu", "cpu"]
    with pytest.raises(BadSettings, match="--device: device is 'cuda:99', and this machine has"):
        device_names("cuda:99")
    with pytest.raises(BadSettings, match="Give auto, cpu, cuda"):
        device_names("gpu")


def test_a_model_with_a_device_of_its_own_is_refused(tmp_path):
    card = Card(name="squares", family="squares", settings={"device": "cuda:1"})
    asked = RunConfig(suite=squares.suite("3 squares"), generators=[card], path=tmp_path / "run")
    with pytest.raises(BadSettings, match="squares has device=cuda:1, and --device gives cpu,cpu"):
        run_on_devices(asked, "squares", "cpu,cpu")


def test_a_worker_sees_its_own_card_alone():
    assert processes._environment_of("cuda:1", 1, []) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert processes._environment_of("cuda:1", 1, ["4", "7"]) == {"CUDA_VISIBLE_DEVICES": "7"}
    assert processes._environment_of("cpu", 2, [])["CUDA_VISIBLE_DEVICES"] == ""


def test_what_waits_on_a_network_is_asked_from_this_process(tmp_path, monkeypatch):
    from countcheck.generators.base import Traits

    monkeypatch.setattr(painters.Painter, "traits", Traits(seeded=True, batched=True, remote=True))
    monkeypatch.setattr(processes, "WorkerPool", None)
    with run_on_devices(order(tmp_path / "run", "3 squares"), "squares", "cpu,cpu") as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT]
