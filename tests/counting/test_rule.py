import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countcheck.counting.geneval_rule import GenevalRule
from countcheck.counting.rule import CountingRule, _candidates, count, counted_boxes
from countcheck.detectors.base import Detections

SIZE = (200, 100)


def seen(*rows, unsupported=(), opinions=None):
    """Detections from (noun, score, x1, y1, x2, y2) rows."""
    return Detections(
        boxes=np.array([row[2:] for row in rows], np.float32).reshape(-1, 4),
        scores=np.array([row[1] for row in rows], np.float32),
        nouns=tuple(row[0] for row in rows),
        size=SIZE,
        unsupported=frozenset(unsupported),
        opinions=opinions or {},
    )


def number(rows, rule=None, noun="pig", **more):
    return count(seen(*rows), [noun], rule or CountingRule(threshold=0.3), **more).counts[noun]


APART = [("pig", 0.9, 0, 0, 10, 10), ("pig", 0.5, 20, 0, 30, 10), ("pig", 0.29, 40, 0, 50, 10)]


def test_boxes_at_or_above_the_threshold_count():
    assert number(APART) == 2
    assert number([("pig", 0.3, 0, 0, 10, 10)]) == 1


@pytest.mark.parametrize("threshold", [k / 100 for k in range(5, 100, 5)])
def test_a_score_equal_to_its_threshold_counts_however_it_rounds(threshold):
    assert number([("pig", threshold, 0, 0, 10, 10)], CountingRule(threshold=threshold)) == 1


def test_what_is_dim_beside_the_best_of_its_noun_does_not_count():
    rule = CountingRule(threshold=0.1, relative_threshold=0.5)
    assert number(APART, rule) == 2
    assert number([(n, s / 3, *box) for n, s, *box in APART], rule) == 2
    other = ("wolf", 0.2, 60, 0, 70, 10)
    assert count(seen(*APART, other), ["pig", "wolf"], rule).counts == {"pig": 2, "wolf": 1}


def test_a_rival_is_told_by_the_threshold_and_not_by_the_best_of_its_noun():
    pigs = [("pig", 0.9, 0, 0, 10, 10), ("pig", 0.5, 20, 0, 30, 10), ("wolf", 0.4, 20, 0, 30, 10)]
    assert count(seen(*pigs), ["pig", "wolf"], CountingRule(threshold=0.1, relative_threshold=0.5)).counts == {
        "pig": 2,
        "wolf": 0,
    }


def test_a_noun_that_nobody_asked_for_may_need_a_lead():
    rows = [("wolf", 0.4, 0, 0, 10, 10), ("dog", 0.6, 0, 0, 10, 10)]
    assert number(rows, CountingRule(threshold=0.2), noun="wolf") == 0
    assert number(rows, CountingRule(threshold=0.2, distractor_score_ratio=2), noun="wolf") == 1
    assert number(rows, CountingRule(threshold=0.2, distractor_score_ratio=1.2), noun="wolf") == 0
    both = count(seen(*rows), ["wolf", "dog"], CountingRule(threshold=0.2, distractor_score_ratio=2))
    assert both.counts == {"wolf": 0, "dog": 1}


def test_a_number_that_hangs_on_the_share_of_the_best_is_uncertain():
    close = [("pig", 0.9, 0, 0, 10, 10), ("pig", 0.37, 20, 0, 30, 10)]
    assert count(seen(*close), ["pig"], CountingRule(threshold=0.1, relative_threshold=0.4, margin=0.02)).uncertain == (
        "pig",
    )
    assert (
        count(seen(*close), ["pig"], CountingRule(threshold=0.1, relative_threshold=0.2, margin=0.02)).uncertain == ()
    )


def test_none_is_uncertain_where_something_is_glimpsed():
    dim = seen(("pig", 0.12, 0, 0, 10, 10))
    assert count(dim, ["pig", "wolf"], CountingRule(threshold=0.3, zero_doubt_score=0.1)).uncertain == ("pig",)
    assert count(dim, ["pig"], CountingRule(threshold=0.3, zero_doubt_score=0.15)).uncertain == ()
    assert count(dim, ["pig"], CountingRule(threshold=0.3)).uncertain == ()
    taken = seen(("pig", 0.12, 0, 0, 10, 10), ("dog", 0.9, 0, 0, 10, 10))
    assert count(taken, ["pig"], CountingRule(threshold=0.3, zero_doubt_score=0.1)).uncertain == ()
    assert count(taken, ["pig"], CountingRule(threshold=0.3, zero_doubt_score=0.1)).counts == {"pig": 0}


def test_numbers_above_what_a_counter_is_sure_of_are_uncertain_by_one():
    three = seen(*[("pig", 0.9, 20 * k, 0, 20 * k + 10, 10) for k in range(3)])
    counted = count(three, ["pig"], CountingRule(threshold=0.3, max_certain_count=2))
    assert (counted.low["pig"], counted.counts["pig"], counted.high["pig"]) == (2, 3, 4)
    assert count(three, ["pig"], CountingRule(threshold=0.3, max_certain_count=3)).uncertain == ()


def test_each_noun_has_its_own_threshold():
    assert number(APART, CountingRule(threshold=0.3, thresholds={"pig": 0.6})) == 1


def test_each_style_has_its_own_threshold():
    rule = CountingRule(threshold=0.6, by_style={"noir": 0.2})
    assert number(APART, rule) == 1
    assert number(APART, rule, style="noir") == 3
    assert number(APART, rule, style="watercolour") == 1


def test_a_style_moves_a_nouns_own_threshold_in_proportion():
    rule = CountingRule(threshold=0.4, thresholds={"pig": 0.6}, by_style={"noir": 0.2})
    assert rule.threshold_for("pig", "noir") == pytest.approx(0.3)


def test_two_boxes_on_one_object_are_one():
    assert number([("pig", 0.9, 0, 0, 10, 10), ("pig", 0.8, 1, 0, 11, 10)]) == 1


def test_close_neighbours_stay_two():
    assert number([("pig", 0.9, 0, 0, 10, 10), ("pig", 0.8, 4, 0, 14, 10)]) == 2


def test_a_part_within_a_whole_is_not_another():
    whole_and_head = [("pig", 0.9, 0, 0, 40, 20), ("pig", 0.6, 2, 2, 12, 12)]
    assert number(whole_and_head) == 1
    assert number(whole_and_head, CountingRule(containment=1)) == 2


def test_a_box_round_the_herd_is_dropped_though_it_scores_best():
    herd = [("pig", 0.95, 0, 0, 60, 20)] + [("pig", 0.6, 20 * k, 0, 20 * k + 19, 20) for k in range(3)]
    assert number(herd) == 3
    assert number(herd, CountingRule(group_box_coverage=1)) == 1


def test_a_large_object_with_two_small_ones_before_it_is_no_group():
    rows = [("pig", 0.95, 0, 0, 60, 40), ("pig", 0.9, 5, 30, 15, 45), ("pig", 0.8, 40, 30, 50, 45)]
    assert number(rows) == 3


def test_duplicates_of_one_member_do_not_make_a_group():
    rows = [("pig", 0.95, 0, 0, 60, 20), ("pig", 0.6, 0, 0, 40, 20), ("pig", 0.5, 1, 0, 41, 20)]
    assert number(rows) == 1


def test_the_better_name_wins_on_one_object():
    rows = [("wolf", 0.5, 0, 0, 40, 20), ("dog", 0.8, 1, 0, 40, 20)]
    assert number(rows, noun="wolf") == 0
    assert count(seen(*rows), ["wolf", "dog"], CountingRule()).counts == {"wolf": 0, "dog": 1}
    assert number(rows, CountingRule(cross_class_iou=1), noun="wolf") == 1


def test_names_are_compared_by_how_far_they_pass_their_thresholds():
    rows = [("wolf", 0.5, 0, 0, 40, 20), ("dog", 0.8, 1, 0, 40, 20)]
    assert number(rows, CountingRule(thresholds={"dog": 0.75}), noun="wolf") == 1


def test_a_rider_does_not_unseat_the_horse():
    rows = [("horse", 0.8, 0, 20, 40, 60), ("person", 0.9, 10, 0, 30, 45)]
    assert count(seen(*rows), ["horse", "person"], CountingRule()).counts == {"horse": 1, "person": 1}


def test_objects_cut_off_by_the_edge_count_unless_the_rule_says_no():
    rows = [("pig", 0.9, 0, 40, 10, 50), ("pig", 0.9, 50, 40, 60, 50)]
    assert number(rows) == 2
    assert number(rows, CountingRule(cut_off=False)) == 1


def test_the_margin_says_how_far_the_count_may_be_off():
    counted = count(seen(*APART), ["pig"], CountingRule(threshold=0.3, margin=0.05))
    assert (counted.low["pig"], counted.counts["pig"], counted.high["pig"]) == (2, 2, 3)
    assert counted.uncertain == ("pig",)


def test_the_margin_may_be_wider_below():
    rows = [("pig", 0.4, 0, 0, 10, 10), ("pig", 0.15, 20, 0, 30, 10)]
    counted = count(seen(*rows), ["pig"], CountingRule(threshold=0.3, margin=0.05, margin_below=0.15))
    assert (counted.low["pig"], counted.high["pig"]) == (1, 2)


def test_the_margin_never_goes_below_the_floor():
    rows = [("pig", 0.04, 0, 0, 10, 10)]
    assert count(seen(*rows), ["pig"], CountingRule(threshold=0.1, margin=0.1, floor=0.05)).high == {"pig": 0}


def test_another_opinion_widens_the_margin_and_not_the_count():
    found = seen(*APART, opinions={"pig": (3, 2)})
    counted = count(found, ["pig"], CountingRule(threshold=0.3))
    assert (counted.counts["pig"], counted.low["pig"], counted.high["pig"]) == (2, 2, 3)


def test_an_unsupported_noun_has_no_number():
    counted = count(seen(*APART, unsupported=["wolf", "owl"]), ["pig", "wolf"], CountingRule())
    assert counted.counts == {"pig": 2}
    assert counted.unsupported == {"wolf"}


def test_kept_names_the_boxes_that_were_counted():
    assert count(seen(*reversed(APART)), ["pig"], CountingRule(threshold=0.3)).kept == (1, 2)


def test_numbers_without_places_are_never_merged():
    assert number([("pig", 1.0, 5, 5, 5, 5)] * 4) == 4


def test_genevals_own_rule_merges_nothing_and_stops_at_sixteen():
    rule = GenevalRule(threshold=0.9)
    assert number([("pig", 0.95, 0, 0, 10, 10)] * 3, rule) == 3
    assert number([("pig", 0.95, 0, 0, 10, 10)] * 20, rule) == 16


boxes = st.tuples(
    st.sampled_from(["pig", "wolf", "dog"]),
    st.integers(1, 100).map(lambda k: k / 100),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(5, 80),
    st.integers(5, 40),
).map(lambda row: (row[0], row[1], row[2], row[3], row[2] + row[4], row[3] + row[5]))
pictures = st.lists(boxes, max_size=14)


@given(pictures, st.randoms())
def test_the_order_of_boxes_and_nouns_changes_nothing(rows, dice):
    rule = CountingRule(threshold=0.3, margin=0.1)
    nouns = ["pig", "wolf"]
    first = count(seen(*rows), nouns, rule)
    shuffled = dice.sample(rows, len(rows))
    again = count(seen(*shuffled), nouns[::-1], rule)
    assert (first.counts, first.low, first.high) == (again.counts, again.low, again.high)


@given(pictures)
def test_the_count_lies_within_its_margin(rows):
    counted = count(seen(*rows), ["pig", "wolf"], CountingRule(threshold=0.3, margin=0.1))
    assert all(counted.low[n] <= counted.counts[n] <= counted.high[n] for n in counted.counts)


@given(pictures, st.integers(0, 20))
def test_the_margin_holds_every_threshold_within_it(rows, step):
    rule = CountingRule(threshold=0.3, margin=0.1)
    counted = count(seen(*rows), ["pig"], rule)
    shifted = count(seen(*rows), ["pig"], CountingRule(threshold=0.2 + step / 100))
    assert counted.low["pig"] <= shifted.counts["pig"] <= counted.high["pig"]


def iou(a, b):
    wide, tall = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(wide, 0) * max(tall, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


@given(pictures)
@settings(max_examples=200)
def test_merging_alone_is_plain_greedy_suppression(rows):
    kept = []
    for row in sorted(rows, key=lambda row: (-row[1], row[0], row[2:])):
        if row[1] >= 0.3 and row[0] == "pig" and all(iou(row[2:], other[2:]) < 0.7 for other in kept):
            kept.append(row)
    assert number(rows, CountingRule(threshold=0.3, containment=1, group_box_coverage=1, cross_class_iou=1)) == len(
        kept
    )


HERDS = {
    "row of 3": [(5, 40, 40, 100), (45, 40, 80, 100), (85, 40, 123, 100)],
    "row of 3 with gaps": [(5, 40, 35, 100), (50, 45, 78, 100), (95, 40, 123, 95)],
    "grid of 5": [(5, 5, 35, 40), (50, 5, 80, 40), (95, 5, 123, 40), (20, 70, 55, 110), (75, 70, 110, 110)],
    "grid of 9": [(x, y, x + 25, y + 25) for x in (5, 50, 95) for y in (5, 50, 95)],
    "pair": [(5, 10, 30, 40), (90, 12, 118, 45)],
    "near and far": [(0, 0, 40, 40), (100, 100, 120, 120), (60, 50, 90, 80)],
}


def herd(members, score, *, grown=0.0):
    """Boxes of pigs at a score of 0.5 and one round all of them at another score, grown by a share of its sides."""
    x1, y1 = min(m[0] for m in members), min(m[1] for m in members)
    x2, y2 = max(m[2] for m in members), max(m[3] for m in members)
    wide, tall = (x2 - x1) * grown, (y2 - y1) * grown
    around = ("pig", score, x1 - wide, y1 - tall, x2 + wide, y2 + tall)
    return [around, *(("pig", 0.5, *member) for member in members)]


@pytest.mark.parametrize("name", HERDS)
@pytest.mark.parametrize("score", [0.45, 0.6, 0.95])
def test_a_herd_is_counted_by_its_members_whatever_its_own_score_and_leaves_doubt(name, score):
    counted = count(seen(*herd(HERDS[name], score)), ["pig"], CountingRule(threshold=0.3))
    assert counted.counts["pig"] == len(HERDS[name])
    filled = name == "row of 3"
    assert counted.low["pig"] == (len(HERDS[name]) if filled or score < 0.5 else 1)


@pytest.mark.parametrize("grown", [0.15, 0.25])
def test_a_loose_box_round_a_herd_is_counted_by_score_and_uncertain(grown):
    counted = count(seen(*herd(HERDS["grid of 5"], 0.6, grown=grown)), ["pig"], CountingRule(threshold=0.3))
    assert (counted.counts["pig"], counted.low["pig"], counted.high["pig"]) == (1, 1, 5)


def test_a_herd_of_which_a_member_is_missing_is_uncertain():
    boxes = herd(HERDS["grid of 5"], 0.6)
    counted = count(seen(*boxes[:-2]), ["pig"], CountingRule(threshold=0.3))
    assert counted.low["pig"] < counted.high["pig"]


def test_parts_of_other_sizes_within_a_thing_raise_no_doubt():
    """A horse with boxes at its head and its body is one horse, as it was."""
    horse = [("pig", 0.9, 0, 0, 100, 60), ("pig", 0.4, 85, 0, 100, 15), ("pig", 0.35, 10, 10, 70, 55)]
    counted = count(seen(*horse), ["pig"], CountingRule(threshold=0.3))
    assert (counted.counts["pig"], counted.uncertain) == (1, ())


def test_two_herds_in_one_picture():
    left = [(0, 0, 20, 20), (40, 0, 60, 20), (20, 60, 40, 80)]
    right = [(x1 + 100, y1, x2 + 100, y2) for x1, y1, x2, y2 in left]
    counted = count(seen(*herd(left, 0.6), *herd(right, 0.7)), ["pig"], CountingRule(threshold=0.3))
    assert (counted.counts["pig"], counted.low["pig"]) == (6, 2)


def test_a_run_begun_under_the_rule_before_keeps_its_counts():
    rule = CountingRule(threshold=0.3, version=2)
    assert count(seen(*herd(HERDS["grid of 5"], 0.6)), ["pig"], rule).counts == {"pig": 1}


nested = st.lists(
    st.one_of(
        boxes,
        st.tuples(st.integers(1, 100), st.integers(0, 3), st.integers(0, 3), st.integers(1, 4), st.integers(1, 3)).map(
            lambda r: ("pig", r[0] / 100, 30 * r[1], 20 * r[2], 30 * (r[1] + r[3]) - 2, 20 * (r[2] + r[4]) - 2)
        ),
    ),
    max_size=16,
)


@given(nested, st.sampled_from([0.0, 0.5]), st.sampled_from([2, 3]))
@settings(max_examples=300)
def test_one_sweep_over_the_thresholds_counts_what_each_threshold_counts_by_itself(rows, relative, version):
    rule = CountingRule(threshold=0.3, margin=0.25, relative_threshold=relative, version=version)
    candidates = _candidates(seen(*rows), rule, None, frozenset({"pig", "wolf"}))
    sizes = set(range(len(candidates.index) + 1))
    assert candidates.sweep(sizes) == {size: candidates.chosen(size) for size in sizes}


@given(nested)
def test_the_sweep_gives_the_range_that_single_counts_give(rows):
    rule = CountingRule(threshold=0.4, margin=0.2, version=2)
    counted = count(seen(*rows), ["pig"], rule)
    single = [
        count(seen(*rows), ["pig"], CountingRule(threshold=0.2 + k / 100, version=2)).counts["pig"] for k in range(41)
    ]
    assert (counted.low["pig"], counted.high["pig"]) == (min(single), max(single))


@pytest.mark.parametrize(
    "rule", [CountingRule(margin=0.1), CountingRule(threshold=0.5, distractor_score_ratio=1.5), GenevalRule()]
)
def test_the_boxes_counted_are_those_of_the_whole_count(rule):
    dice = np.random.default_rng(0)
    for n in range(120):
        corners = dice.uniform(0, 30 + 5 * n, (n % 12, 2))
        found = Detections(
            boxes=np.concatenate([corners, corners + dice.uniform(5, 30, (n % 12, 2))], 1).astype(np.float32),
            scores=dice.uniform(0.05, 1, n % 12).astype(np.float32),
            nouns=tuple(dice.choice(["pig", "toy pig", "wolf"], n % 12).tolist()),
            size=(64, 64),
        )
        assert counted_boxes(found, ["pig", "wolf"], rule) == count(found, ["pig", "wolf"], rule).kept
