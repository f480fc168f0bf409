"""Whether a prompt that was rewritten still asks for the same numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from enum import StrEnum

from countcheck.suites.suite import Relation, Target


class Numbers(StrEnum):
    """What became of a prompt's numbers: they were ``KEPT``, at least one was ``CHANGED``, or nobody can tell (``UNCLEAR``)."""

    KEPT = "kept"
    CHANGED = "changed"
    UNCLEAR = "unclear"


def numbers_after(asked: Sequence[Target], rewritten: str) -> Numbers:
    """Tell whether a rewritten prompt asks for the numbers that were asked.

    A number is kept where the rewritten text asks for it of the same noun, or, when it does not count that noun at all, of
    anything: "three pigs" may become "three piglets". "Several pigs" is another number, and so is none.

    Args:
        asked: What had to hold.
        rewritten: The text that was drawn.

    >>> from countcheck.suites.language.read_targets import read_targets
    >>> pigs = read_targets("three pigs").targets
    >>> [str(numbers_after(pigs, text)) for text in ("Three plump pigs by a pond", "Several pigs by a pond")]
    ['kept', 'changed']
    """
    numbered = [target for target in asked if target.count is not None]
    if not numbered:
        return Numbers.KEPT
    given = _targets_of(rewritten)
    if given is None:
        return Numbers.UNCLEAR
    return Numbers.KEPT if all(_is_kept(target, given) for target in numbered) else Numbers.CHANGED


@functools.lru_cache(maxsize=4096)
def _targets_of(text: str) -> tuple[Target, ...] | None:
    """Read a text's targets, vague ones and single things too; ``None`` for another language than English."""
    # The grammar's word lists are not needed to sum up a run in which nothing was rewritten.
    from countcheck.suites.language.foreign import is_foreign
    from countcheck.suites.language.read_targets import read_targets
    from countcheck.suites.language.tokens import tokens_of

    if is_foreign(tokens_of(text)):
        return None
    reading = read_targets(text, article="one", approximate=True)
    # A long text says more of the same things, "three pigs" and then "one pig": each number is looked at by itself.
    pieces = (read_targets(piece, article="one", approximate=True) for piece in reading.not_understood)
    return (*reading.targets, *(target for piece in pieces for target in piece.targets))


def _is_kept(target: Target, given: Sequence[Target]) -> bool:
    of_noun = [other for other in given if other.noun == target.noun]
    if any(_number(other) == _number(target) for other in of_noun):
        return True
    if target.relation is Relation.NONE:
        return not of_noun  # what is not to be there need not be named
    if of_noun:
        return False
    return any(_number(other) == _number(target) for other in given)


def _number(target: Target) -> tuple[Relation, int | None, int | None]:
    return target.relation, target.count, target.upper


def numbers_told(text: str, targets: Sequence[Target], rewritten: str, recorded: object) -> Numbers | None:
    """Tell what became of a prompt's numbers: as recorded, or read from the text; ``None`` when it was not rewritten.

    Args:
        text: The prompt.
        targets: What it asks for.
        rewritten: The text that the provider says it drew from; empty when it says none.
        recorded: What was recorded when it was drawn, if anything.
    """
    if not rewritten or rewritten.strip() == text.strip():
        return None
    known = isinstance(recorded, str) and recorded in tuple(Numbers)
    return Numbers(str(recorded)) if known else numbers_after(targets, rewritten)
