"""What a picture costs: numbers, formulas, classes, and what is wrong with them."""

from __future__ import annotations

import pytest

from countcheck.cards import Card, read_card
from countcheck.errors import BadSettings
from countcheck.generators.price import price_of
from countcheck.generators.providers._google_protocol import usage_of_gemini
from countcheck.generators.providers.openai import reply_of_response, usage_of_images

RATES = {"input_text": 5, "cached_input_text": 1.25, "input_image": 8, "output_image": 30}


def painter(pricing, **more):
    return Card(name="painter", family="openai", source="painter", pricing=pricing, **more)


def test_a_formula_is_the_sum_over_the_usage():
    price = price_of(painter({"per_million": RATES}))
    usage = {"input_text": 100, "cached_input_text": 200, "input_image": 50, "output_image": 1000}
    assert price.cost_of(usage) == pytest.approx((500 + 250 + 400 + 30000) / 1e6)
    assert price.flat is price.bound is price.known_range is None
    assert "30 output image" in price.formula()


@pytest.mark.parametrize(
    ("usage", "pictured"),
    [({"input_text": 9}, True), ({}, True), ({"output_image": 5, "output_text": 3}, True), ({}, False)],
)
def test_a_usage_that_does_not_decide_the_cost_decides_nothing(usage, pictured):
    assert price_of(painter({"per_million": RATES})).cost_of(usage, pictured=pictured) is None


def test_tokens_from_a_cache_cost_as_much_as_others_where_no_rate_is_stated():
    price = price_of(painter({"per_million": {"input_text": 5, "output_image": 30}}))
    assert price.cost_of({"cached_input_text": 10, "output_image": 10}) == pytest.approx(350 / 1e6)


def test_words_without_a_picture_cost_what_was_read_and_written():
    price = price_of(painter({"per_million": {"chat_input": 5, "chat_output": 30, "output_image": 30}}))
    assert price.cost_of({"chat_input": 100, "chat_output": 20}, pictured=False) == pytest.approx(1100 / 1e6)


CLASSES = [
    {"when": {"quality": "low", "size": "1024x1024"}, "tokens": {"input_text": [0, 100], "output_image": [200, 300]}},
    {"when": {"quality": "draft"}, "usd": 0.01},
    {"tokens": {"output_image": [100, 10000]}},
]


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({"quality": "low", "size": "1024x1024"}, (0.006, 0.0095)),
        ({"quality": "draft"}, (0.01, 0.01)),
        ({"quality": "low", "size": "2048x2048"}, (0.003, 0.3)),
    ],
)
def test_the_first_class_that_holds_says_least_and_most(settings, known):
    card = painter({"per_million": RATES, "classes": CLASSES}, batch_price=0.5)
    assert price_of(card, settings).known_range == pytest.approx(known)
    half = price_of(painter(card.pricing, batch_price=0.5, settings={"mode": "batch"}), settings)
    assert half.known_range == pytest.approx((known[0] / 2, known[1] / 2))
    assert half.cost_of({"output_image": 1000}) == pytest.approx(0.015)


def test_a_class_with_one_price_is_a_flat_price():
    price = price_of(painter({"classes": [{"when": {"speed": "fast"}, "usd": 0.03}]}), {"speed": "fast"})
    assert price.flat == 0.03
    assert price.in_words() == "0.03 USD"


def test_an_unknown_price_says_why():
    price = price_of(Card(name="m", family="x", price_note="the provider sets its own.", price_bound=0.1))
    assert price.in_words() == "unknown: the provider sets its own (taken as at most 0.1 USD)"
    assert price.bound == 0.1
    assert price_of(Card(name="m", family="x")).in_words() == "unknown: the card states none"


@pytest.mark.parametrize(
    ("pricing", "message"),
    [
        ({"per_million": {"output_imge": 30}}, "unknown field 'output_imge'. Did you mean 'output_image'"),
        ({"per_million": {"output_image": "30 USD"}}, "price.per_million.output_image is '30 USD'"),
        ({"per_million": {"output_image": -1}}, "output_image is -1"),
        ({"per_million": 30}, "price.per_million is 30"),
        ({"per_token": {}}, "price has no part 'per_token'"),
        ({"per_million": RATES, "classes": [{"tokens": {"output_text": 5}}]}, "unknown field 'output_text'"),
        ({"per_million": RATES, "classes": [{"tokens": {"output_image": [5, 1]}}]}, r"output_image is \[5, 1\]"),
        ({"per_million": RATES, "classes": {"low": 5}}, "price.classes is {'low': 5}"),
        ({"per_million": RATES, "classes": [{"for": {}}]}, "no 'for'"),
    ],
)
def test_a_wrong_formula_is_named(pricing, message):
    with pytest.raises(BadSettings, match=message):
        price_of(painter(pricing))


def test_a_card_file_may_hold_a_formula(tmp_path):
    (tmp_path / "mine.yaml").write_text("family: openai\nsource: m\nprice: {per_million: {output_imge: 3}}\n")
    card = read_card(tmp_path / "mine.yaml")
    with pytest.raises(BadSettings, match=r"mine.yaml: the price names an unknown field 'output_imge'"):
        price_of(card)


def test_the_usage_of_the_images_api():
    body = {
        "input_tokens": 300,
        "input_tokens_details": {
            "text_tokens": 100,
            "image_tokens": 200,
            "cached_tokens_details": {"text_tokens": 40, "image_tokens": 50},
        },
        "output_tokens": 1000,
        "output_tokens_details": {"image_tokens": 900, "text_tokens": 100},
    }
    assert usage_of_images(body) == {
        "input_text": 60,
        "cached_input_text": 40,
        "input_image": 150,
        "cached_input_image": 50,
        "output_text": 100,
        "output_image": 900,
    }
    assert usage_of_images({"prompt_tokens": 5, "completion_tokens": 7}) == usage_of_images(None) == {}


def test_the_usage_of_a_chat_model_and_of_its_tool():
    reply = reply_of_response(
        {
            "output": [],
            "usage": {"input_tokens": 60, "input_tokens_details": {"cached_tokens": 10}, "output_tokens": 20},
            "tool_usage": {"image_gen": {"input_tokens": 50, "output_tokens": 272}},
        }
    )
    assert reply.usage == {
        "chat_input": 50,
        "cached_chat_input": 10,
        "chat_output": 20,
        "input_text": 50,
        "output_image": 272,
    }


def test_the_usage_of_gemini():
    body = {
        "promptTokenCount": 1300,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "IMAGE", "tokenCount": 1290}],
        "candidatesTokenCount": 1130,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
        "thoughtsTokenCount": 200,
    }
    assert usage_of_gemini(body) == {"input_text": 10, "input_image": 1290, "output_text": 210, "output_image": 1120}
    assert usage_of_gemini(None) == {}
