"""Watching a folder of samples: one generator a checkpoint, and going on after an interruption."""

from __future__ import annotations

import threading

import pytest
import squares
from PIL import Image

from countcheck.engine.watch import WatchConfig, watch
from countcheck.errors import BadInput, BadSettings, RunMismatch
from countcheck.metrics.trend import trend
from countcheck.suites.suite import Suite

SUITE = squares.suite("2 squares", "3 squares")


def draw(folder, step, *, extra=0, texts=(2, 3), repeat=""):
    for n in texts:
        path = folder / f"step_{step}" / f"{n} squares{repeat}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(squares.squares(n + extra, n)).save(path)


def config_of(tmp_path, **changes):
    (tmp_path / "samples").mkdir(exist_ok=True)
    settings = {"interval": 0.01, "settle": 0.0, "idle": 0.0} | changes
    return WatchConfig(suite=SUITE, folder=tmp_path / "samples", path=tmp_path / "run", **settings)


def watched(config, **options):
    """Watch; returns the reported checkpoints and the trend's exact rates."""
    seen = []

    def done(run, checkpoints):
        seen.extend((c.step, c.done, len(c.planned)) for c in checkpoints)

    with watch(config, squares.counter(), done=done, **options) as run:
        return sorted(seen), {point.step: point.rates["exact_rate"].value for point in trend(run.rows(), run.info)}


def test_checkpoints_become_points_by_step(tmp_path):
    config = config_of(tmp_path)
    draw(config.folder, 1000)
    draw(config.folder, 500, extra=1)
    draw(config.folder, 1500, texts=(2,))
    seen, rates = watched(config)
    assert seen == [(500, 2, 2), (1000, 2, 2), (1500, 1, 2)]
    assert rates == {500: 0.0, 1000: 1.0, 1500: 1.0}


def test_the_same_watch_goes_on_and_scores_nothing_twice(tmp_path):
    config = config_of(tmp_path)
    draw(config.folder, 500)
    (config.folder / "step_500/2 squares_1.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    assert watched(config)[0] == [(500, 3, 4)]
    assert watched(config)[0] == []
    draw(config.folder, 500, repeat="_1")  # the damaged file is written anew
    draw(config.folder, 1000)
    seen, rates = watched(config)
    assert seen == [(500, 4, 4), (1000, 2, 2)]
    assert rates == {500: 1.0, 1000: 1.0}


def test_a_checkpoint_is_reported_when_the_next_one_comes_and_the_rest_at_the_end(tmp_path):
    config = config_of(tmp_path, idle=None)
    stop = threading.Event()
    seen = []

    def done(run, checkpoints):
        seen.extend((checkpoint.step, checkpoint.done) for checkpoint in checkpoints)
        stop.set()

    draw(config.folder, 500, texts=(2,))
    draw(config.folder, 1000, texts=(2,))
    watch(config, squares.counter(), done=done, stop=stop).close()
    assert seen == [(500, 1), (1000, 1)]


def test_pictures_that_come_while_it_watches_are_scored(tmp_path):
    config = config_of(tmp_path, idle=None)
    stop = threading.Event()

    def done(run, checkpoints):
        (checkpoint,) = checkpoints
        if checkpoint.step < 1500:
            draw(config.folder, checkpoint.step + 500)
        else:
            stop.set()

    draw(config.folder, 500)
    with watch(config, squares.counter(), done=done, stop=stop) as run:
        assert run.generators == ["step-500", "step-1000", "step-1500"]


def test_what_is_left_out_is_said_once(tmp_path):
    config = config_of(tmp_path)
    draw(config.folder, 500)
    (config.folder / "final").mkdir()
    for n in (1, 2):
        Image.fromarray(squares.squares(n)).save(config.folder / f"final/{n} squares.png")
    messages = []

    class Progress:
        def start(self, generator, planned, done): ...
        def advance(self, generator, entry): ...
        def message(self, sentence):
            messages.append(sentence)

    watched(config, progress=Progress())
    assert [m for m in messages if "left out" in m] == [
        "2 pictures are left out (no step in its path), the first final/1 squares.png"
    ]


def test_another_watch_does_not_go_on_with_the_run(tmp_path):
    config = config_of(tmp_path)
    draw(config.folder, 500)
    watched(config)
    with pytest.raises(RunMismatch, match="another pattern"):
        watched(config_of(tmp_path, pattern="step_{step}"))
    (tmp_path / "other").mkdir()
    with pytest.raises(RunMismatch, match="another folder"):
        watched(WatchConfig(suite=SUITE, folder=tmp_path / "other", path=tmp_path / "run", idle=0.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"interval": 0.0}, "interval is 0.0"),
        ({"settle": -1.0}, "settle is -1.0"),
        ({"idle": float("nan")}, "idle is nan"),
    ],
)
def test_times_that_make_no_sense(tmp_path, changes, message):
    with pytest.raises(BadSettings, match=message):
        config_of(tmp_path, **changes)


def test_a_suite_needs_prompts(tmp_path):
    with pytest.raises(BadInput, match="has no prompts"):
        WatchConfig(suite=Suite(name="talk", prompts=()), folder=tmp_path, path=tmp_path / "run")
