"""A folder that a trainer writes into: new pictures, half-written ones, and those that belong nowhere."""

from __future__ import annotations

import os

import pytest
import squares
from PIL import Image

from countcheck.errors import BadInput
from countcheck.generators.checkpoint_folder import NO_PROMPT, NO_STEP, CheckpointFolder, CheckpointPictures
from countcheck.generators.checkpoint_names import StepPattern
from countcheck.generators.outcome import Failure, Picture
from countcheck.suites.samples import Sample

PROMPTS = squares.suite("2 squares", "3 squares").prompts


FUTURE = 2**62  # nanoseconds


class Clock:
    """Time that goes on when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def draw(path, n=2):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(squares.squares(n)).save(path)
    return path


def folder_at(path, **options):
    clock = Clock()
    return CheckpointFolder(folder=path, prompts=PROMPTS, clock=clock, **options), clock


def outcomes(folder, pictures, step=1):
    """What the checkpoint's generator gives for these pictures."""
    files = {(picture.prompt_id, picture.repeat): picture for picture in pictures}
    samples = [
        Sample(key=f"{n:032x}", generator="g", asked=next(p for p in PROMPTS if p.id == i), repeat=repeat, seed=0)
        for n, (i, repeat) in enumerate(files)
    ]
    return list(CheckpointPictures("g", step, folder, files).generate(samples))


def test_a_file_is_read_when_it_has_been_unchanged_for_a_moment(tmp_path):
    folder, clock = folder_at(tmp_path, quiet=1.0)
    path = draw(tmp_path / "step_1/2 squares.png")
    os.utime(path, ns=(1, FUTURE))  # however slow this machine is, the file is no older than the clock says
    assert folder.scan() == []
    clock.now += 0.9
    os.utime(path, ns=(1, FUTURE + 1))  # still being written
    assert folder.scan() == []
    clock.now += 0.9
    assert folder.scan() == []
    clock.now += 0.2
    (picture,) = folder.scan()
    assert picture.place == (1, "p0", 0)
    assert isinstance(outcomes(folder, [picture])[0], Picture)
    assert folder.scan() == [] and not folder.waiting


def test_a_file_that_was_there_before_is_read_at_once(tmp_path):
    path = draw(tmp_path / "step_1/2 squares.png")
    os.utime(path, (1, 1))
    folder, _ = folder_at(tmp_path, quiet=1.0)
    assert [picture.label for picture in folder.scan()] == ["step_1/2 squares.png"]


def test_half_a_file_waits_and_is_damaged_only_when_it_stays_so(tmp_path):
    folder, clock = folder_at(tmp_path, quiet=0.0, settle=10.0)
    path = draw(tmp_path / "step_1/2 squares.png")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    os.utime(path, ns=(1, FUTURE))
    (picture,) = folder.scan()
    assert outcomes(folder, [picture]) == [] and folder.waiting == {1}
    clock.now += 11
    (picture,) = folder.scan()
    (outcome,) = outcomes(folder, [picture])
    assert isinstance(outcome, Failure) and "damaged or cut short" in outcome.message
    assert folder.scan() == []
    path.write_bytes(whole)
    (picture,) = folder.scan()
    assert isinstance(outcomes(folder, [picture])[0], Picture)


def test_a_file_that_changes_while_it_is_read_waits(tmp_path):
    folder, _ = folder_at(tmp_path, quiet=0.0)
    path = draw(tmp_path / "step_1/2 squares.png")
    (picture,) = folder.scan()
    os.utime(path, (5, 5))
    assert outcomes(folder, [picture]) == []


def test_empty_and_vanished_files_are_no_pictures(tmp_path):
    folder, _ = folder_at(tmp_path, quiet=0.0)
    path = tmp_path / "step_1/2 squares.png"
    path.parent.mkdir()
    path.touch()
    assert folder.scan() == [] and folder.waiting == {1}
    path.unlink()
    assert folder.scan() == [] and not folder.waiting
    draw(tmp_path / "step_1/2 squares_7.png")
    assert [picture.repeat for picture in folder.scan()] == [0]


def test_repeats_are_numbered_in_order_unless_the_pattern_says(tmp_path):
    for n in (3, 20, 100):
        draw(tmp_path / f"step_1/2 squares_{n}.png")
    folder, _ = folder_at(tmp_path, quiet=0.0)
    assert [(p.label[-7:], p.repeat) for p in folder.scan()] == [("s_3.png", 0), ("_20.png", 1), ("100.png", 2)]
    folder, _ = folder_at(tmp_path, quiet=0.0, pattern=StepPattern("step_{step}/{prompt}_{repeat}"))
    assert [picture.repeat for picture in folder.scan()] == [3, 20, 100]


def test_pictures_that_belong_nowhere_have_a_reason(tmp_path):
    for name in ("final/2 squares.png", "step_1/9 hexagons.png", "step_1/.hidden.png", "step_1/notes.txt"):
        draw(tmp_path / name) if name.endswith("png") else (tmp_path / name).write_text("x")
    draw(tmp_path / "run/images/step_1/2 squares.png")
    folder, _ = folder_at(tmp_path, quiet=0.0, leave_out=tmp_path / "run")
    assert folder.scan() == []
    assert folder.left_out == {"final/2 squares.png": NO_STEP, "step_1/9 hexagons.png": NO_PROMPT}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    draw(tmp_path / "elsewhere.png")
    (tmp_path / "samples/step_1").mkdir(parents=True)
    (tmp_path / "samples/step_1/2 squares.png").symlink_to(tmp_path / "elsewhere.png")
    folder, _ = folder_at(tmp_path / "samples", quiet=0.0)
    assert folder.scan() == [] and not folder.left_out


def test_a_changed_picture_is_not_scored_again(tmp_path):
    folder, _ = folder_at(tmp_path, quiet=0.0)
    path = draw(tmp_path / "step_1/2 squares.png")
    outcomes(folder, folder.scan())
    os.utime(path, (5, 5))
    assert folder.scan() == [] and folder.changed == 1


def test_there_must_be_a_folder(tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        folder_at(tmp_path / "nowhere")
