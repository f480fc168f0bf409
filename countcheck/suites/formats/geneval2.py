"""GenEval 2: prompts with questions and answers ("How many pigs are in the image?", "three"); the counts become targets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.suites.compose import slug
from countcheck.suites.language.nouns import singular_of
from countcheck.suites.language.numbers import WORDS
from countcheck.suites.readers import Fit, Preview, PromptCollector, json_lines
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Prompt, Relation, Suite, Target

NAME = "geneval2"
_HOW_MANY = re.compile(r"how many (.+?) (?:are|is) (?:there )?in the (?:image|picture)", re.IGNORECASE)


def accepts(preview: Preview) -> Fit:
    """JSON with the fields vqa_list and prompt."""
    return Fit.EXACT if preview.shape == "json lines" and preview.has("vqa_list", "prompt") else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a GenEval 2 data file; what its other questions ask is a tag, and is not checked.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    collector = PromptCollector()
    for line, body in json_lines(path, collector):
        try:
            collector.add(line, _prompt(collector, body))
        except (KeyError, TypeError, ValueError) as error:
            collector.skip(line, f"not GenEval 2 data ({type(error).__name__}: {error})")
    return collector.suite(path, "GenEval 2 prompts. Counts are checked; attributes, positions and verbs are not.")


def _prompt(collector: PromptCollector, body: Mapping[str, Any]) -> Prompt:
    text = str(body["prompt"])
    targets = tuple(_target(str(q), str(a)) for q, a in body["vqa_list"] if _HOW_MANY.match(str(q)))
    skills = sorted(set(map(str, body.get("skills", ()))) - {"count", "object"})
    tags = {"atoms": str(body.get("atom_count", "")), "unchecked": "+".join(skills) or "none"}
    return Prompt(id=collector.fresh_id(slug(text)), text=text, targets=targets, tags=tags)


def _target(question: str, answer: str) -> Target:
    match = _HOW_MANY.match(question)
    if match is None:
        raise ValueError(f"no question for a number: {question!r}")
    *before, last = match[1].lower().split()
    noun = " ".join([*before, singular_of(last) or last])
    count = WORDS[answer.strip().lower()] if not answer.strip().isdigit() else int(answer)
    return Target(noun=noun, relation=Relation.EXACTLY if count else Relation.NONE, count=count, words=match[1])
