"""Any argument of a pipeline, in the call and in the loading; parts from elsewhere, single files, GGUF; fewer bits."""

from __future__ import annotations

import importlib.util
import shutil

import diffusers
import pytest
import single_files
import tiny_pipelines
import torch

from countcheck.cards import Card, read_generator_card
from countcheck.errors import BadInput, BadSettings, BadWeights
from countcheck.generators.diffusers import DiffusersGenerator
from countcheck.generators.outcome import Picture
from countcheck.generators.pipeline_arguments import call_arguments, check_call, load_names, plain_setting
from countcheck.suites.samples import Sample, key_of
from countcheck.suites.suite import Prompt


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))


def generator(source, **settings):
    return DiffusersGenerator(
        Card(
            name="it",
            family="diffusers",
            source=str(source),
            settings={"steps": 2, "size": 32, "device": "cpu", **settings},
        )
    )


def samples(*texts):
    return [
        Sample(key=f"{i:032x}", generator="it", asked=Prompt(id=f"p{i}", text=text), repeat=0, seed=100 + i)
        for i, text in enumerate(texts)
    ]


def pixels(it, *texts):
    outcomes = list(it.generate(samples(*(texts or ("three pigs",)))))
    assert all(isinstance(o, Picture) for o in outcomes), outcomes
    return torch.stack([o.pixels for o in outcomes])


def key(it):
    return key_of(it.recipe, Prompt(id="p", text="three pigs"), 0)


@pytest.mark.parametrize(
    ("query", "setting"),
    [
        ("guidance=6&call.guidance_rescale=0.7", {"call.guidance_rescale": 0.7}),
        ("guidance=6&load.enable_pag=true&call.pag_scale=4", {"load.enable_pag": True, "call.pag_scale": 4}),
        ("guidance=6&quantize=int8", {"quantize": "int8"}),
        ("guidance=6&quantize=fp8", {"quantize": "fp8"}),
    ],
)
def test_an_argument_in_a_spec_changes_the_key_and_the_picture(model, query, setting):
    plain, other = (
        DiffusersGenerator(read_generator_card(f"diffusers:{model}?steps=2&size=32&device=cpu&{each}"))
        for each in ("guidance=6", query)
    )
    assert key(plain) != key(other)
    assert setting.items() <= other.recipe.settings.items()
    assert not torch.equal(pixels(plain), pixels(other))


def test_the_key_changes_without_the_name_changing(model):
    keys = [
        key(generator(model, **settings))
        for settings in (
            {},
            {"call.eta": 0.5},
            {"load.safety_checker": None},
            {"quantize": "int8"},
            {"device_map": "balanced"},
            {"class": "StableDiffusionPipeline"},
        )
    ]
    assert len(set(keys)) == len(keys)


def test_quantised_layers_are_those_of_the_denoiser_and_the_text_encoder(model):
    for kind, tensor in (("int8", "Int8Tensor"), ("fp8", "Float8Tensor")):
        it = generator(model, quantize=kind)
        pipe = it._loaded()
        for part, quantised in ((pipe.unet, True), (pipe.text_encoder, True), (pipe.vae, False)):
            layers = [layer for layer in part.modules() if isinstance(layer, torch.nn.Linear)]
            assert (tensor in {type(layer.weight).__name__ for layer in layers}) is quantised


def test_a_quantisation_whose_package_or_device_is_missing_says_so(model, monkeypatch):
    with pytest.raises(BadSettings, match="Choose from nf4, int8, fp8"):
        generator(model, quantize="int2")
    present = {"bitsandbytes", "torchao"}
    monkeypatch.setattr("countcheck.generators.quantization.find_spec", lambda name: name in present or None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadSettings, match=r"needs a CUDA device, and there is none\. Choose from int8, fp8"):
        generator(model, quantize="nf4")
    present.clear()
    with pytest.raises(BadSettings, match=r"needs the package torchao.*countcheck\[quantize\]"):
        generator(model, quantize="int8")
    with pytest.raises(BadSettings, match="needs the package bitsandbytes"):
        generator(model, quantize="nf4")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"call.guidance_rescal": 0.7}, "takes no call.guidance_rescal. Did you mean 'guidance_rescale'"),
        ({"call.caption_upsample_temperature": 1}, "StableDiffusionPipeline takes no"),
        ({"call.num_inference_steps": 5}, "Write steps=... instead"),
        ({"call.generator": 5}, "The seed of each sample is given"),
        ({"call.latents": "x"}, "call.latents of StableDiffusionPipeline is torch.Tensor"),
        ({"call.ip_adapter_image": "pig.png"}, "IP-adapters are not supported"),
        ({"call.callback_on_step_end": "print"}, "which no setting can be"),
        ({"load.unett": "x"}, "takes no load.unett. Did you mean 'unet'"),
        ({"load.custom_pipeline": "x"}, "Code that comes with a model is not run"),
        ({"load.use_safetensors": False}, "Only safetensors are loaded"),
        ({"load.token": "x"}, "so that no key stands in a run"),
        ({"load.dtype": "fp16"}, "Write dtype=... instead"),
        ({"class": "StableDiffusionPipelin"}, "no pipeline 'StableDiffusionPipelin'. Did you mean"),
        ({"class": "UNet2DConditionModel"}, "no pipeline"),
        ({"base": "org/model"}, "base is for a source that is one file"),
        ({"device_map": "auto"}, "Choose from none, balanced"),
        ({"device_map": "balanced", "offload": "model"}, "Leave one of them out"),
        ({"calls.eta": 1}, "no setting 'calls.eta'"),
    ],
)
def test_arguments_that_a_class_does_not_take_are_refused_before_anything_is_loaded(model, settings, said):
    with pytest.raises(BadSettings, match=said):
        generator(model, **settings)


def test_texts_are_repeated_and_lists_are_split_as_the_class_expects():
    kind = diffusers.StableDiffusionXLPipeline
    settings = {"call.prompt_2": "pigs", "call.target_size": "64,32", "call.sigmas": "1.0,0.5", "call.eta": 0.5}
    assert call_arguments(settings, kind, 2) == {
        "prompt_2": ["pigs", "pigs"],
        "target_size": (64, 32),
        "sigmas": [1.0, 0.5],
        "eta": 0.5,
    }
    check_call(["caption_upsample_temperature"], diffusers.Flux2Pipeline, "it")
    assert {"transformer", "low_cpu_mem_usage", "enable_pag"} <= set(
        load_names(diffusers.FluxPipeline, from_file=False)
    )
    assert plain_setting({"b": [1], "a": None}) == '{"a":null,"b":[1]}'


def test_a_second_prompt_goes_with_every_picture_of_a_batch(tmp_path):
    xl = tiny_pipelines.stable_diffusion_xl(tmp_path)
    other = generator(xl, **{"call.prompt_2": "a wolf", "call.original_size": "64,32"})
    assert not torch.equal(pixels(other, "pigs", "hens"), pixels(generator(xl), "pigs", "hens"))


@pytest.fixture(scope="module")
def other_unet(model, tmp_path_factory):
    """The same pipeline with other weights in its denoiser."""
    folder = tmp_path_factory.mktemp("other") / "model"
    shutil.copytree(model, folder)
    return single_files.with_noise(folder)


def test_a_part_comes_from_another_folder_or_file(model, other_unet):
    theirs = pixels(generator(other_unet))
    assert not torch.allclose(pixels(generator(model)), theirs, atol=0.01)
    for place in (other_unet, other_unet / "unet", other_unet / "unet" / "diffusion_pytorch_model.safetensors"):
        it = generator(model, **{"load.unet": str(place)})
        assert torch.allclose(pixels(it), theirs, atol=1e-4), place
        assert str(place) in it.recipe.content, "what the part contains is recorded"


def test_one_file_is_the_denoiser_of_a_base(model, other_unet):
    file = other_unet / "unet" / "diffusion_pytorch_model.safetensors"
    it = generator(file, **{"class": "StableDiffusionPipeline", "base": str(model)})
    assert torch.allclose(pixels(it), pixels(generator(other_unet)), atol=1e-4)
    assert {str(file), str(model)} <= it.recipe.content.keys()
    eight = generator(file, **{"class": "StableDiffusionPipeline", "base": str(model), "quantize": "int8"})
    assert not torch.equal(pixels(eight), pixels(it))


def test_a_gguf_file_is_the_denoiser_of_a_base(model, other_unet, tmp_path):
    file = single_files.gguf(other_unet / "unet", tmp_path / "unet.gguf")
    it = generator(file, **{"class": "StableDiffusionPipeline", "base": str(model)})
    assert torch.allclose(pixels(it), pixels(generator(other_unet)), atol=0.1)
    assert "GGUFLinear" in {type(layer).__name__ for layer in it._loaded().unet.modules()}
    assert torch.equal(pixels(generator(model, **{"load.unet": str(file)})), pixels(it))


def test_one_file_is_a_whole_checkpoint(model, tmp_path):
    file = single_files.checkpoint(model, tmp_path / "model.safetensors")
    it = generator(file, **{"class": "StableDiffusionPipeline", "load.config": str(model)})
    same = generator(model, scheduler="EulerDiscreteScheduler")
    assert torch.allclose(pixels(it), pixels(same), atol=1e-4)
    assert it.recipe.settings["class"] == "StableDiffusionPipeline"


@pytest.mark.parametrize(
    ("name", "settings", "error", "said"),
    [
        ("a.gguf", {}, BadSettings, r"Name its class: \?class=FluxPipeline&base=ID"),
        ("a.gguf", {"class": "FluxPipeline"}, BadSettings, "holds one part of a pipeline"),
        ("a.gguf", {"class": "FluxPipeline", "base": "a/b", "quantize": "int8"}, BadSettings, "quantised already"),
        ("a.safetensors", {}, BadSettings, r"\?class=StableDiffusionXLPipeline"),
        ("a.safetensors", {"class": "Flux2Pipeline"}, BadSettings, "is not loaded from one file"),
        ("a.safetensors", {"class": "StableDiffusionPipeline", "load.unett": "x"}, BadSettings, "takes no load.unett"),
        ("a.ckpt", {"class": "StableDiffusionPipeline"}, BadWeights, "may run code"),
    ],
)
def test_a_file_that_does_not_say_enough_is_refused(tmp_path, name, settings, error, said):
    file = tmp_path / name
    file.write_bytes(b"weights")
    with pytest.raises(error, match=said):
        generator(file, **settings)


def test_files_that_are_none_say_so(model, other_unet, tmp_path):
    with pytest.raises(BadInput, match="no hub id"):
        generator("./nowhere.safetensors", **{"class": "StableDiffusionPipeline"})
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"weights")
    with pytest.raises(BadWeights, match="cannot be loaded"):
        pixels(generator(damaged, **{"class": "StableDiffusionPipeline", "base": str(model)}))
    unet = other_unet / "unet" / "diffusion_pytorch_model.safetensors"
    with pytest.raises(BadSettings, match="does not hold a whole pipeline"):
        pixels(generator(unet, **{"class": "StableDiffusionPipeline", "load.config": str(model)}))


def test_a_gguf_file_without_the_package_says_what_to_install(model, tmp_path, monkeypatch):
    file = tmp_path / "a.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setattr(
        "countcheck.generators.pipeline_parts.find_spec",
        lambda name: None if name == "gguf" else importlib.util.find_spec(name),
    )
    with pytest.raises(BadSettings, match=r"needs the package gguf.*countcheck\[quantize\]"):
        pixels(generator(file, **{"class": "StableDiffusionPipeline", "base": str(model)}))


def test_parts_are_spread_over_devices(model):
    assert pixels(generator(model, device_map="balanced")).shape == (1, 3, 32, 32)
