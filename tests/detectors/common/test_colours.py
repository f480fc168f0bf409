"""The colour check: what is shown to CLIP, of which boxes, and that its real class runs."""

import numpy as np
import pytest
import torch
import transformers as T
from PIL import Image

from countcheck.detectors.base import Detections
from countcheck.detectors.common import colours
from countcheck.detectors.common.colours import COLOURS, ColourClassifier
from countcheck.errors import BadWeights
from tests.detectors.elsewhere import brought_back, elsewhere
from tests.detectors.tiny_models import clip_tokenizer, text_tower

RED, BLUE = (220, 20, 20), (20, 20, 220)


def picture():
    """Left half red, right half blue, 40 x 20 pixels."""
    array = np.zeros((20, 40, 3), np.uint8)
    array[:, :20], array[:, 20:] = RED, BLUE
    return array


def seen(*rows, masks=()):
    return Detections(
        boxes=np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        scores=np.array([row[1] for row in rows], np.float32),
        nouns=tuple(row[2] for row in rows),
        size=(40, 20),
        masks=masks,
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    tokenizer, size = clip_tokenizer(folder)
    vision = dict(
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=8
    )
    model = T.CLIPModel(T.CLIPConfig(text_config=text_tower(size, 77), vision_config=vision, projection_dim=16))
    images = T.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    model.save_pretrained(folder)
    T.CLIPProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
    return ColourClassifier(str(folder), name="counter", device="cpu", batch=2)


def test_clips_real_class_names_a_colour_for_every_box_that_may_be_judged(clip):
    rows = [((0, 0, 20, 20), 0.9, "apple"), ((20, 0, 40, 20), 0.5, "dog"), ((0, 0, 9, 9), 0.3, "dog")]
    found = clip.classify(picture(), seen(*rows))
    assert found[0] in COLOURS and found[1] in COLOURS and found[2] == ""


def test_the_batch_changes_no_colour(clip):
    rows = [((k, 0, k + 20, 20), 0.9, "apple") for k in range(7)]
    together = clip.classify(picture(), seen(*rows))
    assert together == tuple(clip.classify(picture(), seen(row))[0] for row in rows)


def test_a_picture_without_boxes_has_no_colours(clip):
    assert clip.classify(picture(), seen()) == ()


def test_the_crop_is_the_box_and_outside_the_mask_it_is_grey():
    plain = np.asarray(colours._crop(Image.fromarray(picture()), seen(((10, 0, 30, 20), 0.9, "apple")), 0))
    assert plain.shape == (20, 20, 3)
    assert tuple(plain[0, 0]) == RED and tuple(plain[0, -1]) == BLUE
    mask = np.zeros((10, 20), bool)
    mask[:, :10] = True  # at half the picture's size
    masked = seen(((10, 0, 30, 20), 0.9, "apple"), masks=(mask,))
    grey = np.asarray(colours._crop(Image.fromarray(picture()), masked, 0))
    assert tuple(grey[0, 0]) == RED and tuple(grey[0, -1]) == (0x99, 0x99, 0x99)


def test_a_tensor_on_a_device_is_cropped_there(clip, monkeypatch):
    monkeypatch.setattr(colours, "is_on_device", colours.is_tensor)
    large = np.tile(picture(), (3, 3, 1))
    rows = [((k, 0, k + 20, 20), 0.9, "apple") for k in range(0, 40, 7)]
    assert clip.classify(elsewhere(large), seen(*rows)) == clip.classify(large, seen(*rows))
    mask = np.zeros((10, 20), bool)
    mask[:, :10] = True
    masked = seen(((10, 0, 30, 20), 0.9, "apple"), masks=(mask,))
    there = colours._crop(elsewhere(picture()), masked, 0)
    assert np.array_equal(brought_back(there), np.asarray(colours._crop(Image.fromarray(picture()), masked, 0)))


def test_a_box_without_area_is_shown_as_a_pixel():
    assert colours._crop(Image.fromarray(picture()), seen(((10, 5, 10, 5), 0.9, "apple")), 0).size == (1, 1)


def test_of_many_boxes_of_a_noun_the_sixteen_best_are_judged():
    rows = [((0, 0, 5, 5), 0.31 + k / 100, "apple") for k in range(20)]
    assert colours._judged(seen(*rows)) == list(range(4, 20))


def test_a_folder_without_clip_is_named(tmp_path):
    with pytest.raises(BadWeights, match="classify=color"):
        ColourClassifier(str(tmp_path), name="counter", device="cpu")
