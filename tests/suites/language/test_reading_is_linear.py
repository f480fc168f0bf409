"""Reading takes time in proportion to the text: counted in steps of the interpreter, not in seconds."""

import sys
from collections.abc import Callable

import pytest

from countcheck.suites.language.read_targets import read_targets

REPEATED = {
    "numbers": "two ",
    "digits": "1 ",
    "counts": "two pigs ",
    "double quotes": '2 " ',
    "single quotes": "'a ",
    "no": "no ",
    "absent lists": "no cats, dogs, ",
    "adjectives": "two red and ",
    "chains": "one red, ",
    "parts": "one red, two ",
    "bounds": "at least 2 but ",
    "hundreds": "two hundred and ",
    "halves": "half a ",
    "ranges": "between 2 and ",
    "multiplied": "cats x3 ",
    "brackets": "cats (3) ",
    "pairs": "cats: 3, ",
    "others": "two cats, a third one ",
    "another": "two cats another second ",
    "sayings": "says 5 apples ",
    "flags": "--ar 2 ",
    "angles": "<a:2 ",
    "settings": "seed: 1 ",
    "weights": ":.2 ",
    "colours": "rgb(2 ",
    "French": "deux et ",
    "Chinese": "三",
    "Russian": "два ",
    "bullets": "\n- 2",
    "underscores": "2_",
    "hyphens": "2-a-",
    "dots": "2.",
    "each": "two cats each ",
    "pieces": "two pieces cut ",
    "words": "pigs two of ",
}


def steps(run: Callable[[], object]) -> int:
    """How many lines and calls of Python a function takes."""
    count = 0

    def trace(frame: object, event: str, argument: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("kind", REPEATED)
def test_four_times_the_text_takes_about_four_times_the_steps(kind):
    piece = REPEATED[kind]
    texts = [f"{piece * n} 2 cats" for n in (60, 240)]
    for text in texts:
        read_targets(text)  # words are looked up once
    short, long = (steps(lambda text=text: read_targets(text)) for text in texts)
    assert long <= 5.5 * short + 2000


@pytest.mark.parametrize("kind", REPEATED)
def test_a_hundred_thousand_characters_are_read(kind):
    piece = REPEATED[kind]
    reading = read_targets((piece * (100_000 // len(piece)))[:100_000])
    assert len(reading.targets) + len(reading.not_understood) <= 100_000


@pytest.mark.parametrize(
    "text", ["a" * 100_000 + " 2", "9" * 100_000, "a'" * 50_000 + " 2", "a-" * 50_000 + " 2", " " * 100_000 + "2 cats"]
)
def test_one_long_word_is_read(text):
    assert len(read_targets(text).targets) <= 1
