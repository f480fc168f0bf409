"""Loading diffusers pipelines: settings, sources, weights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import diffusers
import pytest
import tiny_pipelines

from countcheck.cards import Card
from countcheck.errors import BadInput, BadSettings, BadWeights, GeneratorClosed
from countcheck.generators.diffusers import DiffusersGenerator
from countcheck.generators.diffusers_loading import weights_digest
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))


def generator(model, **settings):
    return DiffusersGenerator(
        Card(name="it", family="diffusers", source=str(model), settings={"steps": 2, "size": 32, **settings})
    )


def samples(*texts):
    return [
        Sample(key=f"{i:032x}", generator="it", asked=Prompt(id=f"p{i}", text=text), repeat=0, seed=100 + i)
        for i, text in enumerate(texts)
    ]


def test_altered_weights_are_refused_with_their_hash(model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    card = Card(name="it", family="diffusers", source=str(copy), revision=f"sha256:{weights_digest(copy)}")
    DiffusersGenerator(card)
    weights = next(copy.rglob("unet/*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(BadWeights, match=r"have the hash [0-9a-f]{16}, the card says"):
        DiffusersGenerator(card)


def test_truncated_weights_are_refused(model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    weights = next(copy.rglob("unet/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadWeights, match="cannot be loaded"):
        list(generator(copy).generate(samples("one")))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stps": 4}, "Did you mean 'steps'"),
        ({"steps": 0}, "whole number"),
        ({"dtype": "fp8"}, "Choose from auto, fp32"),
        ({"offload": "disk"}, "Choose from none"),
        ({"compile": 3}, "true or false"),
    ],
)
def test_settings_that_make_no_sense_are_refused(model, settings, said):
    with pytest.raises(BadSettings, match=said):
        generator(model, **settings)


def test_an_unknown_scheduler_is_refused(model):
    with pytest.raises(BadSettings, match="no scheduler 'Eulre'"):
        list(generator(model, scheduler="Eulre").generate(samples("one")))
    assert len(list(generator(model, scheduler="DDIMScheduler").generate(samples("one")))) == 1


def test_folders_and_ids_that_are_none_say_so(tmp_path):
    with pytest.raises(BadInput, match=r"no model_index\.json"):
        generator(tmp_path)
    for name in ("./nowhere", "./" + "x" * 300, "a\0b"):
        with pytest.raises(BadInput, match="no hub id"):
            generator(name)


def test_a_hub_out_of_reach_is_one_sentence():
    with pytest.raises(GeneratorClosed, match="name a local folder instead"):
        list(generator("organisation/model").generate(samples("one")))


def test_importing_the_adapter_leaves_other_libraries_logging_alone():
    code = """
import logging
import diffusers, transformers
logs = (diffusers.utils.logging, transformers.utils.logging)
before = [(log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs]
import countcheck.generators.diffusers
assert [(log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs] == before, "changed"
"""
    quiet = {name: value for name, value in os.environ.items() if not name.endswith("_VERBOSITY")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=quiet)
    assert done.returncode == 0, done.stderr


def test_loading_shows_no_bar_of_its_own_and_leaves_the_librarys_bars_on(model, capfd):
    log = diffusers.utils.logging
    log.enable_progress_bar()
    list(generator(model).generate(samples("one")))
    assert "Loading" not in capfd.readouterr().err
    assert log.is_progress_bar_enabled()


def renamed(model, folder, change):
    shutil.copytree(model, folder)
    for weights in folder.rglob("*.safetensors"):
        weights.rename(weights.with_name(change(weights.name)))
    return folder


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (
            lambda name: name.replace(".safetensors", ".fp16.safetensors"),
            BadSettings,
            "saved as fp16. Add variant=fp16",
        ),
        (lambda name: name.replace(".safetensors", ".bin"), BadWeights, "only .bin weights, which may run code"),
        (lambda name: name.replace(".safetensors", ".gone"), BadWeights, "cannot be loaded"),
    ],
)
def test_a_folder_without_plain_weights_says_what_to_do(model, tmp_path, change, error, says):
    with pytest.raises(error, match=says):
        list(generator(renamed(model, tmp_path / "copy", change)).generate(samples("one")))


def test_a_pipeline_class_that_diffusers_does_not_have_is_named(model, tmp_path):
    folder = tiny_pipelines.as_class(model, tmp_path / "own", "MyVeryOwnPipeline")
    with pytest.raises(BadInput, match="'MyVeryOwnPipeline', which diffusers"):
        list(generator(folder).generate(samples("one")))
