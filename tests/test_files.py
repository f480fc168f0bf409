"""Files appear whole, in the place of older files and of nothing else."""

import os
import threading

from countcheck.files import atomic_write, write_text


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
