"""A run does not go on with other files under the same name."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import orjson
import pytest
import squares
import tiny_pipelines
import torch
from safetensors.torch import load_file, save_file

from countcheck.cards import Card, read_generator_card
from countcheck.engine.config import RunConfig
from countcheck.engine.content import generator_content
from countcheck.engine.provenance import open_or_create
from countcheck.engine.run import load_generator, plan_generator
from countcheck.errors import RunMismatch
from countcheck.resources import content_digest
from countcheck.storage.run_folder import RunFolder

PLUGIN = """
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.suites.samples import Recipe
import numpy as np

class Mine:
    traits = Traits(seeded=True)
    def __init__(self, card):
        self.name = card.name
        self.recipe = Recipe(name=card.name)
    def generate(self, samples):
        for sample in samples:
            yield Picture(key=sample.key, pixels=np.full((8, 8, 3), 9, np.uint8))
"""


def begin(path, card, *, texts=("3 squares",)):
    config = RunConfig(suite=squares.suite(*texts), generators=[card], path=path)
    open_or_create(config, [plan_generator(config, card, load_generator(card))], squares.counter()).close()


def refused(path, card):
    with pytest.raises(RunMismatch, match=r"another content of") as caught:
        begin(path, card)
    digests = re.findall(r"sha256:[0-9a-f]{16}", str(caught.value))
    assert len(set(digests)) == 2
    return str(caught.value)


def change_one_tensor(folder: Path) -> None:
    weights = next(folder.rglob("unet/*.safetensors"))
    tensors = load_file(weights)
    name = sorted(tensors)[0]
    tensors[name] = tensors[name] + torch.finfo(torch.float32).eps * 8
    save_file(tensors, weights, metadata={"format": "pt"})


def test_one_changed_tensor_of_a_local_pipeline_is_refused_with_both_digests(tmp_path):
    """The gate used to pass a model it never saw: the old pictures were scored under the folder's name."""
    model = tiny_pipelines.stable_diffusion(tmp_path / "candidate")
    card = read_generator_card(f"diffusers:{model}?steps=1&size=32")
    begin(tmp_path / "run", card)
    (model / "README.md").write_text("Words are not weights.")
    begin(tmp_path / "run", card)
    change_one_tensor(model)
    assert str(model) in refused(tmp_path / "run", card)
    begin(tmp_path / "other", card)


def test_deleted_weights_of_a_local_pipeline_are_refused(tmp_path):
    model = tiny_pipelines.stable_diffusion(tmp_path / "candidate")
    card = read_generator_card(f"diffusers:{model}?steps=1")
    begin(tmp_path / "run", card)
    next(model.rglob("unet/*.safetensors")).unlink()
    refused(tmp_path / "run", card)


def test_a_changed_lora_is_refused(tmp_path):
    model = tiny_pipelines.stable_diffusion(tmp_path / "sd")
    lora = tmp_path / "style.safetensors"
    save_file({"a": torch.zeros(2)}, lora)
    card = read_generator_card(f"diffusers:{model}?lora={lora}")
    begin(tmp_path / "run", card)
    save_file({"a": torch.ones(2)}, lora)
    assert "style.safetensors" in refused(tmp_path / "run", card)


def test_pictures_of_the_same_size_in_bytes_are_told_apart(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "p0_0.bmp").write_bytes(b"BM" + bytes(60))
    card = Card(name="f", family="folder", source=str(folder))
    begin(tmp_path / "run", card)
    (folder / "p0_0.bmp").write_bytes(b"BM" + bytes(59) + b"1")
    refused(tmp_path / "run", card)


def test_a_changed_graph_of_comfyui_is_refused(tmp_path):
    graph = tmp_path / "graph.json"
    node = {"class_type": "KSampler", "inputs": {"seed": "%seed%", "text": "%prompt%", "cfg": 7}}
    graph.write_text(json.dumps({"1": node, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}}))
    card = Card(name="c", family="comfyui", source=str(graph))
    begin(tmp_path / "run", card)
    graph.write_text(graph.read_text().replace("7", "8"))
    with pytest.raises(RunMismatch):
        begin(tmp_path / "run", card)


def test_a_changed_plug_in_file_is_refused(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    card = read_generator_card(f"{file}:Mine")
    begin(tmp_path / "run", card)
    file.write_text(PLUGIN.replace("9", "8"))
    assert "mine.py" in refused(tmp_path / "run", card)


def test_the_weights_of_a_plug_in_are_found_by_its_source_and_settings(tmp_path):
    file, weights, extra = tmp_path / "mine.py", tmp_path / "weights", tmp_path / "extra.bin"
    file.write_text(PLUGIN)
    weights.mkdir()
    (weights / "a.bin").write_bytes(b"a")
    extra.write_bytes(b"b")
    settings = {"adapter": str(extra), "word": "weights", "number": 3, "odd": "a\0b/c"}
    card = Card(name="m", family=f"{file}:Mine", source=str(weights), settings=settings)
    content = generator_content(card, load_generator(card))
    assert set(content) == {str(file), str(weights), str(extra)}
    assert content[str(extra)] == content_digest(extra)


def test_what_reads_no_file_has_no_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenes").mkdir()
    card = read_generator_card("scenes")
    assert generator_content(card, load_generator(card)) == {}


def test_a_run_made_before_digests_were_recorded_goes_on_and_records_them(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "p0_0.png").write_bytes(b"one")
    card = Card(name="f", family="folder", source=str(folder))
    begin(tmp_path / "run", card)
    with RunFolder.open(tmp_path / "run") as run:
        body = run.info.generators["f"].to_json()
        del body["recipe"]["content"]
        run._record({"generators": {"f": orjson.loads(orjson.dumps(body))}})
    begin(tmp_path / "run", card)
    with RunFolder.open(tmp_path / "run") as run:
        assert set(run.info.generators["f"].content) == {str(folder)}
    os.utime(folder / "p0_0.png", (1, 1))
    begin(tmp_path / "run", card)
    (folder / "p0_0.png").write_bytes(b"two")
    refused(tmp_path / "run", card)
