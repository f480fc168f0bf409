"""Sources of local models: folders, files and the hub; what is recorded of them is what is loaded."""

from __future__ import annotations

from types import SimpleNamespace

import diffusers
import huggingface_hub
import pytest
import tiny_autoregressive
import tiny_pipelines

from countcheck.cards import Card
from countcheck.errors import BadInput, BadSettings, BadWeights
from countcheck.generators.diffusers import DiffusersGenerator
from countcheck.generators.model_sources import find_source, hub_commit, local_file, revision_of
from countcheck.generators.transformers import TransformersGenerator

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(monkeypatch):
    """A hub that knows a commit of every repository; the ids that it was asked for."""
    asked = []

    def info(self, repository, **options):
        asked.append((repository, options.get("revision")))
        return SimpleNamespace(sha=SHA)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", info)
    return asked


def test_the_commit_of_everything_from_the_hub_is_recorded_though_none_was_asked_for(hub):
    settings = {
        "class": "FluxPipeline",
        "base": "org/base",
        "lora": "org/lora/pigs.safetensors:0.5,org/wolf",
        "load.vae": "org/parts/vae",
        "device": "cpu",
    }
    source = "org/gguf/flux-Q8_0.gguf"
    recipe = DiffusersGenerator(Card(name="it", family="diffusers", source=source, settings=settings)).recipe
    places = ("org/gguf/flux-Q8_0.gguf", "org/base", "org/lora/pigs.safetensors", "org/wolf", "org/parts/vae")
    assert recipe.content == dict.fromkeys(places, f"commit:{SHA}")
    assert {repository for repository, _ in hub} == {"org/gguf", "org/base", "org/lora", "org/wolf", "org/parts"}
    recipe = TransformersGenerator(Card(name="it", family="transformers", source="org/janus")).recipe
    assert recipe.content == {"org/janus": f"commit:{SHA}"}


def test_the_recorded_commit_is_what_is_loaded(hub, monkeypatch, tmp_path):
    model = tiny_pipelines.stable_diffusion(tmp_path / "sd")
    pipe = diffusers.DiffusionPipeline.from_pretrained(model)
    loaded = []

    def from_pretrained(source, **options):
        loaded.append((source, options["revision"]))
        return pipe

    monkeypatch.setattr(diffusers.AutoPipelineForText2Image, "from_pretrained", from_pretrained)
    card = Card(name="it", family="diffusers", source="org/model", settings={"device": "cpu"})
    DiffusersGenerator(card)._loaded()
    assert loaded == [("org/model", SHA)]

    import transformers

    janus = tiny_autoregressive.janus(tmp_path / "janus")
    for name in ("AutoConfig", "JanusProcessor", "JanusForConditionalGeneration"):
        kind = getattr(transformers, name)
        real = kind.from_pretrained

        def here(source, real=real, **options):
            loaded.append((source, options.pop("revision", None)))
            return real(janus, **options)

        monkeypatch.setattr(kind, "from_pretrained", here)
    card = Card(name="it", family="transformers", source="org/janus", settings={"device": "cpu"})
    TransformersGenerator(card)._loaded()
    assert [entry for entry in loaded if entry[0] == "org/janus"] == [("org/janus", SHA)] * 3


def test_a_commit_that_was_asked_for_stands_without_the_hub(monkeypatch):
    def unreachable(self, repository, **options):
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    assert hub_commit("org/model", SHA) == SHA
    assert hub_commit("org/model/file.gguf", "") == ""
    assert hub_commit("./folder", "") == ""
    assert revision_of("org/model", {}, "sha256:0123") is None


def test_sources_that_cannot_be_say_what_to_do(tmp_path):
    with pytest.raises(BadWeights, match="may run code"):
        find_source("org/model/model.ckpt", index="model_index.json", what="diffusers")
    with pytest.raises(BadInput, match=r"there is no config\.json in it"):
        find_source(str(tmp_path), index="config.json", what="transformers")
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"")
    assert find_source(str(file), index="config.json", what="diffusers") == str(file)
    assert local_file(str(file), None, "it") == str(file)
    assert find_source("org/model/a.gguf", index="config.json", what="diffusers") == "org/model/a.gguf"


def test_a_card_that_names_its_class_is_checked_before_the_hub_is_asked(hub):
    card = Card(
        name="it",
        family="diffusers",
        source="org/model",
        pipeline="Flux2Pipeline",
        settings={"call.caption_upsample_temperatur": 0.1},
    )
    with pytest.raises(BadSettings, match="Did you mean 'caption_upsample_temperature'"):
        DiffusersGenerator(card)
    assert hub == []
