"""Counting and judging images in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import countcheck as cc
from countcheck.errors import BadInput, UnknownName


def test_every_form_of_an_image_is_counted_alike(drawn, tmp_path):
    array = drawn(pig=3)
    picture = Image.fromarray(array)
    path = tmp_path / "pigs.png"
    picture.save(path)
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    forms = [array, picture, path, str(path), path.read_bytes(), tensor, tensor.float() / 255]
    assert [entry.counts for entry in cc.count(forms, ["pig"])] == [{"pig": 3}] * len(forms)


def test_a_batch_is_counted_image_by_image(drawn):
    arrays = [drawn(pig=n, seed=n) for n in (1, 2, 3)]
    batch = torch.stack([torch.from_numpy(array).permute(2, 0, 1) for array in arrays])
    expected = [{"pig": 1}, {"pig": 2}, {"pig": 3}]
    assert [entry.counts for entry in cc.count(batch, ["pig"])] == expected
    assert [entry.counts for entry in cc.count(np.stack(arrays), ["pig"])] == expected
    assert [entry.counts for entry in cc.count(iter(arrays), ["pig"], batch_size=2)] == expected


def test_one_image_is_one_entry(drawn):
    (entry,) = cc.count(drawn(pig=2, cat=1), ["pig", "cat"])
    assert entry.counts == {"pig": 2, "cat": 1}
    assert sorted(box.noun for box in entry.boxes) == ["cat", "pig", "pig"]


def test_judgements_say_what_was_asked_and_counted(drawn):
    images = [drawn(pig=3), drawn(pig=4), drawn(pig=2, wolf=1), drawn(cat=1)]
    prompts = ["three pigs", {"pig": 3, "wolf": "none"}, {"pig": "at least 2", "wolf": 1}, "two pigs"]
    judgements = cc.judge(images, prompts)
    assert [str(judgement.verdict) for judgement in judgements] == ["exact", "over", "exact", "missing"]
    assert judgements[1].reason == "asked for exactly 3 pig, counted 4 pig"
    assert [judgement.exact for judgement in judgements] == [True, False, True, False]


def test_one_prompt_serves_all_images(drawn):
    judgements = cc.judge([drawn(pig=3, seed=s) for s in (1, 2)], "three pigs")
    assert [judgement.prompt.text for judgement in judgements] == ["three pigs", "three pigs"]


def test_geneval_metadata_is_a_prompt(drawn):
    metadata = {"tag": "counting", "include": [{"class": "pig", "count": 2}], "exclude": [{"class": "pig", "count": 3}]}
    exact, over = cc.judge([drawn(pig=2), drawn(pig=3)], [metadata, metadata])
    assert (exact.exact, over.exact) == (True, False)


def test_an_unreadable_image_is_said_and_the_others_are_judged(drawn, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    images = [drawn(pig=1), tmp_path / "broken.png", tmp_path / "gone.png", b"", drawn(pig=2)]
    judgements = cc.judge(images, ["one pig"] * 4 + ["two pigs"])
    assert [str(judgement.verdict) for judgement in judgements] == ["exact", "failed", "failed", "failed", "exact"]
    assert "broken.png" in judgements[1].reason
    assert judgements[1].exact is None


def test_an_array_with_values_of_no_picture_fails_alone(drawn):
    images = [drawn(pig=1), np.full((8, 8, 3), -1.0), drawn(pig=1)]
    entries = cc.count(images, ["pig"])
    assert [entry.counts for entry in entries] == [{"pig": 1}, {}, {"pig": 1}]
    assert "values from -1 to -1" in entries[1].error


def test_a_prompt_with_nothing_to_count_has_no_verdict(drawn):
    (judgement,) = cc.judge(drawn(pig=1), "a watercolour of a village")
    assert judgement.verdict is None
    assert judgement.reason == "the prompt asks for nothing that can be counted"


def test_a_noun_the_counter_cannot_know_is_uncertain_and_never_zero(drawn):
    (judgement,) = cc.judge(drawn(pig=1), "three zeppelins")
    assert str(judgement.verdict) == "uncertain"
    assert judgement.count.unsupported == ("zeppelin",)
    assert "zeppelin" not in judgement.count.counts


@pytest.mark.parametrize(
    ("images", "prompts", "words"),
    [
        ([b"", b""], ["one pig"], "fewer prompts than images"),
        ([b""], ["one pig", "two pigs"], "more prompts than images"),
        ([b""], [{"pig": -1}], "prompt 1: pig is -1"),
        ([b""], [{"pig": "lots"}], "prompt 1: pig is 'lots'"),
        ([b""], [7], "prompt 1 is of type int"),
        (3.5, ["one pig"], "got float"),
    ],
)
def test_bad_calls_are_answered_in_a_sentence(images, prompts, words):
    with pytest.raises(BadInput, match=words):
        cc.judge(images, prompts)


@pytest.mark.parametrize(
    "none", [list, lambda: iter(()), lambda: torch.zeros(0, 3, 8, 8), lambda: np.zeros((0, 8, 8, 3))]
)
def test_no_images_are_told(none):
    calls = [
        lambda: cc.count(none(), ["pig"]),
        lambda: cc.judge(none(), []),
        lambda: cc.judge(none(), "one pig"),
        lambda: cc.reward(none(), []),
        lambda: cc.reward(none(), [], second_counter="tiny"),
        lambda: cc.CountMetric().update(none(), []),
    ]
    for call in calls:
        with pytest.raises(BadInput, match="there are no images"):
            call()


def test_an_unknown_counter_is_named():
    with pytest.raises(UnknownName, match="tinny"):
        cc.count([], ["pig"], counter="tinny")


def test_what_is_counted_does_not_depend_on_a_neighbours_prompt(drawn):
    images = [drawn(pig=2, wolf=1), drawn(cat=3)]
    together = cc.judge(images, ["two pigs", "three cats"])
    alone = [*cc.judge(images[0], "two pigs"), *cc.judge(images[1], "three cats")]
    assert [entry.count.boxes for entry in together] == [entry.count.boxes for entry in alone]


def test_progress_is_reported(drawn):
    seen = []
    cc.count([drawn(pig=1)] * 5, ["pig"], batch_size=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_a_notebook_shows_the_picture_with_its_boxes(drawn):
    (judgement,) = cc.judge(drawn(pig=2), {"pig": 2})
    page = judgement._repr_html_()
    assert page.count("<rect ") == 2
    assert "data:image/webp;base64," in page
    assert "exact: counted 2 pig" in page


def test_a_notebook_escapes_what_it_shows(tmp_path):
    hostile = cc.judge([tmp_path / "<script>alert(1)<script>.png"], ["one pig"])[0]._repr_html_()
    assert "<script>" not in hostile


def test_bytes_of_other_things_are_no_image():
    (entry,) = cc.count(b"<html>sorry</html>", ["pig"])
    assert "image 1" in entry.error
