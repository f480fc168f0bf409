"""Nouns: singular to plural and back, over an English inflection dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from countcheck.suites.suite import Noun

# Where the dictionary's first plural is not the one that people type.
_USUAL = {
    "person": "people",
    "fish": "fish",
    "goldfish": "goldfish",
    "shrimp": "shrimp",
    "die": "dice",
    "cactus": "cacti",
}


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
    from lemminflect import getInflection

    found = getInflection(word, tag="NNS")
    return found[0] if found else f"{word}s"
