from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import squares

from countcheck.errors import BadInput, DiskFull
from countcheck.storage.run_folder import RunFolder


@pytest.fixture
def run(finished):
    with RunFolder.open(finished) as run:
        yield run


@pytest.fixture
def row(run):
    return run.rows()[0]


def test_a_picture_is_read_as_it_was_made(run, row):
    assert np.array_equal(np.asarray(run.pictures.read(row)), squares.squares(3))
    assert run.pictures.find(row) == (run.path / row.picture).resolve()
    assert str(run.pictures.problems(run.rows())) == ""


@pytest.mark.parametrize("turn", [0, 3])
def test_a_path_holds_the_key_and_the_turn(run, turn):
    path = run.pictures.path_of("0123456789abcdef", turn)
    assert path == f"images/01/0123456789abcdef{'-3' if turn else ''}.png"


def test_a_picture_path_never_leaves_the_run(run, row):
    with pytest.raises(ValueError, match="not a sample key"):
        run.pictures.path_of("../../etc/passwd", 0)
    (run.path / "secret").write_text("x")
    (run.path / "images" / "link.png").symlink_to(run.path / "secret")
    for picture in ("images/../secret", "/etc/passwd", "images/link.png"):
        foreign = replace(row, picture=picture, digest="", picture_bytes=None)
        assert run.pictures.find(foreign) is None
        with pytest.raises(BadInput, match="lies outside the run"):
            run.pictures.read(foreign)


def test_a_flipped_bit_is_found_where_the_picture_is_read(run, row):
    path = run.path / row.picture
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match="not the picture that was made"):
        run.pictures.read(row)


def test_a_file_of_another_size_is_not_taken_for_the_picture(run, row):
    path = run.path / row.picture
    path.write_bytes(path.read_bytes() + b"x")
    assert run.pictures.find(row) is None
    assert run.pictures.problems(run.rows()).changed == 1


def test_a_picture_that_is_gone_is_said(run, row):
    (run.path / row.picture).unlink()
    assert run.pictures.find(row) is None
    with pytest.raises(BadInput, match="cannot be read"):
        run.pictures.read(row)
    with pytest.raises(BadInput, match="1 of 4 picture files is gone"):
        run.pictures.demand_all(run.rows())


def test_a_full_disk_is_a_clean_stop(run, monkeypatch):
    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiskFull, match="give the same command again"):
        run.pictures.writer.write("images/ab/x.png", b"data")
    assert not list((run.path / "images/ab").glob("*"))
