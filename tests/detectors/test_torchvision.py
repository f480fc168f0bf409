from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from countcheck.cards import Card
from countcheck.detectors.torchvision import TorchvisionDetector
from countcheck.errors import BadSettings, BadWeights, UnknownName

NAMES = ["pig", "wolf", "dog"]
SMALL = ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"]
LARGE = ["retinanet_resnet50_fpn", "fcos_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2"]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    path = tmp_path_factory.mktemp("names") / "names.txt"
    path.write_text("\n".join(NAMES) + "\n")
    return path


@pytest.fixture(scope="module")
def pictures():
    dice = np.random.default_rng(0)
    return [dice.integers(0, 255, (h, w, 3)).astype(np.uint8) for h, w in [(64, 80), (64, 200), (64, 80)]]


def built(source):
    torch.manual_seed(0)
    return get_model(source, weights=None, weights_backbone=None, num_classes=len(NAMES) + 1)


def detector(source, weights, names, **settings):
    settings = {"weights": str(weights), "names": str(names), "device": "cpu", "floor": 0.0, **settings}
    return TorchvisionDetector(Card(name="counter", family="torchvision", source=source, settings=settings))


@pytest.mark.parametrize("source", SMALL)
def test_weights_of_ones_own_run_from_a_file_whatever_the_order(source, tmp_path, names, pictures):
    save_file(built(source).state_dict(), str(tmp_path / "own.safetensors"))
    looking = detector(source, tmp_path / "own.safetensors", names)
    assert looking.vocabulary == set(NAMES)
    found = looking.detect(pictures, ["pig", "wolf", "owl"])
    assert [f.size for f in found] == [(80, 64), (200, 64), (80, 64)]
    assert all(f.unsupported == {"owl"} and set(f.nouns) <= {"pig", "wolf"} for f in found)
    assert sum(len(f.nouns) for f in found) > 0
    turned = looking.detect(pictures[::-1], ["owl", "wolf", "pig"])[::-1]
    assert [Counter(f.nouns) for f in found] == [Counter(f.nouns) for f in turned]


@pytest.mark.parametrize("source", LARGE)
def test_the_large_classes_run_from_picture_to_boxes(source, tmp_path, names, pictures):
    torch.save(built(source).state_dict(), tmp_path / "own.pth")
    looking = detector(source, tmp_path / "own.pth", names, min_size=64, max_size=96)
    (found,) = looking.detect(pictures[:1], NAMES)
    assert set(found.nouns) <= set(NAMES)


def test_a_tensor_on_the_counters_device_stays_there_and_gives_the_same(tmp_path, names, pictures, monkeypatch):
    save_file(built(SMALL[0]).state_dict(), str(tmp_path / "own.safetensors"))
    looking = detector(SMALL[0], tmp_path / "own.safetensors", names)
    expected = looking.detect(pictures, NAMES)
    monkeypatch.setattr("countcheck.detectors.common.pictures.as_rgb", None)  # would copy to main memory
    found = looking.detect([torch.from_numpy(picture).permute(2, 0, 1) for picture in pictures], NAMES)
    for one, other in zip(expected, found, strict=True):
        assert (one.size, one.nouns) == (other.size, other.nouns)
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)


def test_a_pickle_that_holds_more_than_weights_is_refused(tmp_path, names):
    class Boom:
        def __reduce__(self):
            return (exec, ("raise SystemExit('ran')",))

    torch.save({"w": Boom()}, tmp_path / "evil.pth")
    with pytest.raises(BadWeights, match="would run code"):
        detector(SMALL[0], tmp_path / "evil.pth", names)


def test_weights_of_another_architecture_are_refused(tmp_path, names):
    save_file({"conv.weight": torch.zeros(1)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(BadWeights, match="does not fit"):
        detector(SMALL[0], tmp_path / "other.safetensors", names)


def test_a_name_that_torchvision_does_not_have_is_told(names):
    with pytest.raises(UnknownName, match="fasterrcnn_resnet50_fpn_v2"):
        detector("fasterrcnn_resnet50_fpn_v3", "x.pth", names)


def test_weights_of_ones_own_need_names(tmp_path):
    with pytest.raises(BadSettings, match="names=FILE"):
        detector(SMALL[0], tmp_path / "own.safetensors", "")


def test_cocos_unused_places_are_no_nouns():
    from torchvision.models import get_model_weights

    looking = TorchvisionDetector.__new__(TorchvisionDetector)
    looking._names = [str(name) for name in get_model_weights(SMALL[0])["DEFAULT"].meta["categories"]]
    assert len(looking.vocabulary) == 80
    assert "N/A" not in looking.vocabulary
