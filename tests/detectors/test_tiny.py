import hashlib
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import countcheck as cc
from countcheck.cards import Card
from countcheck.counting.counter import load_counter
from countcheck.detectors.base import Detector
from countcheck.detectors.tiny import TinyDetector
from countcheck.errors import BadSettings, BadWeights
from countcheck.resources import shipped
from countcheck.scenes import NOUNS, boxes, compose, render
from countcheck.suites.suite import Noun
from tests.detectors.elsewhere import elsewhere

WEIGHTS = shipped("models") / "tiny-counter"


@pytest.fixture(scope="module")
def tiny():
    return TinyDetector(Card(name="tiny", family="tiny"))


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(WEIGHTS, tmp_path / "weights", ignore=shutil.ignore_patterns("*.png", "*.jpg", "*.onnx"))


def same(a, b, tolerance=1e-3):
    assert a.nouns == b.nouns
    assert np.allclose(a.boxes, b.boxes, atol=tolerance * 100)
    assert np.allclose(a.scores, b.scores, atol=tolerance)


def test_it_stands_behind_the_seam_and_knows_every_noun_of_the_scenes(tiny):
    assert isinstance(tiny, Detector)
    assert tiny.vocabulary == frozenset(NOUNS)


def test_it_counts_scenes():
    counter = load_counter("tiny")
    right = 0
    for seed in range(40):
        counts = {NOUNS[seed % 12]: 1 + seed % 5, NOUNS[(seed + 5) % 12]: seed % 3}
        nouns = [Noun(name=noun) for noun in counts]
        (found,) = counter.detect([render(compose(counts, seed=seed), 128)], nouns)
        right += counter.count(found, nouns).counts == counts
    assert right >= 37


def test_boxes_lie_where_the_things_are_in_the_pictures_own_pixels(tiny):
    scene = compose({"pig": 1}, seed=5)
    ((_, *true),) = boxes(scene, 300)
    wide = np.full((300, 500, 3), 200, np.uint8)
    wide[:, 100:400] = render(scene, 300)
    (found,) = tiny.detect([wide], ["pig"])
    assert found.size == (500, 300)
    assert np.allclose(found.boxes[0], np.add(true, [100, 0, 100, 0]), atol=25)


def test_what_it_finds_depends_on_nothing_else_in_the_batch(tiny):
    pictures = [render(compose({"pig": 1 + k % 4, "cat": k % 3}, seed=k), 64 + 32 * (k % 5)) for k in range(9)]
    together = tiny.detect(pictures, ["pig", "cat"])
    for picture, found in zip(pictures, together, strict=True):
        same(tiny.detect([picture], ["cat", "pig"])[0], found)
    for found, again in zip(together, reversed(tiny.detect(pictures[::-1], ["pig", "cat"])), strict=True):
        same(found, again)


@pytest.mark.parametrize("size", [(1, 1), (7, 400), (96, 96), (1500, 700)])
def test_a_picture_of_any_size_is_looked_at(tiny, size):
    picture = Image.new("RGB", size, (120, 160, 90))
    (found,) = tiny.detect([picture], ["pig"])
    assert found.size == size


def test_pixels_of_every_kind_give_the_same(tiny):
    array = render(compose({"frog": 2}, seed=3), 128)
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    kinds = [array, Image.fromarray(array), tensor, tensor.float() / 255]
    first, *others = tiny.detect(kinds, ["frog"])
    assert len(first.nouns) >= 2
    for other in others:
        same(first, other)


def test_tensors_on_its_device_are_counted_there_in_every_view(monkeypatch):
    """What a GPU runs, run here on the CPU, from the call to the boxes."""
    arrays = [render(compose({"pig": number}, seed=number), 256) for number in (2, 3)]
    counter = load_counter("tiny?views=as_is,flip,contrast,light,calm,large,tiles&device=cpu")
    expected = cc.count(arrays, ["pig"], counter)
    for place in ("countcheck.detectors.tiny", "countcheck.detectors.common.views"):
        monkeypatch.setattr(f"{place}.is_on_device", lambda picture: True)
    monkeypatch.setattr("countcheck.detectors.tiny.as_rgb", None)
    batch = torch.stack([elsewhere(array) for array in arrays])
    for one, other in zip(expected, cc.count(batch, ["pig"], counter), strict=True):
        assert one.counts == other.counts
        boxes = [np.array(sorted(box.xyxy for box in entry.boxes)) for entry in (one, other)]
        np.testing.assert_allclose(*boxes, atol=1.5)


def test_no_pictures_give_nothing(tiny):
    assert tiny.detect([], ["pig"]) == []


def test_a_noun_it_does_not_know_is_unsupported_never_zero(tiny):
    (found,) = tiny.detect([render(compose({"pig": 1}, seed=1))], ["pig", "unicorn"])
    assert found.unsupported == {"unicorn"}


def test_altered_weights_are_refused_with_both_hashes(copied):
    path = copied / "model.safetensors"
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)
    expected = json.loads((copied / "config.json").read_text())["sha256"]
    with pytest.raises(BadWeights) as caught:
        TinyDetector(Card(name="tiny", family="tiny", source=str(copied)))
    assert expected in str(caught.value)
    assert hashlib.sha256(body).hexdigest() in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nouns": []}, "list of words"),
        ({"size": "big"}, "must be a number"),
        ({"nouns": ["pig"]}, "do not fit"),
        ({"widths": [8, 8, 8, 8]}, "do not fit"),
        ({"weights": "../gone"}, "cannot be read"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(copied, change, words):
    place = copied / "config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **change}))
    with pytest.raises(BadWeights, match=words):
        TinyDetector(Card(name="tiny", family="tiny", source=str(copied)))


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(BadWeights, match="no such file"):
        TinyDetector(Card(name="tiny", family="tiny", source=str(tmp_path)))


@pytest.mark.parametrize("settings", [{"batch": 0}, {"size": 100}, {"device": "abacus"}, {"bach": 2}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(BadSettings):
        TinyDetector(Card(name="tiny", family="tiny", settings=settings))


def test_the_onnx_file_says_the_same(tiny):
    import onnxruntime

    session = onnxruntime.InferenceSession(WEIGHTS / "model.onnx", providers=["CPUExecutionProvider"])
    pictures = [render(compose({"pig": 2, "car": 1}, seed=seed), 128) for seed in range(3)]
    batch = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32) / 255
    (rows,) = session.run(None, {"images": batch})
    names = json.loads(session.get_modelmeta().custom_metadata_map["names"])
    for row, found in zip(rows, tiny.detect(pictures, list(NOUNS)), strict=True):
        sure = row[row[:, 4] > 0.3]
        assert sorted(names[str(int(k))] for k in sure[:, 5]) == sorted(
            noun for noun, score in zip(found.nouns, found.scores, strict=True) if score > 0.3
        )
