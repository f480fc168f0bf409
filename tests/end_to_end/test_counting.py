"""``countcheck count`` as a user runs it: the shipped counter on scenes, and every family on real classes made small."""

import json
import threading
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torchvision.models import get_model

import countcheck
from countcheck.cli.main import execute
from countcheck.scenes import NOUNS, STYLES, compose, render
from tests.detectors import tiny_models
from tests.detectors.test_onnx import exported, tables
from tests.detectors.test_vlm import Server

SCHEMA = json.loads((Path(countcheck.__file__).parent / "schemas" / "count.json").read_text())


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def photos(tmp_path):
    dice = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, size in (("a.png", (64, 80)), ("b.jpg", (64, 200)), ("c.webp", (90, 64))):
        Image.fromarray(dice.integers(0, 255, (*size, 3)).astype(np.uint8)).save(folder / name)
    return folder


def counted(capsys, *arguments):
    """What the command prints, of the published shape."""
    assert execute(["count", *map(str, arguments), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    jsonschema.validate(rows, SCHEMA)
    for row in rows:
        for noun, number in row["counts"].items():
            assert number >= sum(box["noun"] == noun for box in row["boxes"]) >= 0
    return rows


@pytest.mark.parametrize("style", STYLES)
def test_the_shipped_counter_counts_scenes_rightly_in_every_style(tmp_path, capsys, style):
    truth = {}
    for k in range(50 if style == "plain" else 6):
        counts = {NOUNS[k % 20]: 1 + k % 4, NOUNS[(k + 7) % 20]: k % 3}
        path = tmp_path / f"{k:02}.png"
        Image.fromarray(render(compose(counts, style=style, seed=9000 + k), 128)).save(path)
        truth[str(path)] = {noun: counts.get(noun, 0) for noun in NOUNS}
    of = [part for noun in NOUNS for part in ("--of", noun)]
    rows = counted(capsys, *truth, *of, "-d", "tiny", "--style", style)
    wrong = {row["image"]: row["counts"] for row in rows if row["counts"] != truth[row["image"]]}
    assert wrong == {}


@pytest.mark.parametrize("recipe", [*tiny_models.OPEN, *tiny_models.CLOSED], ids=lambda recipe: str(recipe.__name__))
def test_a_transformers_folder_counts(recipe, tmp_path, photos, capsys):
    folder = tiny_models.saved(recipe, tmp_path / "model")
    spec = f"transformers:{folder}?device=cpu&threshold=0.05"
    rows = counted(capsys, photos, "--of", "pig", "--of", "wolf", "-d", spec)
    assert [sorted(row["counts"]) for row in rows] == [["pig", "wolf"]] * 3
    assert [row["unsupported"] for row in rows] == [[]] * 3


def test_a_torchvision_net_with_weights_of_ones_own_counts(tmp_path, photos, capsys):
    torch.manual_seed(0)
    net = get_model("ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=3)
    save_file(net.state_dict(), str(tmp_path / "own.safetensors"))
    (tmp_path / "names.txt").write_text("pig\nwolf\n")
    own = f"weights={tmp_path / 'own.safetensors'}&names={tmp_path / 'names.txt'}&device=cpu&threshold=0.1"
    rows = counted(
        capsys, photos, "--of", "pig", "--of", "owl", "-d", f"torchvision:ssdlite320_mobilenet_v3_large?{own}"
    )
    assert [row["unsupported"] for row in rows] == [["owl"]] * 3
    assert sum(row["counts"]["pig"] for row in rows) > 0


@pytest.mark.parametrize("layout", ["yolo", "yolov5", "suppressed", "detr", "boxes"])
def test_an_onnx_file_counts(layout, tmp_path, photos, capsys):
    spec = f"onnx:{exported(tmp_path / 'net.onnx', tables()[layout])}?device=cpu&threads=1"
    rows = counted(capsys, photos, "--of", "pig", "--of", "wolf", "-d", spec)
    assert [row["counts"] for row in rows] == [{"pig": 2, "wolf": 1}] * 3


@pytest.mark.parametrize("name", ["yolo11n", "yolo26n"])
def test_an_ultralytics_net_counts(name, tmp_path, photos, capsys):
    (tmp_path / "names.txt").write_text("\n".join(["pig", *(f"thing {k}" for k in range(79))]))
    spec = f"ultralytics:{name}.yaml?imgsz=128&device=cpu&names={tmp_path / 'names.txt'}"
    rows = counted(capsys, photos, "--of", "pig", "--of", "wolf", "-d", spec)
    assert [(sorted(row["counts"]), row["unsupported"]) for row in rows] == [(["pig"], ["wolf"])] * 3


@pytest.mark.parametrize("name", ["yolov8s-worldv2", "yoloe-11s"])
def test_an_ultralytics_net_asked_in_words_counts(name, tmp_path, photos, capsys):
    dice = np.random.default_rng(0)
    words = {word: dice.normal(size=512).astype(np.float32) for word in ("pig", "wolf")}
    save_arrays({k: v / np.linalg.norm(v) for k, v in words.items()}, str(tmp_path / "words.safetensors"))
    spec = f"ultralytics:{name}.yaml?imgsz=128&device=cpu&embeddings={tmp_path / 'words.safetensors'}"
    rows = counted(capsys, photos, "--of", "pig", "--of", "owl", "-d", spec)
    assert [(sorted(row["counts"]), row["unsupported"]) for row in rows] == [(["pig"], ["owl"])] * 3


def test_a_vision_language_model_counts(photos, capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-sent")
    server = Server([(200, '{"pig": 3}')] * 3)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        rows = counted(capsys, photos, "--of", "pig", "-d", f"vlm:seer?base_url={url}&concurrency=1")
    finally:
        server.shutdown()
        server.server_close()
    assert [row["counts"] for row in rows] == [{"pig": 3}] * 3
