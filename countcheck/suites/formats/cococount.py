"""CoCoCount: one COCO object and its number in a scene (Binyamin et al. 2024), as a JSON list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.suites.compose import slug
from countcheck.suites.readers import Fit, Preview, PromptCollector, json_list
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Noun, Prompt, Relation, Suite, Target

NAME = "cococount"


def accepts(preview: Preview) -> Fit:
    """JSON with the fields object, int_number and prompt."""
    return Fit.EXACT if preview.shape == "json list" and preview.has("object", "int_number", "prompt") else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a ``CoCoCount.json``. The same prompt with another seed is kept once: this program makes its own seeds.

    Raises:
        BadSuite: When the file is no JSON list, or there is no prompt in it.
    """
    collector = PromptCollector()
    nouns: dict[str, Noun] = {}
    for line, body in json_list(path, collector):
        try:
            prompt = _prompt(body)
        except (KeyError, TypeError, ValueError) as error:
            collector.skip(line, f"not a CoCoCount entry ({type(error).__name__}: {error})")
            continue
        noun = prompt.targets[0].noun
        nouns.setdefault(noun, Noun(name=noun, plural=str(body.get("object_plural") or "")))
        collector.add(line, prompt)
    return collector.suite(path, "CoCoCount: one COCO object, 2 to 10 of it.", nouns=nouns)


def _prompt(body: Mapping[str, Any]) -> Prompt:
    text, noun, count = str(body["prompt"]), str(body["object"]).lower(), int(body["int_number"])
    if count < 0:
        raise ValueError(f"int_number is {count}")
    words = f"{body.get('number', count)} {body.get('object_plural', noun)}"
    relation = Relation.EXACTLY if count else Relation.NONE
    return Prompt(
        id=slug(text),
        text=text,
        targets=(Target(noun=noun, relation=relation, count=count, words=words),),
        tags={"scene": str(body.get("scene") or "none"), "number_form": "word"},
    )
