import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

import countcheck
from countcheck.cli.main import execute

SCHEMA = json.loads((Path(countcheck.__file__).parent / "schemas" / "count.json").read_text())

BLOBS = '''
import numpy as np
from countcheck.detectors.base import Detections
from countcheck.images.convert import as_rgb

class Blobs:
    """Finds a pig for every red square and a wolf for every blue one, on a grid of tens."""
    def __init__(self, card):
        self.name, self.vocabulary = card.name, frozenset({"pig", "wolf"}) if "closed" in card.settings else None

    def detect(self, pictures, nouns):
        return [self.one(as_rgb(p), nouns) for p in pictures]

    def one(self, p, nouns):
        rows = []
        for y in range(0, p.shape[0], 10):
            for x in range(0, p.shape[1], 10):
                r, g, b = (int(v) for v in p[y, x])
                noun = "pig" if r > 200 and b < 50 else "wolf" if b > 200 and r < 50 else None
                if noun in nouns:
                    rows.append((noun, 0.32 if g > 100 else 0.9, [x, y, x + 9, y + 9]))
        return Detections(
            boxes=np.array([r[2] for r in rows], np.float32).reshape(-1, 4),
            scores=np.array([r[1] for r in rows], np.float32),
            nouns=tuple(r[0] for r in rows), size=(p.shape[1], p.shape[0]))
'''
RED, PALE, BLUE = (255, 0, 0), (255, 120, 0), (0, 0, 255)


@pytest.fixture
def blobs(tmp_path):
    (tmp_path / "blobs.py").write_text(BLOBS)
    return f"{tmp_path / 'blobs.py'}:Blobs?margin=0.05"


def picture(path, *colours):
    pixels = np.full((10, 100, 3), 255, np.uint8)
    for k, colour in enumerate(colours):
        pixels[:, 10 * k : 10 * k + 9] = colour
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)
    return str(path)


def counted(capsys, *arguments, code=0):
    assert execute(["count", *arguments, "--json"]) == code
    body = json.loads(capsys.readouterr().out)
    jsonschema.validate(body, SCHEMA)
    return body


def test_every_picture_is_counted_for_every_noun(tmp_path, blobs, capsys):
    paths = [picture(tmp_path / "a.png", RED, RED, BLUE), picture(tmp_path / "b.png")]
    body = counted(capsys, *paths, "--of", "pig", "--of", "wolf", "-d", blobs)
    assert [row["counts"] for row in body] == [{"pig": 2, "wolf": 1}, {"pig": 0, "wolf": 0}]
    assert [row["image"] for row in body] == paths
    assert len(body[0]["boxes"]) == 3


def test_what_hangs_on_the_threshold_is_uncertain(tmp_path, blobs, capsys):
    (row,) = counted(capsys, picture(tmp_path / "a.png", RED, PALE), "--of", "pig", "-d", blobs)
    assert row["counts"] == {"pig": 2}
    assert row["uncertain"] == ["pig"]


def test_an_unknown_noun_is_named_and_not_counted(tmp_path, blobs, capsys):
    path = picture(tmp_path / "a.png", RED)
    (row,) = counted(capsys, path, "--of", "pig", "--of", "owl", "-d", f"{blobs}&closed=true")
    assert row["counts"] == {"pig": 1}
    assert row["unsupported"] == ["owl"]


def test_when_no_noun_is_known_nothing_is_counted(tmp_path, blobs, capsys):
    assert execute(["count", picture(tmp_path / "a.png"), "--of", "pug", "-d", f"{blobs}&closed=true"]) == 2
    assert "Did you mean 'pig'" in capsys.readouterr().err


def test_a_damaged_picture_is_told_and_the_rest_is_counted(tmp_path, blobs, capsys):
    (tmp_path / "bad.png").write_bytes(b"no")
    paths = [str(tmp_path / "bad.png"), picture(tmp_path / "a.png", RED)]
    bad, good = counted(capsys, *paths, "--of", "pig", "-d", blobs, code=2)
    assert "damaged" in bad["error"]
    assert good["counts"] == {"pig": 1}


def test_the_table_shows_counts_and_totals(tmp_path, blobs, capsys):
    picture(tmp_path / "in" / "a.png", RED, PALE)
    picture(tmp_path / "in" / "b.png", RED)
    assert execute(["count", str(tmp_path / "in"), "--of", "pig", "-d", blobs]) == 0
    out, err = capsys.readouterr()
    assert "~2" in out and "2 pictures" in out and "Check the picture by eye" in err


def test_pictures_are_saved_with_their_boxes(tmp_path, blobs):
    paths = [picture(tmp_path / name / "a.png", RED) for name in ("one", "two")]
    for _ in range(2):
        assert execute(["count", *paths, "--of", "pig", "-d", blobs, "--save", str(tmp_path / "out")]) == 0
    saved = sorted((tmp_path / "out").iterdir())
    assert len(saved) == 2
    with Image.open(saved[0]) as drawn:
        assert drawn.size == (100, 10)


@pytest.mark.parametrize(
    ("noun", "code"),
    [("", 2), ("   ", 2), ("x" * 301, 2), ("y" * 200, 0), ("a pig that sits, alone, in the rain.", 0), ("猪", 0)],
)
def test_odd_nouns_are_counted_or_refused_in_a_sentence(tmp_path, blobs, capsys, noun, code):
    assert execute(["count", picture(tmp_path / "a.png", RED), "--of", noun, "-d", blobs]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_eighty_nouns_are_counted(tmp_path, blobs, capsys):
    of = [part for k in range(79) for part in ("--of", f"thing {k}")]
    (row,) = counted(capsys, picture(tmp_path / "a.png", RED), "--of", "pig", *of, "-d", blobs)
    assert row["counts"]["pig"] == 1
    assert len(row["counts"]) == 80


def test_no_noun_is_a_usage_error(tmp_path, blobs):
    assert execute(["count", picture(tmp_path / "a.png"), "-d", blobs]) == 2


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_counted(tmp_path, blobs, capsys):
    (tmp_path / "file").write_text("no folder")
    one = picture(tmp_path / "in" / "a.png", RED)
    assert execute(["count", one, "--of", "pig", "-d", blobs, "--save", str(tmp_path / "file")]) == 2
    assert "cannot write there" in capsys.readouterr().err


def test_pictures_whose_names_are_not_utf8_are_counted_and_drawn(tmp_path, blobs, capsys):
    paths = [picture(tmp_path / folder / os.fsdecode(b"caf\xe9.png"), RED) for folder in ("one", "two")]
    rows = counted(capsys, *paths, "--of", "pig", "-d", blobs, "--save", str(tmp_path / "drawn"))
    assert [row["counts"] for row in rows] == [{"pig": 1}, {"pig": 1}]
    assert all(row["image"].endswith("caf\\xe9.png") for row in rows)
    assert len(list((tmp_path / "drawn").iterdir())) == 2
    assert execute(["count", *paths, "--of", "pig", "-d", blobs]) == 0
    assert "caf" in capsys.readouterr().out


@pytest.mark.timeout(60)
def test_a_pipe_or_a_device_is_an_unreadable_picture_and_the_rest_is_counted(tmp_path, blobs, capsys):
    os.mkfifo(tmp_path / "pipe.png")
    paths = [str(tmp_path / "pipe.png"), "/dev/zero", picture(tmp_path / "a.png", RED)]
    rows = counted(capsys, *paths, "--of", "pig", "-d", blobs, code=2)
    assert ["is no regular file" in row.get("error", "") for row in rows] == [True, True, False]
    assert rows[2]["counts"] == {"pig": 1}


def test_drawings_of_pictures_with_the_longest_names_are_written(tmp_path, blobs, capsys):
    paths = [picture(tmp_path / folder / f"{'x' * 251}.png", RED) for folder in ("one", "two")]
    paths.append(picture(tmp_path / f"{'é' * 124}.png", RED))
    counted(capsys, *paths, "--of", "pig", "-d", blobs, "--save", str(tmp_path / "drawn"))
    assert len(list((tmp_path / "drawn").iterdir())) == 3


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "gone.png"])
def test_a_name_that_no_file_can_have_is_an_unreadable_picture(tmp_path, blobs, capsys, name):
    (row,) = counted(capsys, name, "--of", "pig", "-d", blobs, code=2)
    assert "cannot be read" in row["error"]
