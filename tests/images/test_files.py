"""Picture files: found in folders, and read ahead in order."""

from __future__ import annotations

import pytest
from PIL import Image

from countcheck.errors import BadInput
from countcheck.images.files import find_pictures, read_pictures


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
