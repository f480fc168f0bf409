import json
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from countcheck.cards import Card
from countcheck.detectors.transformers import TransformersDetector
from countcheck.errors import BadSettings, BadWeights
from tests.detectors import tiny_models

NOUNS = ["pig", "red apple", "wolf"]
EVERY = [*tiny_models.OPEN, *tiny_models.CLOSED]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    made = {}

    def folder(recipe):
        if recipe not in made:
            made[recipe] = tiny_models.saved(recipe, root / recipe.__name__)
        return made[recipe]

    return folder


@pytest.fixture(scope="module")
def pictures():
    dice = np.random.default_rng(0)
    return [dice.integers(0, 255, (h, w, 3)).astype(np.uint8) for h, w in [(100, 80), (64, 200), (100, 80), (3, 900)]]


def detector(source, **settings):
    card = Card(name="counter", family="transformers", source=str(source), settings={"device": "cpu", **settings})
    return TransformersDetector(card)


@pytest.mark.parametrize("recipe", EVERY, ids=lambda recipe: recipe.__name__)
def test_every_class_runs_from_a_local_folder_whatever_the_order(recipe, folders, pictures):
    looking = detector(folders(recipe), floor=0.0, batch=2)
    found = looking.detect(pictures, NOUNS)
    for one, picture in zip(found, pictures, strict=True):
        assert one.size == (picture.shape[1], picture.shape[0])
        assert len(one.nouns) > 0
        assert set(one.nouns) <= set(NOUNS)
        assert (one.boxes >= 0).all()
        assert (one.boxes <= np.array([*one.size, *one.size])).all()
        assert ((one.scores >= 0) & (one.scores <= 1)).all()
    turned = looking.detect(pictures[::-1], NOUNS[::-1])[::-1]
    for one, other in zip(found, turned, strict=True):
        assert Counter(one.nouns) == Counter(other.nouns)
        assert np.allclose(np.sort(one.scores), np.sort(other.scores), atol=1e-4)


@pytest.mark.parametrize("recipe", EVERY, ids=lambda recipe: recipe.__name__)
def test_a_tensor_on_the_counters_device_stays_there_and_gives_the_same(recipe, folders, pictures, monkeypatch):
    looking = detector(folders(recipe), floor=0.0, batch=2)
    expected = looking.detect(pictures, NOUNS)
    tensors = [torch.from_numpy(picture).permute(2, 0, 1) for picture in pictures]
    monkeypatch.setattr("countcheck.detectors.transformers.as_rgb", None)  # would copy to main memory
    monkeypatch.setattr("countcheck.detectors.common.pictures.as_rgb", None)
    for one, other in zip(expected, looking.detect(tensors, NOUNS), strict=True):
        assert one.size == other.size
        assert one.nouns == other.nouns
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


@pytest.mark.parametrize("recipe", tiny_models.CLOSED, ids=lambda recipe: recipe.__name__)
def test_a_closed_model_knows_its_labels_and_no_more(recipe, folders, pictures):
    looking = detector(folders(recipe))
    assert looking.vocabulary == {"pig", "wolf"}
    assert looking.detect(pictures[:1], ["pig", "owl"])[0].unsupported == {"owl"}


@pytest.mark.parametrize("recipe", tiny_models.OPEN, ids=lambda recipe: recipe.__name__)
@pytest.mark.parametrize(
    "noun", ["pig. a wolf? no!", "a pig that sits in the rain " * 9, "猪"], ids=["dots", "long", "chinese"]
)
def test_odd_nouns_are_looked_for_or_unsupported(recipe, folders, pictures, noun):
    (found,) = detector(folders(recipe), floor=0.0).detect(pictures[:1], ["dog", noun])
    assert set(found.nouns) <= {"dog", noun}
    assert found.unsupported <= {noun}


def test_a_noun_of_unknown_tokens_is_unsupported(folders, pictures):
    (found,) = detector(folders(tiny_models.grounding_dino), floor=0.0).detect(pictures[:1], ["猪"])
    assert found.unsupported == {"猪"}


@pytest.mark.parametrize("recipe", [tiny_models.owlv2, tiny_models.grounding_dino])
def test_a_noun_longer_than_the_text_window_is_unsupported_and_the_others_are_detected(folders, pictures, recipe):
    """A model would look for its first words: "red pig" for "red pig beside a wolf ..."."""
    long = " ".join(["red pig beside a wolf"] * 80)
    found = detector(folders(recipe)).detect(pictures, ["pig", long])
    assert all(each.unsupported == {long} for each in found)
    alone = detector(folders(recipe)).detect(pictures, ["pig"])
    assert [each.nouns for each in found] == [each.nouns for each in alone]


def test_eighty_nouns_go_in_as_many_prompts_as_they_need(folders, pictures):
    nouns = ["pig", "wolf", *(f"dog {'red ' * (k % 7)}apple {'fox ' * (k // 7)}".strip() for k in range(78))]
    found = detector(folders(tiny_models.grounding_dino), floor=0.0, max_det=5000).detect(pictures[:1], nouns)
    assert set(found[0].nouns) == set(nouns)


def test_a_words_score_is_the_best_of_its_own_tokens(folders, pictures):
    """The family's own reading joins words; ours must not: one noun asked for alone or in company is one noun."""
    looking = detector(folders(tiny_models.grounding_dino), floor=0.0)
    found = looking.detect(pictures[:1], ["pig", "wolf"])[0]
    assert set(found.nouns) == {"pig", "wolf"}


def test_one_word_a_pass_leaves_no_word_dependent_on_another(folders, pictures):
    looking = detector(folders(tiny_models.grounding_dino), floor=0.0, words_per_pass=1)
    alone = looking.detect(pictures[:1], ["pig"])[0]
    company = looking.detect(pictures[:1], ["pig", "wolf"])[0]
    among = company.scores[[noun == "pig" for noun in company.nouns]]
    assert np.allclose(np.sort(alone.scores), np.sort(among), atol=1e-5)


def test_a_missing_hub_is_told_in_a_sentence():
    with pytest.raises(BadWeights, match="no hub could be reached"):
        detector("nobody/no-such-detector")


def test_a_folder_that_is_no_model_is_told(tmp_path):
    with pytest.raises(BadWeights, match="not a whole model folder"):
        detector(tmp_path)


def test_no_source_is_told():
    with pytest.raises(BadSettings, match="no model is named"):
        detector("")


def test_a_model_that_is_no_detector_is_told(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(BadWeights, match="'bert', which is no detector"):
        detector(tmp_path)


def copied(folder, target):
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_pickled_weights_are_refused_unless_trusted(folders, tmp_path):
    folder = copied(folders(tiny_models.rt_detr), tmp_path / "pickled")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadWeights, match="trust_weights"):
        detector(folder)
    assert detector(folder, trust_weights=True).vocabulary == {"pig", "wolf"}


def test_weights_of_another_architecture_are_refused(folders, tmp_path):
    folder = copied(folders(tiny_models.rt_detr), tmp_path / "other")
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if weights[name].ndim == 2)
    weights[name] = weights[name][:, :-1].contiguous()
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(BadWeights):
        detector(folder)


def test_weights_that_are_not_all_there_are_refused(folders, tmp_path):
    folder = copied(folders(tiny_models.rt_detr), tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    half = dict(sorted(weights.items())[: len(weights) // 2])
    save_file(half, str(folder / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(BadWeights, match="missing"):
        detector(folder)


def test_a_mask2former_for_scenes_is_refused(folders, tmp_path):
    from shutil import copytree

    folder = copytree(folders(tiny_models.mask2former), tmp_path / "panoptic")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"], config["label2id"] = {"0": "pig", "1": "sky-other-merged"}, {"pig": 0, "sky-other-merged": 1}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadWeights, match="semantic or panoptic segmentation"):
        detector(folder)


def test_masks_are_counted_by_genevals_rule(folders, pictures):
    from countcheck.counting.counter import Counter as Looking
    from countcheck.counting.counter import counter_card
    from countcheck.suites.suite import Noun, Target

    card = counter_card("mask2former-swin-s")
    looking = Looking(card, detector(folders(tiny_models.mask2former), floor=0.0))
    (found,) = looking.detect(pictures[:1], [Noun(name="pig")])
    assert looking.rule.name == "geneval" and looking.rule.threshold == 0.9
    verdict, counted = looking.judge(found, [Target(noun="pig", count=30)], {}, [Noun(name="pig")])
    assert counted.counts["pig"] <= 16 and str(verdict.kind) in ("under", "missing")
