"""Settings and syntax of generators in a prompt."""

import pytest

from countcheck.suites.language.markup import markup_spans


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("two cats --ar 16:9 --v 6", ["--ar 16:9", "--v 6"]),
        ("two cats --no dogs", []),
        ("<lora:ink_v2:0.8> two cats", ["<lora:ink_v2:0.8>"]),
        ("(two cats:1.3), dog::2", [":1.3", "::2"]),
        ("steps: 30, CFG scale 7.5, seed 42", ["steps: 30", "CFG scale 7.5", "seed 42"]),
        ("score_9, score_8_up, two cats", ["score_9", "score_8_up"]),
        ("rgb(255, 0, 0) and #ff0000", ["rgb(255, 0, 0)", "#ff0000"]),
        ("at 7:30, 3 cats: 2 dogs", []),
        ("two cats", []),
    ],
)
def test_settings_are_found_and_prose_is_not(text, spans):
    assert [text[start:end] for start, end in markup_spans(text)] == spans
