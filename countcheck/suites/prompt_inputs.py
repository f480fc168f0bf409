"""Take prompts as Python callers have them: a text, a `Prompt`, targets by noun, or GenEval metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from countcheck.errors import BadInput
from countcheck.suites.compose import InvalidField, read_target
from countcheck.suites.formats.geneval import targets_of
from countcheck.suites.language.read_targets import read_targets
from countcheck.suites.suite import Prompt, Target

PromptInput: TypeAlias = "str | Prompt | Mapping[str, Any]"


def as_prompt(prompt: PromptInput, *, place: str = "the prompt") -> Prompt:
    """Return the prompt with its targets.

    Args:
        prompt: A text, whose targets are read from it; a `Prompt`; targets by noun such as ``{"pig": 3, "wolf": "none"}``
            with the short forms of a suite; or GenEval metadata with ``include`` and perhaps ``exclude`` and ``prompt``.
        place: Names the prompt in an error.

    Raises:
        BadInput: If it is of another type, or a target is written wrongly.

    >>> [target.sentence() for target in as_prompt({"pig": 3, "wolf": "at most 1"}).targets]
    ['exactly 3 pig', 'at most 1 wolf']
    >>> [target.sentence() for target in as_prompt("two cats and a dozen eggs").targets]
    ['exactly 2 cat', 'exactly 12 egg']
    """
    if isinstance(prompt, Prompt):
        return prompt
    if isinstance(prompt, str):
        return Prompt(id=prompt, text=prompt, targets=read_targets(prompt).targets)
    if not isinstance(prompt, Mapping):
        raise BadInput(f"{place} is of type {type(prompt).__name__}. Give a text, a Prompt, or targets by noun.")
    if isinstance(prompt.get("include"), list):
        return _from_geneval(prompt, place)
    targets = _from_nouns(prompt, place)
    text = ", ".join(target.sentence() for target in targets)
    return Prompt(id=text, text=text, targets=targets)


def _from_nouns(targets: Mapping[str, Any], place: str) -> tuple[Target, ...]:
    try:
        return tuple(read_target(str(noun).strip().lower(), wanted, {}) for noun, wanted in targets.items())
    except InvalidField as error:
        raise BadInput(f"{place}: {error}.") from error


def _from_geneval(metadata: Mapping[str, Any], place: str) -> Prompt:
    try:
        targets = targets_of(metadata)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{place}: not GenEval metadata ({type(error).__name__}: {error}).") from error
    text = str(metadata.get("prompt") or ", ".join(target.sentence() for target in targets))
    tags = {"task": str(metadata["tag"])} if metadata.get("tag") else {}
    return Prompt(id=text, text=text, targets=targets, tags=tags)
