from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from loopback_hub import loopback_hub

from countcheck.cards import read_generator_card
from countcheck.cli.main import execute
from countcheck.engine.fetch import counter_cards_of, pipeline_files, plan_downloads
from countcheck.resources import shipped

SDXL = (
    "README.md", "sd_xl_base_1.0.safetensors", "model_index.json", "scheduler/scheduler_config.json",
    "text_encoder/config.json", "text_encoder/model.safetensors", "text_encoder/model.fp16.safetensors",
    "text_encoder/model.onnx", "text_encoder/flax_model.msgpack", "tokenizer/merges.txt", "tokenizer/vocab.json",
    "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.bin", "unet/openvino_model.bin", "vae_1_0/diffusion_pytorch_model.safetensors",
)  # fmt: skip
FLUX = (
    "flux1-dev.safetensors", "ae.safetensors", "model_index.json", "transformer/config.json",
    "transformer/diffusion_pytorch_model.safetensors.index.json",
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
    "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
)  # fmt: skip


@pytest.mark.parametrize(
    ("names", "components", "variant", "weights"),
    [
        (SDXL, ["scheduler", "text_encoder", "tokenizer", "unet"], "fp16",
         {"text_encoder/model.fp16.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors"}),
        (SDXL, ["scheduler", "text_encoder", "tokenizer", "unet"], None,
         {"text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors"}),
        (SDXL, ["unet"], "bf16", {"unet/diffusion_pytorch_model.safetensors"}),
        (FLUX, ["transformer"], None, {FLUX[5], FLUX[6]}),
    ],
)  # fmt: skip
def test_a_pipeline_is_its_components_in_one_variant(names, components, variant, weights):
    chosen = pipeline_files(names, components, variant)
    assert {name for name in chosen if name.endswith((".safetensors", ".bin", ".onnx", ".msgpack"))} == weights
    assert "model_index.json" in chosen and "README.md" not in chosen
    if "tokenizer" in components:
        assert {"tokenizer/merges.txt", "tokenizer/vocab.json", "scheduler/scheduler_config.json"} <= chosen


def test_what_ships_or_is_asked_over_a_network_needs_no_download():
    cards = [read_generator_card(spec) for spec in ("tiny", "scenes", "gpt-image-2")]
    assert all(not download.source and download.note for download in plan_downloads(cards))


def test_a_second_counter_is_fetched_too():
    assert [card.name for card in counter_cards_of("tiny?second_counter=owlv2")][1] == "owlv2"


def test_nothing_named_is_said(capsys):
    assert execute(["fetch"]) == 2
    assert "-g GENERATOR" in capsys.readouterr().err


def countcheck(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "countcheck", *arguments],
        env={**os.environ, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_what_was_fetched_runs_without_a_network(tmp_path: Path):
    shutil.copytree(shipped("models") / "tiny-painter", tmp_path / "painter")
    (tmp_path / "painter" / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"a pickle")
    (tmp_path / "detector").mkdir()
    for name in ("config.json", "model.safetensors", "pytorch_model.bin"):
        (tmp_path / "detector" / name).write_bytes(b"{}" * 500)
    generator, home = "diffusers:org/painter?steps=2&width=96&height=96", str(tmp_path / "home")
    counter = "transformers:org/detector"
    with loopback_hub({"org/painter": tmp_path / "painter", "org/detector": tmp_path / "detector"}) as hub:
        known = {"HF_ENDPOINT": hub.url, "HF_HOME": home}
        planned = countcheck("fetch", "-g", generator, "-d", counter, "--dry-run", "--json", **known)
        assert planned.returncode == 0, planned.stderr
        painter, detector = json.loads(planned.stdout)
        assert painter["missing_bytes"] > 10_000_000
        assert (detector["files"], detector["bytes"]) == (2, 2000)
        assert hub.given() <= {"model_index.json"}
        fetched = countcheck("fetch", "-g", generator, "-d", counter, **known)
        assert fetched.returncode == 0, fetched.stderr
        assert "to download" in fetched.stderr and fetched.stderr.count("fetched") == 2
        assert {name for name in hub.given() if name.endswith(".bin")} == set()
        again = countcheck("fetch", "-g", generator, **known)
        assert "all here already" in again.stderr, again.stderr
    made = countcheck(
        "run", "demo", "-g", generator, "-d", "tiny", "--limit", "2", "-o", str(tmp_path / "run"), "--json",
        HF_HUB_OFFLINE="1", HF_HOME=home,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (model,) = json.loads(made.stdout)["generators"].values()
    assert model["counts"]["pictures"] == 2


def test_a_model_that_the_hub_does_not_know_is_named(tmp_path: Path):
    with loopback_hub({}) as hub:
        answer = countcheck("fetch", "-d", "transformers:org/none", HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path))
    assert answer.returncode == 2
    assert "org/none" in answer.stderr and "Traceback" not in answer.stderr


def test_all_that_a_pipeline_is_put_together_from_is_planned(tmp_path: Path):
    files = {
        "base/model_index.json": b'{"unet": ["diffusers", "UNet2DConditionModel"]}',
        "base/unet/config.json": b"{}",
    }
    files |= {"gguf/unet-Q8_0.gguf": b"1" * 100, "gguf/unet-Q4_0.gguf": b"1" * 50, "lora/pigs.safetensors": b"1" * 10}
    files |= {"parts/vae/config.json": b"{}", "parts/unet/config.json": b"{}"}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    spec = (
        "diffusers:org/gguf/unet-Q8_0.gguf?class=StableDiffusionPipeline&base=org/base"
        "&lora=org/lora/pigs.safetensors:0.5&load.vae=org/parts/vae"
    )
    with loopback_hub({f"org/{name}": tmp_path / name for name in ("base", "gguf", "lora", "parts")}) as hub:
        answer = countcheck(
            "fetch", "-g", spec, "--dry-run", "--json", HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "home")
        )
    assert answer.returncode == 0, answer.stderr
    planned = {row["source"]: (row["files"], row["bytes"]) for row in json.loads(answer.stdout)}
    assert planned == {"org/base": (2, 49), "org/gguf": (1, 100), "org/lora": (1, 10), "org/parts": (1, 2)}
