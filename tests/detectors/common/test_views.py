import numpy as np
import pytest

from countcheck.cards import Card
from countcheck.counting.counter import Counter, counter_card
from countcheck.detectors.common import views
from countcheck.errors import BadSettings, UnknownName
from countcheck.suites.suite import Noun
from tests.detectors.bright import Bright, field
from tests.detectors.elsewhere import Elsewhere, brought_back, elsewhere

PIG = [Noun(name="pig")]


def counter(detector=None, **settings):
    card = Card(name="bright", family="x", rule={"threshold": 0.4}, settings=settings)
    return Counter(card, detector or Bright())


@pytest.mark.parametrize("name", views.VIEWS)
def test_every_view_brings_boxes_back_to_where_they_were(name):
    picture = field((20, 30), (150, 80))
    ((found,),) = views.detect_views(Bright(150), [picture], ["pig"], [name])
    assert found.size == (200, 120)
    assert np.allclose(found.boxes[found.boxes[:, 0].argsort()], [[20, 30, 32, 42], [150, 80, 162, 92]], atol=2.5)


@pytest.mark.parametrize("name", views.VIEWS)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 3), (500, 2)])
def test_every_view_takes_pictures_of_every_shape(name, size):
    """A picture that is bright all over is one pig as large as the picture; no tile holds it whole."""
    ((detections,),) = views.detect_views(Bright(100), [np.full((*size, 3), 255, np.uint8)], ["pig"], [name])
    tall, wide = size
    assert detections.size == (wide, tall)
    whole = [] if name == "tiles" and max(size) > 1 else [[0, 0, wide, tall]]
    assert detections.boxes.tolist() == whole


class BrightElsewhere(Bright):
    """Is given tensors, and sees in them what `Bright` does."""

    def one(self, picture):
        assert isinstance(picture, Elsewhere)
        return super().one(brought_back(picture))


@pytest.mark.parametrize("name", views.VIEWS)
def test_views_of_a_tensor_on_a_device_are_made_there(name, monkeypatch):
    monkeypatch.setattr(views, "is_on_device", lambda picture: True)
    picture = field((20, 30), (150, 80))
    ((expected,),) = views.detect_views(Bright(150), [picture], ["pig"], [name])
    ((found,),) = views.detect_views(BrightElsewhere(150), [elsewhere(picture)], ["pig"], [name])
    assert found.size == expected.size
    assert np.allclose(found.boxes, expected.boxes, atol=1)


@pytest.mark.parametrize("name", ["bright+flip", "contrast+light+flip", "calm+tiles"])
def test_a_view_of_a_view_brings_boxes_back_too(name):
    ((found,),) = views.detect_views(Bright(150), [field((20, 30), (150, 80))], ["pig"], [name])
    assert np.allclose(found.boxes[found.boxes[:, 0].argsort()], [[20, 30, 32, 42], [150, 80, 162, 92]], atol=2.5)


def test_the_bright_view_lifts_what_is_dark_and_keeps_black_and_white():
    (piece,) = views.pieces_of("bright", np.array([[[0, 64, 255]]], np.uint8))
    assert piece.pixels.tolist() == [[[0, 128, 255]]]


def test_views_of_views_are_named_with_a_plus_also_in_a_spec():
    assert views.chosen("as_is, bright+flip", "x") == views.chosen(["as_is", "bright flip"], "x")
    assert counter_card("tiny?views=bright+flip").settings["views"] == "bright flip"  # as a query writes a space
    assert views.cost(["as_is", "bright+flip", "light+tiles"]) == 6
    with pytest.raises(BadSettings, match="flip must come last"):
        views.chosen("flip+bright", "x")
    with pytest.raises(UnknownName, match="'brihgt'"):
        views.chosen("brihgt+flip", "x")


def test_a_thing_on_the_seam_of_two_tiles_is_one():
    picture = field((94, 54))
    ((found,),) = views.detect_views(Bright(), [picture], ["pig"], ["tiles"])
    assert len(found.nouns) == 1


def test_what_a_tile_cuts_is_left_to_the_tile_that_holds_it():
    picture = field((112, 20))  # the right edge of the left tiles goes through it
    ((found,),) = views.detect_views(Bright(), [picture], ["pig"], ["tiles"])
    assert found.boxes.tolist() == [[112, 20, 124, 32]]


def test_one_view_that_sees_is_enough_for_the_best_and_counts_its_share_in_the_mean():
    dim = field((20, 30), level=120)
    for how, number in (("best", 1), ("mean", 1)):
        seen = counter(views="as_is,contrast", fusion=how).detect([dim], PIG)[0]
        assert seen.scores.max() == pytest.approx(0.9 if how == "best" else 0.45)
        assert counter(fusion=how).count(seen, PIG).counts["pig"] == number


def test_a_look_that_disagrees_makes_the_count_uncertain_where_its_opinion_is_asked():
    looking = counter(opinions="contrast")
    counted = looking.count(looking.detect([field((20, 30), level=120)], PIG)[0], PIG)
    assert looking.count(looking.detect([field((20, 30))], PIG)[0], PIG).uncertain == ()
    assert (counted.low["pig"], counted.high["pig"]) == (0, 1)


def test_a_style_has_its_own_views():
    detector = Bright()
    looking = counter(detector, views_by_style={"noir": ["as_is", "contrast", "flip"]})
    looking.detect([field((20, 30))] * 2, PIG, ["noir", "plain"])
    assert detector.looked == 4
    assert looking.views("noir") == ("as_is", "contrast", "flip")
    assert looking.views("rain") == ()


def test_a_second_counter_is_heard_and_does_not_change_the_count():
    deaf = Counter(Card(name="second", family="x", rule={"threshold": 0.4}), Bright(254))
    card = Card(name="first", family="x", rule={"threshold": 0.4})
    looking = Counter(card, Bright(), second_counter=deaf)
    counted = looking.count(looking.detect([field((20, 30), level=240)], PIG)[0], PIG)
    assert (counted.counts["pig"], counted.low["pig"], counted.high["pig"]) == (1, 0, 1)


def test_unknown_views_and_fusions_are_told():
    with pytest.raises(UnknownName, match="contrast"):
        counter(views="as_is,contrst")
    with pytest.raises(BadSettings, match="fusion"):
        counter(views="as_is,flip", fusion="most").detect([field()], PIG)


def test_the_cost_of_views_is_told():
    assert views.cost([]) == 1
    assert views.cost(["as_is", "flip", "tiles"]) == 6
