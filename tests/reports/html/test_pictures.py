from __future__ import annotations

import io

from made_up import a_run, a_suite
from PIL import Image

from countcheck.images.thumbnails import make_thumbnail, save_thumbnail, saved_thumbnail
from countcheck.reports.html.pictures import page_pictures


def test_a_large_picture_becomes_a_small_webp(tmp_path):
    Image.effect_noise((1024, 700), 60).convert("RGB").save(tmp_path / "big.png")
    data, kind = make_thumbnail(tmp_path / "big.png")
    assert (kind, Image.open(io.BytesIO(data)).size) == ("image/webp", (320, 219))


def test_a_damaged_picture_has_no_thumbnail(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 20)
    assert make_thumbnail(tmp_path / "broken.png") is None


def test_many_pictures_go_beside_the_page_and_are_made_once(two_runs, tmp_path):
    rows = two_runs[0].rows()
    pictures = page_pictures([(two_runs[0], rows)], tmp_path / "p.html", max_inline=3)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "p_pictures").rglob("*.*")}
    again = page_pictures([(two_runs[0], rows)], tmp_path / "p.html", max_inline=3)
    assert again.beside == pictures.beside
    assert len(pictures.beside) == len(files) == sum(bool(row.picture) for row in rows)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "p_pictures").rglob("*.*")} == files
    assert all((tmp_path / address).is_file() for address in pictures.beside.values())


def test_two_runs_of_the_same_samples_keep_their_own_pictures(two_runs, tmp_path):
    runs = [(run, [row for row in run.rows() if row.generator == "beta"]) for run in two_runs]
    pictures = page_pictures(runs, tmp_path / "p.html", max_inline=3)
    shared = [(key, turn) for run, key, turn in pictures.beside if run == 0 and (1, key, turn) in pictures.beside]
    assert shared
    assert all(pictures.beside[0, *place] != pictures.beside[1, *place] for place in shared)


def test_a_page_in_the_runs_folder_shows_the_runs_own_files(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(6, 0), size=400) as run:
        rows = [row for row in run.rows() if row.picture]
        first, rest = rows[0], rows[1:]
        for row in rest:
            save_thumbnail(run.path, row.picture, Image.open(run.path / row.picture), 100_000)
        pictures = page_pictures([(run, rows)], run.path / "report.html", max_inline=3)
        assert {*pictures.beside.values()} == {f"thumbnails/{row.key[:2]}/{row.key}.webp" for row in rows}
        assert saved_thumbnail(run.path, first.picture, run.path / first.picture)
