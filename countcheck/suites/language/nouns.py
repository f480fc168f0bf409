"""Nouns: singular to plural and back, over an English inflection dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from countcheck.suites.language.word_lists import word_set
from countcheck.suites.suite import Noun

# Where the dictionary's first plural is not the one that people type.
_USUAL = {
    "person": "people",
    "fish": "fish",
    "goldfish": "goldfish",
    "shrimp": "shrimp",
    "die": "dice",
    "cactus": "cacti",
    "ox": "oxen",
    "people": "people",
}

# Where it offers a rarer singular first, or none.
_SINGULAR = {
    "people": "person",
    "persons": "person",
    "folks": "person",
    "leaves": "leaf",
    "dice": "die",
    "axes": "axe",
    "glasses": "glass",
    **{f"{word}s": word for word in ("tv", "cd", "dvd", "suv", "ufo", "pc", "rv", "atm", "vcr", "lp")},
    "thirds": "third",
    "fifths": "fifth",
    "sports": "sport",
    "bases": "base",
    "putti": "putto",
    "cattle": "cow",
    "kine": "cow",
    "hooves": "hoof",
    "wharves": "wharf",
    "staves": "staff",
    "cherubim": "cherub",
    "geese": "goose",
    "oxen": "ox",
    "lice": "louse",
    "indices": "index",
    "matrices": "matrix",
    "busses": "bus",
    "cookies": "cookie",
    "movies": "movie",
    "zombies": "zombie",
    "brownies": "brownie",
    "hippies": "hippie",
    "selfies": "selfie",
    "smoothies": "smoothie",
    "genies": "genie",
    "pixies": "pixie",
    "doggies": "doggie",
    "birdies": "birdie",
    "teddies": "teddy",
    "veggies": "veggie",
    # Regular plurals of irregular nouns, as people type them.
    **{
        f"{word}s": word
        for word in ("knife", "wolf", "leaf", "loaf", "shelf", "thief", "calf", "wife", "elf", "scarf", "half")
    },
    **{f"{word}s": word for word in ("man", "woman", "child", "tooth", "foot", "goose", "mouse", "ox")},
    "childrens": "child",
    "mens": "man",
    "womens": "woman",
    "boxers": "boxer",
    "slacks": "slacks",
    "paparazzi": "paparazzo",
    "traffics": "traffic",
}

SAME = word_set(
    "sheep deer fish salmon trout shrimp squid moose bison aircraft spacecraft hovercraft watercraft goldfish "
    "swordfish jellyfish starfish catfish crayfish cuttlefish angelfish clownfish pufferfish shellfish blowfish "
    "cod tuna elk reindeer koi grouse swine offspring series species sumo yen samurai ninja bonsai dojo maori "
    "inuit pike carp perch halibut mackerel buffalo antelope quail krill caribou"
)
"""Nouns whose plural looks like their singular."""

PAIRED = word_set(
    "scissors eyeglasses sunglasses goggles binoculars jeans pants trousers shorts pajamas pyjamas tights "
    "leggings overalls tweezers pliers tongs shears headphones earphones spectacles dungarees clippers forceps "
    "nunchucks briefs panties slacks knickers culottes breeches sweatpants bellows calipers"
)
"""One thing that English speaks of in the plural: "a pair of scissors" is one."""


def plural_of(noun: str, nouns: Mapping[str, Noun] | None = None) -> str:
    """The plural: the suite's own where it gives one; the last word's otherwise, or the head's before "of"."""
    if nouns and noun in nouns and nouns[noun].plural:
        return nouns[noun].plural
    head, of, rest = noun.partition(" of ")
    before, space, last = head.rpartition(" ")
    return f"{before}{space}{_plural_word(last)}{of}{rest}"


@lru_cache(maxsize=4096)
def _plural_word(word: str) -> str:
    if word in _USUAL:
        return _USUAL[word]
    if word in SAME or word in PAIRED:
        return word
    from lemminflect import getInflection

    plurals = getInflection(word, tag="NNS")
    # Of "lychee" and "lychees", both in the dictionary, people write the one that differs.
    return next((plural for plural in plurals if plural != word), plurals[0] if plurals else f"{word}s")


# Plain nouns that the dictionary knows as verbs only.
_NOUNS_TOO = frozenset(
    [
        "pan",
        "pip",
        "tutu",
        "kebab",
        "bar",
        "log",
        "soap",
        "pub",
        "mole",
        "tin",
        "broccoli",
        "remote",
        "empty",
        "seagull",
        "seahorse",
        "igloo",
        "burger",
        "baguette",
        "frisbee",
        "tankard",
    ]
) - {"empty"}


@lru_cache(maxsize=65536)
def classes_of(word: str) -> frozenset[str]:
    """The word classes a lower-case word can have (NOUN, VERB, ADJ, ADV); empty for a word not in the dictionary."""
    from lemminflect import getAllLemmas

    classes = frozenset(getAllLemmas(word))
    if word in _NOUNS_TOO:
        return classes | {"NOUN"}
    if "NOUN" in classes or not classes:
        return classes
    # Some nouns ("bar", "pan") are listed in the plural only.
    plural = getAllLemmas(f"{word}s").get("NOUN", ())
    return classes | {"NOUN"} if word in plural else classes


@lru_cache(maxsize=65536)
def singular_of(word: str) -> str | None:
    """The singular of a lower-case plural; ``None`` for a word that is no plural.

    Words that are the same in both numbers, and words such as "scissors", come back as they are.
    """
    if word in SAME or word in PAIRED:
        return word
    if word in _SINGULAR:
        return _SINGULAR[word]
    from lemminflect import getAllLemmas, getAllLemmasOOV

    base = word[:-1]
    if word.endswith("s") and base in _NOUNS_TOO:
        return base
    known = getAllLemmas(word)
    if known:
        other = [lemma for lemma in known.get("NOUN", ()) if lemma != word]
        return other[0] if other else None
    if word.endswith("s") and len(word) > 3 and (base in SAME or "NOUN" in classes_of(base)):
        # "broccolis", "bonsais", "gnus": the dictionary has the singular and not this plural.
        return base
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "'s", "ous")):
        if word.endswith("is"):
            return base
        guess = getAllLemmasOOV(word, "NOUN").get("NOUN", ())
        return guess[0] if guess and guess[0] != word else None
    head, hyphen, last = word.rpartition("-")
    if hyphen:
        one = singular_of(last)
        return f"{head}-{one}" if one else None
    return None


@lru_cache(maxsize=65536)
def names_a_thing(word: str) -> bool:
    """Whether a word that the dictionary has as adjective and noun names a thing: it has a plural and no comparative."""
    from lemminflect import getAllInflections

    return "NNS" in getAllInflections(word, upos="NOUN") and "JJR" not in getAllInflections(word, upos="ADJ")
