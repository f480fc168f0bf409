from collections import Counter
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from countcheck.cards import Card
from countcheck.detectors.onnx import OnnxDetector, _providers
from countcheck.errors import BadSettings, BadWeights
from countcheck.testing import check_detector
from tests.detectors.elsewhere import elsewhere

NAMES = {0: "pig", 1: "wolf"}
SIDE = 64
# Two pigs, one twice, and a wolf: x1, y1, x2, y2, score, class, in the square's pixels.
ROWS = [(4, 4, 14, 14, 0.9, 0), (5, 4, 15, 14, 0.8, 0), (30, 30, 44, 44, 0.7, 0), (4, 30, 20, 44, 0.6, 1)]


def constant(array):
    return numpy_helper.from_array(np.ascontiguousarray(array), "table")


def exported(path, outputs, *, batch=None, metadata=True, dtype=TensorProto.FLOAT):
    """A file that gives the same tables for every picture of a batch, scaled by how bright its middle is.

    Each output is (name, array, scaled); the arrays lack the batch dimension.
    """
    nodes, values, results = [], [], []
    given = helper.make_tensor_value_info("images", dtype, [batch or "n", 3, SIDE, SIDE])
    nodes.append(helper.make_node("Cast", ["images"], ["cast"], to=TensorProto.FLOAT))
    values.append(numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"))
    nodes.append(helper.make_node("ReduceMax", ["cast", "axes"], ["peak"], keepdims=0))
    for name, array, scaled in outputs:
        shape = [1] * array.ndim
        values.append(numpy_helper.from_array(array[None], f"{name}_table"))
        values.append(numpy_helper.from_array(np.array([-1, *shape], np.int64), f"{name}_shape"))
        nodes.append(helper.make_node("Reshape", ["peak", f"{name}_shape"], [f"{name}_peak"]))
        source = f"{name}_peak"
        if not scaled:  # one for every picture
            nodes.append(helper.make_node("Sub", [source, source], [f"{name}_zero"]))
            values.append(numpy_helper.from_array(np.ones([1, *shape], np.float32), f"{name}_ones"))
            nodes.append(helper.make_node("Add", [f"{name}_zero", f"{name}_ones"], [f"{name}_one"]))
            source = f"{name}_one"
        if array.dtype == np.float32:
            nodes.append(helper.make_node("Mul", [f"{name}_table", source], [name]))
        else:
            nodes.append(helper.make_node("Cast", [source], [f"{name}_int"], to=TensorProto.INT64))
            nodes.append(helper.make_node("Mul", [f"{name}_table", f"{name}_int"], [name]))
        kind = TensorProto.FLOAT if array.dtype == np.float32 else TensorProto.INT64
        results.append(helper.make_tensor_value_info(name, kind, [batch or "n", *array.shape]))
    graph = helper.make_graph(nodes, "net", [given], results, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if metadata:
        helper.set_model_props(model, {"names": str(NAMES)})
    onnx.save(model, path)
    return path


def tables():
    rows = np.array(ROWS, np.float32)
    wide = rows[:, 2:4] - rows[:, :2]
    centred = np.concatenate([rows[:, :2] + wide / 2, wide], axis=1)
    scores = np.zeros((len(rows), 2), np.float32)
    scores[np.arange(len(rows)), rows[:, 5].astype(int)] = rows[:, 4]
    many = np.zeros((40, 6), np.float32)  # more anchors than rows of a table, as in a real export
    many[: len(rows)] = np.concatenate([centred, scores], axis=1)
    logits = np.log(np.clip(scores, 1e-6, 1) / (1 - np.clip(scores, 1e-6, 1 - 1e-6)))
    return {
        "yolo": [("output0", many.T.copy(), False)],
        "yolov5": [("output0", np.insert(many, 4, (many[:, 4:] > 0).any(1), axis=1), False)],
        "suppressed": [("output0", rows, False)],
        "detr": [("logits", logits, False), ("pred_boxes", centred / SIDE, False)],
        "boxes": [("labels", rows[:, 5].astype(np.int64), False), ("boxes", rows[:, :4].copy(), False), ("scores", rows[:, 4].copy(), False)],
    }  # fmt: skip


PICTURES = [
    np.full((64, 64, 3), 255, np.uint8),
    np.full((128, 128, 3), 255, np.uint8),
    np.full((64, 32, 3), 255, np.uint8),
]


def detector(path, **settings):
    return OnnxDetector(
        Card(name="counter", family="onnx", source=str(path), settings={"device": "cpu", "threads": 1, **settings})
    )


@pytest.mark.parametrize("layout", ["yolo", "yolov5", "suppressed", "detr", "boxes"])
@pytest.mark.parametrize("batch", [None, 1, 2])
def test_every_layout_is_told_by_its_shape_and_read(layout, batch, tmp_path):
    looking = detector(exported(tmp_path / "net.onnx", tables()[layout], batch=batch))
    assert looking.vocabulary == {"pig", "wolf"}
    found = looking.detect(PICTURES, ["pig", "wolf"])
    for one in found[:2]:
        assert Counter(one.nouns) == {"pig": 2, "wolf": 1}
        assert one.scores.tolist() == pytest.approx([0.9, 0.7, 0.6], abs=1e-5)
    assert found[0].boxes[0].tolist() == pytest.approx([4, 4, 14, 14], abs=1e-3)
    assert found[1].boxes[0].tolist() == pytest.approx([8, 8, 28, 28], abs=1e-3)


@pytest.mark.parametrize("settings", [{}, {"bgr": True, "bytes": True}])
@pytest.mark.parametrize("batch", [None, 2])
def test_tensors_on_its_device_are_read_where_they_are(batch, settings, tmp_path):
    """What a GPU runs, run here on the CPU."""
    looking = detector(exported(tmp_path / "net.onnx", tables()["boxes"], batch=batch), **settings)
    expected = looking.detect(PICTURES, ["pig", "wolf"])
    looking._path.device_paths[0].on_device = True
    found = looking.detect([elsewhere(picture) for picture in PICTURES], ["pig", "wolf"])
    for one, other in zip(expected, found, strict=True):
        assert (one.size, one.nouns) == (other.size, other.nouns)
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)
    assert [one.size for one in looking.detect([elsewhere(PICTURES[2])], ["owl"])] == [(32, 64)]


def test_a_noun_outside_the_file_is_unsupported(tmp_path):
    looking = detector(exported(tmp_path / "net.onnx", tables()["yolo"]))
    assert looking.detect(PICTURES[:1], ["owl"])[0].unsupported == {"owl"}


def test_half_precision_files_are_fed_halves(tmp_path):
    looking = detector(exported(tmp_path / "net.onnx", tables()["yolo"], dtype=TensorProto.FLOAT16))
    assert len(looking.detect(PICTURES[:1], ["wolf"])[0].nouns) == 1


@pytest.mark.parametrize(
    ("settings", "peak"),
    [({}, 1.0), ({"bytes": True}, 255.0), ({"mean": "0.5,0.5,0.5", "deviation": "0.5,0.5,0.5"}, 1.0)],
)
def test_pixels_are_scaled_as_the_file_wants_them(tmp_path, settings, peak):
    table = np.zeros((40, 6), np.float32).T.copy()
    table[:, 0] = [10, 10, 5, 5, 0.001, 0]
    path = exported(tmp_path / "net.onnx", [("output0", table, True)])
    looking = detector(path, floor=0.0005, **settings)
    (found,) = looking.detect(PICTURES[:1], ["pig"])
    assert found.scores[0] == pytest.approx(0.001 * peak, rel=1e-3)


def test_names_may_come_from_a_file(tmp_path):
    (tmp_path / "names.txt").write_text("hog\nfox\n")
    path = exported(tmp_path / "net.onnx", tables()["yolo"], metadata=False)
    assert detector(path, names=str(tmp_path / "names.txt")).vocabulary == {"hog", "fox"}
    with pytest.raises(BadSettings, match="names=FILE"):
        detector(path)


@pytest.mark.parametrize("body", [b"", b"not a graph", b"\x80\x04K\x01."])
def test_a_file_that_is_no_graph_is_told(tmp_path, body):
    (tmp_path / "net.onnx").write_bytes(body)
    with pytest.raises(BadWeights, match="not an ONNX file"):
        detector(tmp_path / "net.onnx")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BadWeights, match="no file"):
        detector(tmp_path / "none.onnx")


def test_a_device_that_this_build_lacks_is_told(tmp_path):
    path = exported(tmp_path / "net.onnx", tables()["yolo"])
    for device in ("tensorrt", "toaster", "cpu:one"):
        with pytest.raises(BadSettings, match="device is"):
            detector(path, device=device)


@pytest.mark.parametrize(
    ("device", "first"),
    [
        ("auto", "CUDAExecutionProvider"),
        ("cuda:1", "CUDAExecutionProvider"),
        ("tensorrt:1", "TensorrtExecutionProvider"),
    ],
)
def test_the_number_of_a_device_is_its_providers(device, first):
    build = SimpleNamespace(get_available_providers=lambda: ["TensorrtExecutionProvider", "CUDAExecutionProvider"])
    chosen = _providers(Card(name="counter", family="onnx", source="net.onnx"), {"device": device}, build)
    assert chosen[0][0] == first and chosen[-1] == ("CPUExecutionProvider", {})
    assert {options["device_id"] for _, options in chosen[:-1]} == {int(device[-1] == "1")}


def test_a_shape_that_tells_nothing_is_asked_about(tmp_path):
    path = exported(tmp_path / "net.onnx", [("heat", np.zeros((2, 8, 8), np.float32), False)])
    with pytest.raises(BadSettings, match="layout"):
        detector(path)


def test_it_keeps_the_contract(tmp_path):
    check_detector(detector(exported(tmp_path / "net.onnx", tables()["yolo"])), nouns=["pig", "wolf"])
