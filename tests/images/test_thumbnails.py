"""Small copies: kept while a run is made, made again when they are not there or stale."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from countcheck.images.decode import encode_png
from countcheck.images.thumbnails import (
    is_own_thumbnail,
    make_thumbnail,
    save_thumbnail,
    saved_thumbnail,
    thumbnail_path,
)

NAME = "images/ab/abc-2.png"


@pytest.fixture
def noise(tmp_path):
    """A run's folder with one large picture, and the picture."""
    image = Image.effect_noise((700, 400), 60).convert("RGB")
    file = tmp_path / NAME
    file.parent.mkdir(parents=True)
    file.write_bytes(encode_png(image))
    return tmp_path, file, image


def test_a_kept_copy_is_small_and_found_again(noise):
    run, file, image = noise
    save_thumbnail(run, NAME, image, file.stat().st_size)
    found = saved_thumbnail(run, NAME, file)
    assert found == run / "thumbnails/ab/abc-2.webp"
    assert Image.open(io.BytesIO(found.read_bytes())).size == (320, 183)
    assert image.size == (700, 400)


def test_a_copy_older_than_its_picture_is_not_used(noise):
    run, file, image = noise
    save_thumbnail(run, NAME, image, file.stat().st_size)
    later = thumbnail_path(run, NAME).stat().st_mtime_ns + 10
    os.utime(file, ns=(later, later))
    assert saved_thumbnail(run, NAME, file) is None


def test_a_picture_small_enough_is_its_own_copy(tmp_path):
    image = Image.new("RGB", (64, 64), (200, 30, 30))
    data = encode_png(image)
    (tmp_path / "a.png").write_bytes(data)
    save_thumbnail(tmp_path, NAME, image, len(data))
    assert is_own_thumbnail(tmp_path / "a.png")
    assert not thumbnail_path(tmp_path, NAME).exists()
    assert make_thumbnail(tmp_path / "a.png") == (data, "image/png")


def test_a_place_that_cannot_be_written_costs_nothing_but_the_copy(noise):
    run, file, image = noise
    (run / "thumbnails").write_text("in the way")
    save_thumbnail(run, NAME, image, file.stat().st_size)
    assert saved_thumbnail(run, NAME, file) is None


@pytest.mark.timeout(30)
@pytest.mark.filterwarnings("error")
def test_a_thumbnail_is_made_by_the_decoder_of_the_counter(tmp_path):
    """The report opened pictures without the formats and limits of the counter: bombs, pipes and devices among them."""
    bomb = tmp_path / "bomb.png"
    Image.new("1", (12_000, 12_000)).save(bomb)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for name in ("bomb.png", "pipe.png", "zero.png", "page.png", "gone.png"):
        assert make_thumbnail(tmp_path / name) is None
        assert not is_own_thumbnail(tmp_path / name)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_thumbnail_of_a_large_picture_is_upright_and_small(tmp_path, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"a.{kind.lower()}"
    Image.effect_noise((1600, 800), 60).convert("RGB").save(path, kind, exif=exif)
    data, media = make_thumbnail(path)
    assert media == "image/webp"
    assert Image.open(io.BytesIO(data)).size == (160, 320)
