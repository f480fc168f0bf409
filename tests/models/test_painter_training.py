"""The painter's training, from scratch and in seconds: it learns, goes on where it stopped, and loads."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForText2Image
from transformers import CLIPTokenizer

from models.train.muon import Muon, orthogonal
from models.train.painter_decoder import train_decoder, train_encoder
from models.train.painter_export import export
from models.train.painter_latents import CHANNELS, GRID, NOUNS, PRESENCE, STYLES, draw_layout, latent_of
from models.train.painter_parts import SMALL, learn_merges, make_tokenizer
from models.train.painter_pictures import picture_of
from models.train.painter_prompts import draw_prompt, vocabulary
from models.train.painter_unet import train_unet
from models.train.training import Length


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[float]]]:
    torch.set_num_threads(1)
    work = tmp_path_factory.mktemp("painter")
    length = Length(steps=30, log_every=10)
    losses = {
        "unet": train_unet(work, length=length, sizes=SMALL, batch=8),
        "decoder": train_decoder(work, length=length, sizes=SMALL, batch=4),
        "encoder": train_encoder(work, length=length, sizes=SMALL, batch=4),
    }
    return work, losses


@pytest.mark.parametrize("stage", ["unet", "decoder", "encoder"])
def test_the_loss_falls(trained: tuple[Path, dict[str, list[float]]], stage: str) -> None:
    first, *_, last = trained[1][stage]
    assert last < 0.9 * first


def test_the_output_loads_as_float32_and_paints(trained: tuple[Path, dict[str, list[float]]], tmp_path: Path) -> None:
    assert len(export(trained[0], tmp_path, SMALL)) == 64
    pipeline = AutoPipelineForText2Image.from_pretrained(tmp_path)
    assert {part.dtype for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder)} == {torch.float32}
    assert pipeline("two pigs", num_inference_steps=2).images[0].size == (96, 96)


def test_a_finished_training_is_not_begun_again(trained: tuple[Path, dict[str, list[float]]]) -> None:
    assert train_unet(trained[0], length=Length(steps=30, log_every=10), sizes=SMALL, batch=8) == []


def test_a_longer_training_goes_on_from_the_checkpoint(trained: tuple[Path, dict[str, list[float]]]) -> None:
    losses = train_unet(trained[0], length=Length(steps=40, log_every=10), sizes=SMALL, batch=8)
    assert len(losses) == 1
    assert losses[0] < trained[1]["unet"][0]


def test_known_words_stay_whole_and_unknown_ones_are_spelt(
    trained: tuple[Path, dict[str, list[float]]],
) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(trained[0] / "tokenizer")
    words = [word for word in vocabulary() if not (word.isdigit() and len(word) > 1)]
    assert [word for word in words if len(tokenizer.tokenize(word)) != 1] == []
    assert tokenizer.unk_token_id not in tokenizer("zebra 日 é", add_special_tokens=False).input_ids


def test_the_same_words_always_get_the_same_numbers(tmp_path: Path) -> None:
    # The tokenizers library's own trainer breaks ties by chance; a text encoder cannot survive that.
    words = vocabulary()
    assert learn_merges(words) == learn_merges(words[::-1])
    first, second = (make_tokenizer(tmp_path / name).get_vocab() for name in "ab")
    assert first == second
    shipped = Path(__file__).parents[2] / "models" / "tiny-painter" / "tokenizer"
    assert CLIPTokenizer.from_pretrained(shipped).get_vocab() == first


def test_a_layout_holds_what_was_asked_apart_and_inside() -> None:
    rng = np.random.default_rng(0)
    for number in range(10):
        layout = draw_layout(rng, [("pig", number)], "plain")
        assert len(layout.things) == number
        for i, (_, x, y, size) in enumerate(layout.things):
            assert size / 2 <= min(x, y, 1 - x, 1 - y)
            assert all(max(abs(x - x2), abs(y - y2)) >= size for _, x2, y2, _ in layout.things[:i])


def test_a_latent_tells_nouns_and_styles_apart_within_the_clipping_range() -> None:
    rng = np.random.default_rng(0)
    layout = draw_layout(rng, [("pig", 3)], "plain")
    seen = set()
    for noun in NOUNS:
        for style in STYLES:
            things = tuple((noun, *thing[1:]) for thing in layout.things)
            changed = type(layout)(things=things, style=style, backdrop=layout.backdrop, horizon=layout.horizon)
            latent = latent_of(changed)
            assert latent.shape == (CHANNELS, GRID, GRID)
            assert np.abs(latent).max() <= 1
            seen.add(latent.tobytes())
    assert len(seen) == len(NOUNS) * len(STYLES)
    assert latent[PRESENCE].max() == 1


@pytest.mark.parametrize("style", STYLES)
def test_the_picture_of_a_layout_shows_its_things(style: str) -> None:
    rng = np.random.default_rng(4)
    layout = draw_layout(rng, [("pig", 1)], style)
    empty = type(layout)(things=(), style=style, backdrop=layout.backdrop, horizon=layout.horizon)
    changed = picture_of(layout, 96, 0).astype(int) - picture_of(empty, 96, 0)
    _, x, y, _ = layout.things[0]
    assert np.abs(changed[round(y * 96), round(x * 96)]).max() > 12


def test_prompts_say_the_numbers_that_they_mean() -> None:
    rng = np.random.default_rng(1)
    words = {
        "a": 1,
        "an": 1,
        "one": 1,
        "two": 2,
        "three": 3,
        "four": 4,
        "five": 5,
        "pair": 2,
        "couple": 2,
        "single": 1,
    }
    for _ in range(300):
        text, counts = draw_prompt(rng, "plain")
        assert all(noun in NOUNS and 1 <= number <= 9 for noun, number in counts)
        for _, number in counts:
            if number <= 5:
                said = text.lower().replace(",", " ").replace(".", " ").split()
                assert str(number) in said or number in {words.get(word) for word in said}


def test_an_orthogonal_update_has_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(24, 60)))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_muon_leaves_small_and_named_parameters_to_adam() -> None:
    layer, table = torch.nn.Linear(8, 8), torch.nn.Parameter(torch.zeros(9, 9))
    optimiser = Muon([*layer.parameters(), table], not_matrices=[table])
    matrices, rest = optimiser.param_groups
    assert [p.shape for p in matrices["params"]] == [(8, 8)]
    assert len(rest["params"]) == 2
