"""A pool gives every sample out until it is made, whatever its workers come to."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import painters
import pytest
import squares
from painters import CARD, TEXTS

from countcheck.engine.config import RunConfig
from countcheck.engine.run import run
from countcheck.engine.scoring import nouns_of
from countcheck.engine.workers.crew import CallFailed, MachineLost, WorkerLost
from countcheck.engine.workers.pool import WorkerPool, pool_setup
from countcheck.engine.workers.size import PoolSize
from countcheck.engine.workers.worker import Worker
from countcheck.errors import BadWeights, CountcheckError, GeneratorClosed, RunMismatch, UnknownName
from countcheck.generators.outcome import Failure, Picture
from countcheck.images.decode import decode
from countcheck.storage.picture_store import PictureWriter
from countcheck.suites.samples import plan


class ThreadHandle:
    """A worker in a thread of this process; ``lose_at`` of its calls are lost with it."""

    def __init__(self, setup, number, lose_at=()):
        self.name, self.ended, self.calls = f"thread {number}", False, []
        self._setup, self._lose_at, self._lost = setup, lose_at, False
        self._pool = ThreadPoolExecutor(2)
        self._worker = None

    def call(self, method, *arguments) -> Future:
        self.calls.append((method, arguments))
        return self._pool.submit(self._answer, len(self.calls), method, arguments)

    def _answer(self, number, method, arguments):
        self._lost = self._lost or number in self._lose_at
        if self._lost or self.ended:
            raise WorkerLost("killed by SIGKILL")
        if self._worker is None:
            self._worker = Worker(self._setup)
        try:
            return getattr(self._worker, method)(*arguments)
        except Exception as error:
            raise CallFailed(f"{type(error).__name__}: {error}") from error

    def end(self):
        self.ended = True


def pool_of(path, *, workers=(1, 1), load_models=painters.models, lose_at=None, handle=ThreadHandle, setup=None):
    """A pool of threads, its workers, and what it told."""
    setup = setup or pool_setup(load_models, nouns_of(squares.suite("3 squares")), str(path), "png")
    started, told = [], []

    def start(setup):
        started.append(handle(setup, len(started), (lose_at or {}).get(len(started), ())))
        return started[-1]

    size = PoolSize(lowest=workers[0], highest=workers[1])
    pool = WorkerPool(painters.load_painter(CARD), setup, start, lambda: size)
    pool.report_workers(told.append, lambda made: None)
    return pool, started, told


def samples_of(pool, *texts):
    return list(plan(squares.suite(*texts), pool.recipe))


def test_every_outcome_comes_once_with_its_file_and_its_detections(tmp_path):
    pool, started, _ = pool_of(tmp_path, workers=(3, 3))
    samples = samples_of(pool, *TEXTS)
    made = list(pool.generate_detected(samples))
    pool.close()
    assert sorted(each.outcome.key for each in made) == sorted(sample.key for sample in samples)
    assert len(started) == 3
    for each in made:
        if isinstance(each.outcome, Picture):
            assert each.outcome.pixels is None and each.data is None
            data = (tmp_path / each.stored.path).read_bytes()
            assert len(data) == each.stored.size
            assert len(each.detections.boxes) == len(squares.SquaresDetector().detect([decode(data)], ())[0].boxes)
    assert not list((tmp_path / "images").glob(".*"))


def test_workers_that_are_lost_lose_nothing(tmp_path):
    pool, started, told = pool_of(tmp_path, workers=(2, 2), lose_at={0: (3,), 1: (2,), 2: (2,)})
    samples = samples_of(pool, *TEXTS)
    made = list(pool.generate_detected(samples))
    assert sorted(each.outcome.key for each in made) == sorted(sample.key for sample in samples)
    assert not [each for each in made if isinstance(each.outcome, Failure) and "was lost over" in each.outcome.message]
    assert len(started) == 5
    assert len([sentence for sentence in told if "given out again" in sentence]) == 3


class Slow(ThreadHandle):
    """Says that every picture took a second."""

    def _answer(self, number, method, arguments):
        made = super()._answer(number, method, arguments)
        if method != "make":
            return made
        return [replace(each, outcome=replace(each.outcome, seconds=1.0)) for each in made[0]], made[1]


def test_the_last_samples_go_out_in_small_parts(tmp_path):
    pool, started, _ = pool_of(tmp_path, workers=(2, 2), handle=Slow)
    assert (
        len(list(pool.generate_detected(samples_of(pool, *(f"{n % 6} squares of kind {n}" for n in range(40)))))) == 40
    )
    parts = [[len(given[0]) for method, given in worker.calls if method == "make"] for worker in started]
    assert [sizes[0] for sizes in parts] == [4, 4]
    assert max(map(max, parts)) > 4 and {sizes[-1] for sizes in parts} == {1}


def test_workers_on_one_machine_have_names_of_their_own(tmp_path):
    names = []

    class Nameless(ThreadHandle):
        def __init__(self, *given):
            super().__init__(*given)
            self.name = ""

    pool, started, _ = pool_of(tmp_path, workers=(2, 2), handle=Nameless)
    pool.report_workers(lambda sentence: None, lambda made: names.extend(made))
    list(pool.generate_detected(samples_of(pool, *TEXTS)))
    assert sorted({worker.name for worker in started}) == [(host := socket.gethostname()), f"{host} #2"]
    assert set(names) <= {host, f"{host} #2"}


def test_a_sample_that_raises_again_and_again_is_a_failure(tmp_path):
    pool, _, _ = pool_of(tmp_path)
    made = list(pool.generate_detected(samples_of(pool, *TEXTS[:6], "1 square and a bug")))
    failures = [each.outcome for each in made if isinstance(each.outcome, Failure)]
    assert len(made) == 7
    assert [failure.message for failure in failures] == ["a worker was lost over it 3 times: ZeroDivisionError: a bug."]


def test_workers_that_never_start_end_the_run(tmp_path):
    pool, started, _ = pool_of(tmp_path, lose_at={number: (1,) for number in range(9)})
    with pytest.raises(GeneratorClosed, match=r"squares: every worker was lost \(killed by SIGKILL\)"):
        list(pool.generate_detected(samples_of(pool, *TEXTS[:6])))
    assert len(started) == 3


class Fragile(ThreadHandle):
    """A worker whose machine is lost while it starts, but for the sixth."""

    def _answer(self, number, method, arguments):
        if self.name != "thread 5":
            raise MachineLost("its machine does not answer")
        return super()._answer(number, method, arguments)


def test_machines_that_are_lost_are_not_held_against_the_workers(tmp_path):
    pool, started, _ = pool_of(tmp_path, handle=Fragile)
    assert len(list(pool.generate_detected(samples_of(pool, *TEXTS[:6])))) == 6
    assert len(started) == 6


def test_a_generator_that_closes_ends_the_run_after_what_is_in_progress(tmp_path):
    pool, _, _ = pool_of(tmp_path)
    made = []
    with pytest.raises(GeneratorClosed, match="the painter has gone home"):
        made.extend(pool.generate_detected(samples_of(pool, *TEXTS[:3], "1 square, then close")))


def test_what_a_worker_cannot_load_is_said_in_its_own_words(tmp_path):
    pool, _, _ = pool_of(tmp_path, load_models=painters.cannot_load)
    with pytest.raises(BadWeights, match="are damaged"):
        list(pool.generate_detected(samples_of(pool, "3 squares")))


class Full(ThreadHandle):
    """The first worker has no memory for anything."""

    def _answer(self, number, method, arguments):
        made = super()._answer(number, method, arguments)
        if self.name == "thread 0" and method == "make":
            outcomes, _ = made
            full = [replace(sample, asked=replace(sample.asked, text="0 full")) for sample in arguments[0]]
            return outcomes[:1], self._worker.make(full[1:] or full)[1]
        return made


def test_a_worker_without_memory_leaves_its_samples_to_the_others(tmp_path):
    pool, started, told = pool_of(tmp_path, workers=(2, 2), handle=Full)
    samples = samples_of(pool, *TEXTS)
    made = list(pool.generate_detected(samples))
    assert sorted(each.outcome.key for each in made) == sorted(sample.key for sample in samples)
    assert len(started) == 2 and started[0].ended
    assert [sentence for sentence in told if "no memory" in sentence]


def test_the_last_worker_without_memory_ends_the_run(tmp_path):
    pool, _, _ = pool_of(tmp_path)
    with pytest.raises(CountcheckError, match="no worker has memory for a single picture: CUDA out of memory"):
        list(pool.generate_detected(samples_of(pool, "3 full squares")))


def test_a_pool_grows_with_the_work_and_shrinks_without(tmp_path):
    pool, started, _ = pool_of(tmp_path, workers=(1, 4))
    assert len(list(pool.generate_detected(samples_of(pool, *TEXTS[:2])))) == 2
    assert len(started) <= 2
    list(pool.generate_detected(samples_of(pool, *TEXTS)))
    assert 3 <= len([worker for worker in started]) <= 6
    assert len([worker for worker in started if not worker.ended]) >= 1
    pool.close()
    assert all(worker.ended for worker in started)


class Old(ThreadHandle):
    def _answer(self, number, method, arguments):
        said = super()._answer(number, method, arguments)
        return replace(said, version="0.0.1", host="gpu-b") if method == "hello" else said


def test_a_worker_of_another_version_is_refused(tmp_path):
    pool, _, _ = pool_of(tmp_path, handle=Old)
    with pytest.raises(RunMismatch, match=r"gpu-b has countcheck 0\.0\.1"):
        list(pool.generate_detected(samples_of(pool, "3 squares")))


class Elsewhere(ThreadHandle):
    """A machine that does not see the head's folder."""

    def __init__(self, setup, number, lose_at=()):
        super().__init__(replace(setup, probe="images/.nowhere.part"), number, lose_at)


def test_pictures_travel_where_a_worker_does_not_see_the_folder(tmp_path):
    pool, _, told = pool_of(tmp_path, handle=Elsewhere)
    (made,) = pool.generate_detected(samples_of(pool, "3 squares"))
    assert decode(made.data).size == (64, 64)
    assert not (tmp_path / made.stored.path).exists()
    assert "give --pictures URL" in told[0]


def test_what_is_counted_of_a_jpeg_is_what_its_file_shows(tmp_path):
    seen = []

    def models():
        counter = squares.counter()
        detect = counter.detect
        counter.detect = lambda pictures, *others: (seen.extend(pictures), detect(pictures, *others))[1]
        return painters.load_painter(CARD), counter

    setup = pool_setup(models, nouns_of(squares.suite("3 squares")), str(tmp_path), "jpeg-95")
    pool, _, _ = pool_of(tmp_path, setup=setup)
    (made,) = pool.generate_detected(samples_of(pool, "3 squares"))
    assert made.stored.path.endswith(".jpg")
    assert seen[0].tobytes() == decode((tmp_path / made.stored.path).read_bytes()).tobytes()


def test_a_counter_that_chooses_its_views_detects_on_the_head(tmp_path):
    def models():
        counter = squares.counter()
        counter.chooses_views = True
        return painters.load_painter(CARD), counter

    pool, _, _ = pool_of(tmp_path, load_models=models)
    (made,) = pool.generate_detected(samples_of(pool, "3 squares"))
    assert made.detections is None and made.stored is not None


def test_a_full_disk_is_said_and_what_was_saved_is_kept(tmp_path, monkeypatch):
    from countcheck.errors import DiskFull

    write = PictureWriter.write
    written = []

    def write_two(self, path, data, image):
        if len(written) == 2:
            raise DiskFull("no room left on the disk.")
        written.append(path)
        return write(self, path, data, image)

    monkeypatch.setattr(PictureWriter, "write", write_two)
    pool, _, _ = pool_of(tmp_path)
    made = []
    with pytest.raises(DiskFull, match="no room left"):
        made.extend(pool.generate_detected(samples_of(pool, *TEXTS[:8])))


def test_a_pool_that_is_stopped_gives_out_no_more(tmp_path):
    pool, _, _ = pool_of(tmp_path, workers=(2, 2))
    made = []
    for each in pool.generate_detected(samples_of(pool, *TEXTS)):
        made.append(each)
        pool.stop()
    assert 0 < len(made) < len(TEXTS)


def test_an_edit_is_made_by_a_worker(tmp_path):
    pool, _, _ = pool_of(tmp_path)
    (sample,) = samples_of(pool, "3 squares")
    outcome = pool.edit(sample, squares.squares(4), "3", 1, ())
    assert outcome.turn == 1
    assert (outcome.pixels == squares.squares(3, sample.seed)).all()


def test_a_conversation_gets_the_devices_of_the_workers(tmp_path):
    pool, started, _ = pool_of(tmp_path)
    list(pool.generate_detected(samples_of(pool, "3 squares")))
    pool._local.open = lambda sample: threading.current_thread().name
    assert pool.open(None) == threading.current_thread().name
    assert started[0].ended


def test_a_workers_error_keeps_its_kind_where_it_can():
    from countcheck.engine.workers.crew import rebuilt
    from countcheck.engine.workers.worker import WorkerError

    assert type(rebuilt(WorkerError(kind="GeneratorClosed", message="gone"))) is GeneratorClosed
    error = rebuilt(WorkerError(kind="UnknownName", message="no such thing"))
    assert type(error) is CountcheckError and not isinstance(error, UnknownName)
    assert str(error) == "no such thing"


def test_what_a_lost_worker_had_half_written_is_removed_at_the_end_of_the_run(tmp_path):
    images = tmp_path / "run" / "images"

    class HalfWritten(ThreadHandle):
        def _answer(self, number, method, arguments):
            if number in self._lose_at:
                images.mkdir(exist_ok=True)
                (images / ".0123456789abcdef.part").write_bytes(b"half a picture")
            return super()._answer(number, method, arguments)

    pool, started, _ = pool_of(tmp_path / "run", lose_at={0: (2, 3)}, handle=HalfWritten)
    config = RunConfig(suite=squares.suite(*TEXTS), generators=[CARD], path=tmp_path / "run")
    with run(config, painters.load_counter("squares"), load=lambda card: pool) as folder:
        assert "missing" not in {row.outcome for row in folder.rows()}
    assert pool.lost_workers == 1 and len(started) == 2
    assert not list(images.rglob("*.part"))
