"""LoRAs with weights, and words learned by textual inversion, on real pipelines with random weights."""

from __future__ import annotations

import pytest
import tiny_pipelines
import torch
from safetensors.torch import save_file

from countcheck.cards import Card
from countcheck.errors import BadSettings, BadWeights, MissingExtra
from countcheck.generators.adapters import Adapter, read_adapters
from countcheck.generators.diffusers import DiffusersGenerator
from countcheck.generators.outcome import Picture
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def loras(model, tmp_path_factory):
    """Two LoRAs for the denoiser's attention."""
    folder = tmp_path_factory.mktemp("loras")
    layer = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q"
    for number, name in enumerate(("pigs", "wolf"), 1):
        noise = torch.Generator().manual_seed(number)
        down, up = (torch.randn(shape, generator=noise) for shape in ((4, 16), (16, 4)))
        weights = {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}
        save_file(weights, folder / f"{name}.safetensors", metadata={"format": "pt"})
    return folder


def generator(source, **settings):
    return DiffusersGenerator(
        Card(
            name="it",
            family="diffusers",
            source=str(source),
            settings={"steps": 2, "size": 32, "device": "cpu", "guidance": 6.0, **settings},
        )
    )


def pixels(it, text="three pigs"):
    sample = Sample(key=f"{0:032x}", generator="it", asked=Prompt(id="p", text=text), repeat=0, seed=100)
    (outcome,) = it.generate([sample])
    assert isinstance(outcome, Picture), outcome
    return outcome.pixels


def test_loras_act_together_with_their_weights(model, loras):
    pigs, wolf = (str(loras / f"{name}.safetensors") for name in ("pigs", "wolf"))
    written = [
        None,
        pigs,
        f"{pigs}:0.5",
        f"{pigs}:0.5,{wolf}:2",
        f"{pigs}:0.5,{wolf}:1",
    ]
    its = [generator(model, lora=lora) for lora in written]
    pictures = [pixels(it) for it in its]
    for at, one in enumerate(pictures):
        assert not any(torch.equal(one, other) for other in pictures[at + 1 :]), written[at]
    assert len({str(it.recipe.settings) for it in its}) == len(its)
    assert {pigs, wolf} <= its[-1].recipe.content.keys()
    listed = generator(
        model,
        lora=[{"source": str(loras), "weight_name": "pigs.safetensors", "weight": 0.5}, {"source": wolf, "weight": 2}],
    )
    assert torch.allclose(pixels(listed), pictures[3], atol=1e-5)
    assert isinstance(listed.recipe.settings["lora"], str)
    assert torch.allclose(pixels(generator(model, lora=pigs, lora_scale=0.5)), pictures[2], atol=1e-5)


def test_a_learned_word_changes_the_pictures_of_prompts_that_have_it(model, tmp_path):
    file = tmp_path / "pig.safetensors"
    save_file({"<pig>": torch.randn(32, generator=torch.Generator().manual_seed(3))}, file)
    plain, taught, named = (generator(model, textual_inversion=word) for word in (None, str(file), f"{file}:<other>"))
    assert torch.allclose(pixels(plain), pixels(taught), atol=1e-6)
    assert not torch.equal(pixels(plain, "three <pig>"), pixels(taught, "three <pig>"))
    assert torch.allclose(pixels(taught, "three <pig>"), pixels(named, "three <other>"), atol=1e-6)
    assert len({str(it.recipe.settings) for it in (plain, taught, named)}) == 3
    assert str(file) in taught.recipe.content


def test_a_learned_word_for_two_text_encoders(tmp_path):
    xl = tiny_pipelines.stable_diffusion_xl(tmp_path)
    file = tmp_path / "pig.safetensors"
    noise = torch.Generator().manual_seed(5)
    save_file({name: torch.randn(1, 32, generator=noise) for name in ("clip_l", "clip_g")}, file)
    taught = generator(xl, textual_inversion=f"{file}:<pig>")
    assert not torch.equal(pixels(generator(xl), "three <pig>"), pixels(taught, "three <pig>"))
    with pytest.raises(BadSettings, match="does not say its word"):
        pixels(generator(xl, textual_inversion=str(file)))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("./nowhere.safetensors", r"there is no '\./nowhere\.safetensors'"),
        (["a/b", {"weight": 1}], "Give each a source"),
        ([{"source": "a/b", "wight": 1}], "no field 'wight'. Did you mean 'weight'"),
        ([{"source": "a/b", "weight": "much"}], "Give a number"),
        (3, "Give a file, a folder, a hub id"),
    ],
)
def test_adapters_that_are_not_written_right_are_refused(model, setting, said):
    with pytest.raises(BadSettings, match=said):
        generator(model, lora=setting)


def test_what_cannot_be_loaded_says_so(model, tmp_path):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"weights")
    with pytest.raises(BadWeights, match=r"the LoRA .* cannot be loaded"):
        pixels(generator(model, lora=str(damaged)))
    with pytest.raises(BadWeights, match=r"the textual inversion .* cannot be loaded"):
        pixels(generator(model, textual_inversion=str(damaged)))


def test_texts_and_lists_mean_the_same(tmp_path):
    file = tmp_path / "a,b:1.safetensors"
    file.write_bytes(b"")
    assert read_adapters(str(file), "lora", "it") == [Adapter(source=str(file))]
    assert read_adapters("org/a/x.safetensors:0.5,org/b", "lora", "it") == [
        Adapter(source="org/a/x.safetensors", weight=0.5),
        Adapter(source="org/b"),
    ]
    assert read_adapters("org/a:<pig>", "textual_inversion", "it") == [Adapter(source="org/a", token="<pig>")]
    assert read_adapters(None, "lora", "it") == []


def test_a_lora_without_peft_says_what_to_install(model, loras, monkeypatch):
    it = generator(model, lora=str(loras / "pigs.safetensors"))

    def without(self, *_, **__):
        raise ValueError("PEFT backend is required for this method.")

    monkeypatch.setattr("diffusers.StableDiffusionPipeline.load_lora_weights", without)
    with pytest.raises(MissingExtra, match=r"peft.*countcheck\[local\]"):
        pixels(it)
