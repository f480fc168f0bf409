"""Files appear whole, in the place of older files and of nothing else."""

import os
import threading

import pytest

from countcheck.errors import BadInput
from countcheck.files import atomic_write, exclusive_lock, make_folder, write_text


def test_a_file_takes_the_place_of_an_older_one_and_leaves_nothing_beside_it(tmp_path):
    for data in (b"old", b"new"):
        atomic_write(tmp_path / "deep" / "page.html", data)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["page.html"]
    assert (tmp_path / "deep" / "page.html").read_bytes() == b"new"


def test_a_pipe_stays_a_pipe(tmp_path):
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_text("a report", pipe)
    assert pipe.is_fifo()
    reader.join(10)
    assert heard == [b"a report"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "page.html")
    for data in (b"old", b"new"):
        atomic_write(tmp_path / "link", data)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page.html").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["x" * 250, "a\nb", "ä" * 100])
def test_a_name_that_the_disk_takes_can_be_written(tmp_path, name):
    atomic_write(tmp_path / name, b"data")
    assert (tmp_path / name).read_bytes() == b"data"


def test_a_file_that_cannot_be_written_whole_leaves_the_older_one_and_nothing_beside_it(tmp_path, monkeypatch):
    atomic_write(tmp_path / "a", b"old")

    def broken(descriptor):
        raise OSError("the disk is broken")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="broken"):
        atomic_write(tmp_path / "a", b"new", durable=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


def test_what_must_last_is_synced_file_and_folders(tmp_path, monkeypatch):
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(os.fstat(descriptor).st_ino), sync(descriptor)))
    atomic_write(tmp_path / "a" / "b" / "c", b"data", durable=True)
    a, b, c = (path.stat().st_ino for path in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"))
    assert synced.index(c) < len(synced) - 1 - synced[::-1].index(b)  # the name after the contents
    assert {tmp_path.stat().st_ino, a, b, c} == set(synced)


def test_a_folder_that_is_there_stays(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "a" / "b", durable=True)
    assert (tmp_path / "a" / "b").is_dir()


def test_only_one_holds_the_lock_and_the_next_one_after_it(tmp_path):
    busy = pytest.raises(BadInput, match="another run is writing there")
    with exclusive_lock(tmp_path / "run"), busy, exclusive_lock(tmp_path / "run"):
        pass
    with exclusive_lock(tmp_path / "run"):
        pass
