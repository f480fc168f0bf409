"""GenEval 2: prompts with questions and answers ("How many pigs are in the image?", "three"); the counts become targets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.suites.compose import slug
from countcheck.suites.language.nouns import singular_of
from countcheck.suites.language.numbers import WORDS
from countcheck.suites.readers import Gathered, json_lines
from countcheck.suites.suite import Prompt, Relation, Suite, Target

_HOW_MANY = re.compile(r"how many (.+?) (?:are|is) (?:there )?in the (?:image|picture)", re.IGNORECASE)


def read(path: Path, **_: Any) -> Suite:
    """The suite in a GenEval 2 data file; what its other questions ask is a tag, and is not checked."""
    gathered = Gathered()
    for line, body in json_lines(path, gathered):
        try:
            gathered.add(line, _prompt(gathered, body))
        except (KeyError, TypeError, ValueError) as error:
            gathered.skip(line, f"not GenEval 2 data ({type(error).__name__}: {error})")
    return gathered.suite(path, "GenEval 2 prompts. Counts are checked; attributes, positions and verbs are not.")


def _prompt(gathered: Gathered, body: Mapping[str, Any]) -> Prompt:
    text = str(body["prompt"])
    targets = tuple(_target(str(q), str(a)) for q, a in body["vqa_list"] if _HOW_MANY.match(str(q)))
    skills = sorted(set(map(str, body.get("skills", ()))) - {"count", "object"})
    tags = {"atoms": str(body.get("atom_count", "")), "unchecked": "+".join(skills) or "none"}
    return Prompt(id=gathered.fresh_id(slug(text)), text=text, targets=targets, tags=tags)


def _target(question: str, answer: str) -> Target:
    found = _HOW_MANY.match(question)
    if found is None:
        raise ValueError(f"no question for a number: {question!r}")
    *before, last = found[1].lower().split()
    noun = " ".join([*before, singular_of(last) or last])
    count = WORDS[answer.strip().lower()] if not answer.strip().isdigit() else int(answer)
    return Target(noun=noun, relation=Relation.EXACTLY if count else Relation.NONE, count=count, words=found[1])
