import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

from countcheck.cards import Card
from countcheck.detectors.common.fast_path import FastPath
from countcheck.detectors.common.layout import Layout
from countcheck.detectors.ultralytics import UltralyticsDetector, import_offline
from countcheck.errors import BadSettings, BadWeights
from countcheck.testing import check_detector

SMALL = {"imgsz": 128, "device": "cpu"}


def detector(source, **settings):
    return UltralyticsDetector(
        Card(name="yolo", family="ultralytics", source=str(source), settings={**SMALL, **settings})
    )


@pytest.fixture(scope="module")
def pictures():
    dice = np.random.default_rng(0)
    sizes = [(96, 120), (128, 128), (60, 200), (300, 90), (1, 1)]
    return [
        np.kron(dice.integers(0, 255, (-(-h // 8), -(-w // 8), 3)), np.ones((8, 8, 1)))[:h, :w].astype(np.uint8)
        for h, w in sizes
    ]


def lively(net, pictures):
    """Give a random net scores all over 0 to 1: without that it finds nothing and suppresses nothing."""
    torch.manual_seed(0)
    batch, _ = Layout(side=128).on_cpu(pictures)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        net.train()(batch)  # running means and variances that fit
    for branch in net.eval().model[-1].cv3:
        torch.nn.init.normal_(branch[-1].weight, std=0.3)
        torch.nn.init.constant_(branch[-1].bias, -3.0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory, pictures):
    """A lively YOLO11n of two classes as one safetensors file."""
    torch.manual_seed(0)
    model = import_offline().YOLO("yolo11n.yaml")
    model.model = type(model.model)({**model.model.yaml, "nc": 3}, ch=3, verbose=False)
    lively(model.model, pictures)
    path = tmp_path_factory.mktemp("weights") / "lively.safetensors"
    metadata = {"architecture": "yolo11n.yaml", "names": '["pig", "wolf", "dog"]'}
    save_file({k: v.contiguous() for k, v in model.model.state_dict().items()}, str(path), metadata=metadata)
    return path


def tally(found):
    return [Counter(f.nouns) for f in found]


NOUNS = ["pig", "wolf", "dog"]


def test_counts_are_those_of_the_packages_own_predict(weights, pictures):
    ours = detector(weights, floor=0.25)
    model = ours._model
    theirs = model.predict([p[..., ::-1] for p in pictures], imgsz=128, conf=0.25, iou=0.7, rect=False, verbose=False)
    expected = [Counter(NOUNS[int(k)] for k in r.boxes.cls) for r in theirs]
    found = detector(weights, floor=0.25).detect(pictures, NOUNS)
    assert sum(sum(c.values()) for c in expected) > 20
    assert tally(found) == expected
    for mine, other in zip(found, theirs, strict=True):
        assert np.allclose(np.sort(mine.scores), np.sort(other.boxes.conf.numpy()), atol=2e-3)


def test_batch_mates_and_order_change_no_count(weights, pictures):
    looking = detector(weights)
    alone = [looking.detect([p], NOUNS)[0] for p in pictures]
    turned = looking.detect(pictures[::-1], NOUNS[::-1])[::-1]
    assert tally(alone) == tally(turned)


def test_batches_of_every_size_count_the_same(weights, pictures):
    expected = tally(detector(weights).detect(pictures, NOUNS))
    for batch in (1, 2, 3):
        assert tally(detector(weights, batch=batch).detect(pictures, NOUNS)) == expected


def test_laying_out_on_the_device_and_buckets_count_as_the_plain_way(weights, pictures):
    """What a GPU runs, run here on the CPU, on arrays and on tensors."""
    plain = detector(weights, floor=0.25)
    expected = tally(plain.detect(pictures, NOUNS))
    net = plain._on(torch.device("cpu"))
    path = FastPath(
        [(net, torch.device("cpu"))] * 2,
        plain._decode,
        name="yolo",
        layout=Layout(side=128),
        dtype=torch.float32,
        batch=3,
        floor=0.25,
        bucketed=True,
        on_device=True,
    )
    tensors = [torch.from_numpy(p).permute(2, 0, 1) for p in pictures]
    for form in (pictures, tensors, [t.float() / 255 for t in tensors]):
        assert [Counter(NOUNS[k] for k in seen.classes) for seen in path.run(form)] == expected


@pytest.mark.parametrize("name", ["yolo26n", "yolov10n", "yolo12n", "yolov8n", "rtdetr-l"])
def test_every_closed_architecture_runs_from_processor_to_boxes(name, pictures):
    looking = detector(f"{name}.yaml", floor=1e-5)
    found = looking.detect(pictures[:2], sorted(looking.vocabulary))
    assert [f.size for f in found] == [(120, 96), (128, 128)]
    for f in found:
        assert len(f.nouns) > 0
        assert (f.boxes >= 0).all() and (f.boxes[:, 2] <= f.size[0]).all() and (f.boxes[:, 3] <= f.size[1]).all()


@pytest.mark.parametrize("name", ["yolov8s-worldv2", "yoloe-11s", "yoloe-26s"])
def test_open_architectures_look_for_any_word_that_has_a_vector(name, pictures, tmp_path):
    dice = np.random.default_rng(0)
    vectors = {word: dice.normal(size=512).astype(np.float32) for word in ("pig", "wolf", "red apple")}
    save_arrays({k: v / np.linalg.norm(v) for k, v in vectors.items()}, str(tmp_path / "words.safetensors"))
    looking = detector(f"{name}.yaml", floor=1e-6, embeddings=str(tmp_path / "words.safetensors"))
    assert looking.vocabulary == {"pig", "wolf", "red apple"}
    first = looking.detect(pictures[:2], ["pig", "wolf", "owl"])
    assert first[0].unsupported == {"owl"}
    assert set(first[0].nouns) <= {"pig", "wolf"} and first[0].nouns
    other = looking.detect(pictures[:2], ["red apple"])
    assert set(other[0].nouns) == {"red apple"}
    again = looking.detect(pictures[:2], ["wolf", "pig"])
    assert tally(first) == tally(again)


def test_with_a_text_encoder_any_word_is_known_whatever_was_asked_before(pictures):
    looking = detector("yoloe-11s.yaml", floor=1e-6)
    dice = torch.Generator().manual_seed(0)
    looking._model.model.get_text_pe = lambda words: torch.nn.functional.normalize(
        torch.randn(1, len(words), 512, generator=dice), dim=-1
    )
    assert looking.vocabulary is None
    first = looking.detect(pictures[:1], ["pig"])
    (found,) = looking.detect(pictures[:1], ["owl"])
    assert looking.vocabulary is None
    assert found.unsupported == frozenset() and set(found.nouns) == {"owl"}
    assert tally(looking.detect(pictures[:1], ["pig"])) == tally(first)


def test_a_word_without_a_vector_and_without_an_encoder_is_told(pictures):
    with pytest.raises(BadSettings, match="embeddings="):
        detector("yoloe-11s.yaml").detect(pictures[:1], ["pig"])


def test_a_class_that_is_not_known_is_unsupported(weights, pictures):
    (found,) = detector(weights).detect(pictures[:1], ["owl"])
    assert found.unsupported == {"owl"} and found.nouns == ()


def test_pickled_weights_are_refused_unless_trusted(tmp_path):
    class Boom:
        def __reduce__(self):
            return (exec, ("raise SystemExit('ran')",))

    torch.save({"model": Boom()}, tmp_path / "evil.pt")
    with pytest.raises(BadWeights, match="pickle"):
        detector(tmp_path / "evil.pt")


def test_weights_that_are_not_there_are_told(tmp_path):
    with pytest.raises(BadWeights, match="no weights"):
        detector("yolo-that-never-was.pt", trust_weights=True)
    with pytest.raises(BadWeights, match="cannot be read"):
        detector(tmp_path / "none.safetensors")


def test_weights_of_another_architecture_are_told(weights):
    with pytest.raises(BadWeights, match="does not fit"):
        detector(weights, architecture="yolov8n.yaml")


@pytest.mark.parametrize("source", ["", "net.engine", "sam3.pt"])
def test_a_source_that_is_no_weights_is_told(source):
    with pytest.raises(BadSettings):
        detector(source)


def test_nothing_of_it_is_imported_before_it_is_asked_for():
    code = "import sys, countcheck.counting.counter, countcheck.detectors.common.fast_path; print('ultralytics' in sys.modules, 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == [
        "False",
        "False",
    ]


@pytest.mark.gpu
def test_the_gpu_counts_as_the_cpu(weights, pictures):
    if not torch.cuda.is_available():
        return
    expected = tally(detector(weights, floor=0.25).detect(pictures, NOUNS))
    assert tally(detector(weights, floor=0.25, device="cuda", precision="fp32").detect(pictures, NOUNS)) == expected


def test_it_keeps_the_contract(weights):
    check_detector(detector(weights), nouns=NOUNS)


def test_importing_it_leaves_other_libraries_as_they_were():
    code = (
        "import io, numpy as np\n"
        "from PIL import Image, UnidentifiedImageError\n"
        "from countcheck.detectors.ultralytics import import_offline\n"
        "opened = Image.open\n"
        "import_offline()\n"
        "assert Image.open is opened\n"
        "print(np.array([0.5]))\n"
        "try: Image.open(io.BytesIO(b'<html>'))\n"
        "except UnidentifiedImageError: print('unidentified')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[0.5]\nunidentified\n", done.stderr
