from __future__ import annotations

import io
from pathlib import Path

from made_up import a_run, a_suite
from PIL import Image

from countcheck.images.thumbnails import make_thumbnail, save_thumbnail, saved_thumbnail
from countcheck.reports.html.pictures import PagePictures


def test_a_large_picture_becomes_a_small_webp(tmp_path):
    Image.effect_noise((1024, 700), 60).convert("RGB").save(tmp_path / "big.png")
    data, kind = make_thumbnail(tmp_path / "big.png")
    assert (kind, Image.open(io.BytesIO(data)).size) == ("image/webp", (320, 219))


def test_a_damaged_picture_has_no_thumbnail(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 20)
    assert make_thumbnail(tmp_path / "broken.png") is None


def shown(runs, target):
    """Every picture's address on a page at ``target``, by run, key and turn, and the page's pictures."""
    rows = [list(run.iter_rows()) for run in runs]
    pictures = PagePictures(runs, target, sum(bool(row.picture) for each in rows for row in each))
    return pictures, {
        (index, row.key, row.turn): address
        for index, each in enumerate(rows)
        for row, address in zip(each, pictures.addresses(index, each), strict=True)
        if address
    }


def test_many_pictures_go_beside_the_page_and_are_made_once(two_runs, tmp_path, monkeypatch):
    monkeypatch.setattr("countcheck.reports.html.pictures.MAX_INLINE", 3)
    pictures, addresses = shown(two_runs[:1], tmp_path / "p.html")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "p_pictures").rglob("*.*")}
    assert shown(two_runs[:1], tmp_path / "p.html")[1] == addresses
    assert not pictures.inside
    assert len(addresses) == len(files) == sum(bool(row.picture) for row in two_runs[0].iter_rows())
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "p_pictures").rglob("*.*")} == files
    assert all((tmp_path / address).is_file() for address in addresses.values())


def test_two_runs_of_the_same_samples_keep_their_own_pictures(two_runs, tmp_path, monkeypatch):
    monkeypatch.setattr("countcheck.reports.html.pictures.MAX_INLINE", 3)
    _, addresses = shown(two_runs, tmp_path / "p.html")
    shared = [(key, turn) for run, key, turn in addresses if run == 0 and (1, key, turn) in addresses]
    assert shared
    assert all(addresses[0, *place] != addresses[1, *place] for place in shared)


def test_a_page_in_the_runs_folder_shows_the_runs_own_files(tmp_path, monkeypatch):
    monkeypatch.setattr("countcheck.reports.html.pictures.MAX_INLINE", 3)
    monkeypatch.chdir(tmp_path)
    with a_run(Path("run"), suite=a_suite(6, 0), size=400) as run:
        rows = [row for row in run.rows() if row.picture]
        first, rest = rows[0], rows[1:]
        for row in rest:
            save_thumbnail(run.path, row.picture, Image.open(run.path / row.picture), 100_000)
        _, addresses = shown([run], run.path / "report.html")
        assert {*addresses.values()} == {f"thumbnails/{row.key[:2]}/{row.key}.webp" for row in rows}
        assert saved_thumbnail(run.path, first.picture, run.path / first.picture)
