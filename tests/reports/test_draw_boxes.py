from __future__ import annotations

import numpy as np
from PIL import Image

from countcheck.detectors.base import Detections
from countcheck.reports.draw_boxes import DrawnBox, draw_boxes, numbered_boxes

WHITE = (255, 255, 255)


def blank(size=(120, 90)):
    return Image.new("RGB", size, WHITE)


def test_a_box_is_drawn_on_its_edge_and_the_original_stays():
    image = blank()
    drawn = draw_boxes(image, [DrawnBox(noun="pig", corners=(20, 30, 100, 80))])
    assert drawn.size == image.size
    assert drawn.getpixel((60, 30)) != WHITE
    assert drawn.getpixel((60, 60)) == WHITE
    assert image.getpixel((60, 30)) == WHITE


def test_a_near_miss_is_thinner_than_what_was_counted():
    boxes = [DrawnBox(noun="pig", corners=(100, 100, 800, 800), counted=counted) for counted in (True, False)]
    thick, thin = (np.asarray(draw_boxes(blank((900, 900)), [box])) for box in boxes)
    assert (thick != 255).any(axis=2).sum() > 2 * (thin != 255).any(axis=2).sum() > 0


def test_one_noun_has_one_colour_and_another_noun_another():
    def colour(noun):
        return draw_boxes(blank(), [DrawnBox(noun=noun, corners=(20, 30, 100, 80))]).getpixel((60, 30))

    assert colour("pig") == colour("pig")
    assert len({colour(noun) for noun in ("pig", "wolf", "cat", "cow", "egg")}) > 2


def test_a_caption_stands_below_whatever_it_holds():
    assert draw_boxes(blank((200, 100)), (), "over: \x1b three pigs 猪").height > 100
    assert draw_boxes(blank((200, 100)), ()).size == (200, 100)


def test_an_inverted_box_is_drawn_as_a_line():
    assert draw_boxes(blank(), [DrawnBox(noun="pig", corners=(50, 50, 40, 40), text="猪")]).size == (120, 90)


def test_counted_boxes_are_numbered_noun_by_noun_the_surest_first():
    detections = Detections(
        boxes=np.array([[0, 0, 9, 9], [10, 0, 19, 9], [20, 0, 29, 9], [30, 0, 39, 9]], np.float32),
        scores=np.array([0.5, 0.9, 0.8, 0.7], np.float32),
        nouns=("pig", "pig", "wolf", "pig"),
        size=(40, 10),
    )
    boxes = numbered_boxes(detections, [0, 1, 2])
    assert [(box.text, box.corners[0]) for box in boxes] == [("pig 1", 10), ("pig 2", 0), ("wolf 1", 20)]
