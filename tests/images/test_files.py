"""Picture files: found in folders, and read ahead in order."""

from __future__ import annotations

import threading

import pytest
from PIL import Image

from countcheck.errors import BadInput
from countcheck.images import files
from countcheck.images.files import batches_of, find_pictures, read_pictures


def saved(path, image, **more):
    image.save(path, **more)
    return path


def test_many_files_come_in_order_and_a_bad_one_as_its_error(tmp_path):
    paths = [saved(tmp_path / f"{k}.png", Image.new("RGB", (k + 1, 1))) for k in range(40)]
    paths[7].write_bytes(b"no")
    read = list(read_pictures(paths, workers=2))
    assert [path for path, _ in read] == paths
    assert isinstance(read[7][1], BadInput)
    assert [p.shape[1] for k, (_, p) in enumerate(read) if k != 7] == [k + 1 for k in range(40) if k != 7]


def test_folders_are_looked_through(tmp_path):
    (tmp_path / "in").mkdir()
    first = saved(tmp_path / "in" / "b.png", Image.new("RGB", (1, 1)))
    second = saved(tmp_path / "in" / "a.JPG", Image.new("RGB", (1, 1)))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    assert find_pictures([tmp_path]) == [second, first]
    (tmp_path / "none").mkdir()
    with pytest.raises(BadInput, match="no picture"):
        find_pictures([tmp_path / "none"])


@pytest.fixture
def decoding(monkeypatch):
    """How many pixels were ever held at the same time, decoded and not yet handed over."""
    held, lock, plain = {"now": 0, "most": 0}, threading.Lock(), files.read_picture

    def read(path):
        image = plain(path)
        with lock:
            held["now"] += image.width * image.height
            held["most"] = max(held["most"], held["now"])
        return image

    monkeypatch.setattr(files, "read_picture", read)
    return held


def test_pictures_decoded_ahead_stay_within_the_budget(tmp_path, decoding):
    """Thirteen files of 8 kB used to take 4 to 8 GB: there was a limit for each picture and none for all."""
    paths = [saved(tmp_path / f"{k:02d}.png", Image.new("L", (100, 100))) for k in range(20)]
    for _, picture in read_pictures(paths, workers=4, max_pixels=30_000):
        decoding["now"] -= picture.shape[0] * picture.shape[1]
    assert decoding["most"] <= 40_000  # the one handed over may still be counted
    big = [saved(tmp_path / f"big{k}.png", Image.new("L", (300, 300))) for k in range(3)]
    assert len([picture.shape for _, picture in read_pictures(big, max_pixels=30_000)]) == 3


def test_batches_of_large_pictures_are_smaller(tmp_path):
    paths = [saved(tmp_path / f"{k}.png", Image.new("L", (100, 100))) for k in range(7)]
    paths[3].write_bytes(b"no")
    batches = list(batches_of(read_pictures(paths), 4, max_pixels=25_000))
    assert [len(batch) for batch in batches] == [2, 3, 2]
    assert [path for batch in batches for path, _ in batch] == paths
