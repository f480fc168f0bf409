"""Pictures in a folder or at a URL are the same to a run."""

from __future__ import annotations

import bucket
import pytest
import squares

from countcheck.cards import Card
from countcheck.engine.config import RunConfig
from countcheck.engine.run import run
from countcheck.errors import BadInput, BadSettings, DiskFull
from countcheck.reports.html.page import write_report
from countcheck.storage.picture_files import FolderFiles, UrlFiles, open_files
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.verification import check_run


@pytest.fixture(params=["folder", "url"])
def files(request, tmp_path):
    return open_files(tmp_path if request.param == "folder" else f"bucket://{tmp_path}/pigs/")


def test_what_is_written_is_read_listed_and_removed(files):
    assert files.sizes("images") == {}
    files.write("images/ab/abcd.png", b"data")
    files.write("images/ab/abcd.png", b"newer data")
    files.write("thumbnails/ab/abcd.webp", b"small", durable=False)
    assert files.read("images/ab/abcd.png") == b"newer data"
    assert files.sizes("images") == {"images/ab/abcd.png": 10}
    files.remove("images/ab/abcd.png")
    assert files.sizes("images") == {}
    with pytest.raises(BadInput, match=r"abcd\.png"):
        files.read("images/ab/abcd.png")


def test_a_file_url_is_a_folder(tmp_path):
    files = open_files(f"file://{tmp_path}/with%20space")
    assert isinstance(files, FolderFiles)
    assert files.folder == tmp_path / "with space"


def test_a_missing_driver_is_named():
    with pytest.raises(BadSettings, match=r"needs a driver that is not installed: .*adlfs"):
        open_files("abfs://container/pigs")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (PermissionError("Forbidden"), BadInput, "Set the credentials of the bucket on every machine"),
        (RuntimeError("Unable to locate credentials"), BadInput, "nothing is lost, and the same command goes on"),
        (OSError("QuotaExceeded: the bucket is full"), DiskFull, "has no room left"),
        (ConnectionError("reset by peer"), BadInput, "Look at the bucket and the network"),
    ],
)
def test_what_a_driver_raises_is_a_sentence(tmp_path, monkeypatch, error, kind, said):
    files = UrlFiles(f"bucket://{tmp_path}/pigs")

    def fail(*given, **named):
        raise error

    monkeypatch.setattr(bucket.BucketFileSystem, "pipe_file", fail)
    with pytest.raises(kind, match=said):
        files.write("images/ab/abcd.png", b"data")


def order(path, url, texts=("3 squares", "2 squares +1", "4 squares")):
    card = Card(name="squares", family="squares")
    return RunConfig(suite=squares.suite(*texts), generators=[card], path=path, pictures_url=url)


def make(config):
    return run(config, squares.counter(), load=squares.SquaresGenerator)


def test_a_run_reads_its_pictures_from_the_url(tmp_path):
    url = f"bucket://{tmp_path}/bucket"
    with make(order(tmp_path / "run", url)) as made:
        rows = made.rows()
        assert not list((tmp_path / "run/images").rglob("*.png"))
        assert [made.pictures.read(row).size for row in rows] == [(64, 64)] * 3
        made.pictures.demand_all(rows)
        write_report([made], tmp_path / "run/report.html")
        assert made.pictures.find(rows[0]) == tmp_path / "run" / rows[0].picture
        assert made.pictures.find(rows[0]).is_file()
    assert "data:image/png" in (tmp_path / "run/report.html").read_text()
    check = check_run(tmp_path / "run")
    assert check.healthy and check.pictures == 3 and not check.stray


def test_damage_at_the_url_is_found(tmp_path):
    url = f"bucket://{tmp_path}/bucket"
    with make(order(tmp_path / "run", url)) as made:
        first, second, _ = made.rows()
    (tmp_path / "bucket" / first.picture).unlink()
    (tmp_path / "bucket" / second.picture).write_bytes(b"another")
    check = check_run(tmp_path / "run")
    assert (check.missing, check.changed) == ((first.picture,), (second.picture,))
    with RunFolder.open(tmp_path / "run") as opened:
        assert opened.pictures.find(first) is None
        with pytest.raises(BadInput, match="is not the picture that was made"):
            opened.pictures.read(second)
        with pytest.raises(BadInput, match="1 of 3 picture files is gone"):
            opened.pictures.demand_all([first, second, second])


def test_a_stray_at_the_url_is_removed_and_the_sample_made_again(tmp_path):
    url = f"bucket://{tmp_path}/bucket"
    with make(order(tmp_path / "run", url)) as made:
        row = made.rows()[0]
        made.resume.forget([row.key])
    assert (tmp_path / "bucket" / row.picture).is_file()
    with make(order(tmp_path / "run", url)) as made:
        assert made.rows()[0].digest == row.digest
    with pytest.raises(BadInput, match="holds a picture of this run's samples already"):
        make(order(tmp_path / "other", url))
