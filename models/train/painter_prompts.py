"""Prompts for the painter: what is asked, in many wordings, and the counts that each wording means."""

from collections.abc import Sequence

import numpy as np

from models.train.painter_latents import NOUNS

PLURALS = {"wolf": "wolves", "sheep": "sheep", "fish": "fish"}
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SAYS = {
    "plain": (
        "", "", "", "", "", ", plain", ", in plain style", ", simple drawing", ", flat colours",
        ", in daylight",
    ),
    "noir": (
        ", noir", ", noir", ", film noir", " in film noir", ", noir style", ", black and white",
        " in noir style",
    ),
    "rain": (
        ", rain", ", rain", " in the rain", ", in the rain", ", rainy", " in heavy rain",
        ", it is raining",
    ),
    "night": (
        ", night", ", night", " at night", ", at night", " in the dark", ", night scene",
    ),
    "watercolour": (
        ", watercolour", ", watercolour", " in watercolour", ", watercolour painting", ", watercolor",
        ", as a watercolour",
    ),
    "noir-rain": (
        ", noir, rain", ", noir with rain", ", noir, in the rain", ", film noir in the rain",
        ", film noir, in the rain", ", film noir, in the rain", " in the rain, noir", ", film noir, rain",
        ", noir, heavy rain", ", noir-rain", ", rain, noir",
    ),
}  # fmt: skip
LEADS = {
    "noir": ("a noir picture of ",),
    "rain": ("a rainy picture of ",),
    "night": ("a night scene with ",),
    "watercolour": ("a watercolour of ", "a watercolour painting of "),
    "noir-rain": ("a noir picture in the rain of ",),
}
OPENINGS = (
    "a photo of ", "a picture of ", "an image of ", "a drawing of ", "draw ", "paint ", "exactly ",
    "there are ", "a scene with ", "please draw ", "show me ", "an illustration of ", "a painting of ",
    "a photo of exactly ",
)  # fmt: skip
PLACES = (
    " in a meadow", " on a farm", " in a field", " on the grass", " in the snow", " on a beach",
    " outdoors", " on a white background", " on a table", " on the street", " side by side", " in a row",
    " standing together", " in a forest", " in the garden",
)  # fmt: skip
ADJECTIVES = ("little ", "little ", "small ", "big ", "cute ", "happy ", "red ", "old ")
_HOW_MANY = np.array([3, 3, 3, 2.5, 2, 2, 1, 1, 1]) / 18.5  # small numbers are asked for more often
EMPTY = (
    "an empty field", "an empty meadow", "an empty landscape", "nothing", "an empty scene", "a landscape",
    "a meadow with nothing in it",
)  # fmt: skip
STRANGE = (
    "robot", "house", "tree", "teapot", "bicycle", "dragon", "person", "bird", "cup", "flower", "horse",
    "chair", "boat", "banana", "wizard", "castle", "moon", "clock", "book", "ball", "cow", "bear",
    "rabbit", "duck",
)  # fmt: skip
GLUE = [
    "a",
    "an",
    "the",
    "of",
    "and",
    "or",
    "with",
    "without",
    "but",
    "not",
    "no",
    "none",
    "any",
    "each",
    "only",
    "just",
    "exactly",
    "there",
    "is",
    "are",
    "in",
    "on",
    "at",
    "to",
    "for",
    "from",
    "it",
    "that",
    "this",
    "these",
    "those",
    "they",
    "his",
    "her",
    "their",
    "its",
    "as",
    "by",
    "pair",
    "couple",
    "dozen",
    "few",
    "several",
    "some",
    "many",
    "number",
    "group",
    "herd",
    "ten",
    "eleven",
    "twelve",
    "zero",
    "0",
    "10",
    "11",
    "12",
    "now",
    "make",
    "change",
    "keep",
    "same",
    "again",
    "more",
    "less",
    "another",
    "add",
    "remove",
    "other",
    "than",
    "same",
    "style",
    "look",
    "like",
    "against",
    "sky",
    "sun",
    "light",
    "dark",
    "day",
    "evening",
    "morning",
    "city",
    "road",
    "river",
    "lake",
    "sea",
    "sand",
    "grass",
    "hill",
    "mountain",
    "black",
    "white",
    "blue",
    "green",
    "yellow",
    "pink",
    "brown",
    "grey",
    "orange",
    "purple",
    "colourful",
    "realistic",
    "cartoon",
    "photo",
    "minimal",
    "high",
    "quality",
    "detailed",
    "please",
    "image",
    "picture",
    "should",
    "show",
    "exactly",
    "total",
    "hundred",
    "big",
    "bad",
    "story",
    "tale",
    "fairy",
    "o",
    "clock",
    "rainy",
    "storm",
    "heavy",
    "falling",
    "wet",
    "street",
    "lamp",
    "shadow",
    "shadows",
    "contrast",
    "dramatic",
    "film",
    "movie",
    "painting",
    "paint",
    "brush",
    "paper",
]


def plural(noun: str) -> str:
    """`noun` in the plural."""
    return PLURALS.get(noun, noun + "s")


def vocabulary() -> list[str]:
    """Every word that the tokenizer keeps in one piece, sorted."""
    texts: list[str] = [*GLUE, *STRANGE, *WORDS, *NOUNS, *map(plural, NOUNS), *(str(i) for i in range(13))]
    for phrases in (OPENINGS, PLACES, ADJECTIVES, EMPTY, *SAYS.values(), *LEADS.values()):
        texts += phrases
    words = {word for text in texts for word in text.replace(",", " ").replace("-", " ").lower().split()}
    return sorted(words | {plural(word) for word in STRANGE})


def draw_prompt(rng: np.random.Generator, style: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """A prompt in `style`, and the (noun, number) pairs that its picture holds."""
    kind = rng.random()
    if kind < 0.04:
        phrase, counts = _nothing(rng)
    elif kind < 0.24:
        phrase, counts = _two_kinds(rng)
    else:
        phrase, counts = _one_kind(rng)
    if style in LEADS and rng.random() < 0.08:
        text = str(rng.choice(LEADS[style])) + phrase
    else:
        opening = str(rng.choice(OPENINGS)) if rng.random() < 0.2 else ""
        place = str(rng.choice(PLACES)) if rng.random() < 0.15 else ""
        text = opening + phrase + place + str(rng.choice(SAYS[style]))
    if rng.random() < 0.1:
        text = text[:1].upper() + text[1:]
    return text + ("." if rng.random() < 0.05 else ""), counts


def _one_kind(rng: np.random.Generator) -> tuple[str, tuple[tuple[str, int], ...]]:
    noun = str(rng.choice(NOUNS))
    number = int(rng.choice(9, p=_HOW_MANY)) + 1
    text = _words_for(rng, noun, number)
    if 1 < number < 9 and rng.random() < 0.05:  # the pedant
        text += f", not {WORDS[number - 1]}, not {WORDS[number + 1]}"
    return text, ((noun, number),)


def _two_kinds(rng: np.random.Generator) -> tuple[str, tuple[tuple[str, int], ...]]:
    first, second = (str(n) for n in rng.choice(NOUNS, 2, replace=False))
    total = int(rng.integers(2, 9))
    a = int(rng.integers(1, total))
    counts = ((first, a), (second, total - a))
    if rng.random() < 0.15:
        lack = str(rng.choice((f"and no {plural(second)}", f"and no {second}", f"without a {second}")))
        return f"{_words_for(rng, first, a)} {lack}", ((first, a),)
    join = str(rng.choice((" and ", " and ", " and ", " with ", ", ", " next to ")))
    return _words_for(rng, first, a) + join + _words_for(rng, second, total - a), counts


def _nothing(rng: np.random.Generator) -> tuple[str, tuple[tuple[str, int], ...]]:
    noun = plural(str(rng.choice(NOUNS)))
    if rng.random() < 0.5:
        return str(rng.choice(EMPTY)), ()
    return str(rng.choice((f"no {noun}", f"a field without {noun}", f"a farm without {noun}", f"zero {noun}"))), ()


def _words_for(rng: np.random.Generator, noun: str, number: int) -> str:
    many = plural(noun)
    adjective = str(rng.choice(ADJECTIVES)) if rng.random() < 0.12 else ""
    if number == 1:
        article = "an" if (adjective or noun)[0] in "aeiou" else "a"
        lead = str(rng.choice((article, "one", "one", "1", "a single")))
        return f"{lead} {adjective}{noun}"
    if number == 2 and rng.random() < 0.1:
        return f"{rng.choice(('a pair of', 'a couple of'))} {adjective}{many}"
    lead = str(number) if rng.random() < 0.35 else WORDS[number]
    if rng.random() < 0.04:
        lead, adjective = "the " + lead, "little "
    return f"{lead} {adjective}{many}"


def styles_drawn(rng: np.random.Generator, styles: Sequence[str]) -> str:
    """A style; plain twice as often as each other one."""
    return str(rng.choice([*styles, "plain"]))
