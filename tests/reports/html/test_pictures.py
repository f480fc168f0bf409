from __future__ import annotations

import io

from made_up import a_run, a_suite
from PIL import Image

from countcheck.counting.verdict import Kind
from countcheck.images.thumbnails import make_thumbnail, save_thumbnail, saved_thumbnail
from countcheck.reports.html.pictures import annotate, make_album, overlays_of, write_annotated


def test_counted_boxes_are_as_many_as_were_counted(two_runs):
    rows = [row for row in two_runs[0].rows() if row.outcome == "picture"]
    boxes = overlays_of(two_runs[0], rows)
    for row in rows:
        assert sum(box.counted for box in boxes[row.key, row.turn].boxes) == sum(row.counted.values())


def test_boxes_are_shares_of_the_picture(two_runs):
    found = overlays_of(two_runs[0], two_runs[0].rows())
    assert all(0 <= box.left <= box.left + box.width <= 1.0001 for overlay in found.values() for box in overlay.boxes)


def test_a_large_picture_becomes_a_small_webp(tmp_path):
    Image.effect_noise((1024, 700), 60).convert("RGB").save(tmp_path / "big.png")
    data, kind = make_thumbnail(tmp_path / "big.png")
    assert (kind, Image.open(io.BytesIO(data)).size) == ("image/webp", (320, 219))


def test_a_damaged_picture_has_no_thumbnail(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 20)
    assert make_thumbnail(tmp_path / "broken.png") is None


def test_many_pictures_go_beside_the_page_and_are_made_once(two_runs, tmp_path):
    rows = two_runs[0].rows()
    album = make_album([(two_runs[0], rows)], tmp_path / "p.html", inline_most=3)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "p_pictures").rglob("*.*")}
    again = make_album([(two_runs[0], rows)], tmp_path / "p.html", inline_most=3)
    assert again.beside == album.beside
    assert len(album.beside) == len(files) == sum(bool(row.picture) for row in rows)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "p_pictures").rglob("*.*")} == files
    assert all((tmp_path / address).is_file() for address in album.beside.values())


def test_two_runs_of_the_same_samples_keep_their_own_pictures(two_runs, tmp_path):
    runs = [(run, [row for row in run.rows() if row.generator == "beta"]) for run in two_runs]
    album = make_album(runs, tmp_path / "p.html", inline_most=3)
    shared = [(key, turn) for run, key, turn in album.beside if run == 0 and (1, key, turn) in album.beside]
    assert shared
    assert all(album.beside[0, *place] != album.beside[1, *place] for place in shared)


def test_a_page_in_the_runs_folder_shows_the_runs_own_files(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(6, 0), size=400) as run:
        rows = [row for row in run.rows() if row.picture]
        first, rest = rows[0], rows[1:]
        for row in rest:
            save_thumbnail(run.path, row.picture, Image.open(run.path / row.picture), 100_000)
        album = make_album([(run, rows)], run.path / "report.html", inline_most=3)
        assert {*album.beside.values()} == {f"thumbnails/{row.key[:2]}/{row.key}.webp" for row in rows}
        assert saved_thumbnail(run.path, first.picture, run.path / first.picture)


def test_annotated_pictures_are_sorted_by_verdict(two_runs, tmp_path):
    written = write_annotated(two_runs[0], tmp_path / "a")
    assert written == len(list((tmp_path / "a").glob("*/*.png")))
    assert {path.name for path in (tmp_path / "a").iterdir()} <= {str(kind) for kind in Kind}


def test_an_annotated_picture_has_a_line_of_text_below():
    assert annotate(Image.new("RGB", (200, 100)), (), "over: \x1b three pigs").height > 100
