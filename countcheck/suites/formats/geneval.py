"""GenEval's `evaluation_metadata.jsonl`: classes to include and to exclude, with their counts (Ghosh et al. 2023).

Include means at least; include n with exclude n + 1 means exactly n. Colours and positions are kept as tags and in the
targets' words; counting does not check them, `countcheck.counting.geneval_rule` checks positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.suites.compose import MAX_COUNT
from countcheck.suites.readers import Fit, Preview, PromptCollector, json_lines
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Noun, Prompt, Relation, Suite, Target

NAME = "geneval"

# Its names for COCO classes that differ from COCO's own.
COCO_NAMES = {
    "computer keyboard": "keyboard",
    "computer mouse": "mouse",
    "tv remote": "remote",
    "sports ball": "ball",
    "tv": "television",
    "cell phone": "phone",
}


def accepts(preview: Preview) -> Fit:
    """JSON with the fields include and prompt."""
    return Fit.EXACT if preview.shape == "json lines" and preview.has("include", "prompt") else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read an ``evaluation_metadata.jsonl``; ids are the five-digit folder names of its picture tree.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    collector = PromptCollector(repeats=True)
    for line, body in json_lines(path, collector):
        try:
            # A folder is named by its line, so that one damaged line moves no other.
            collector.add(line, prompt_of(f"{line - 1:05d}", body))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            collector.skip(line, f"not GenEval metadata ({type(error).__name__}: {error})")
    nouns = sorted({noun for prompt in collector.prompts for t in prompt.targets for noun in t.nouns})
    return collector.suite(
        path,
        "GenEval prompts. Counts are checked; colours and positions are tags and are not.",
        nouns={name: Noun(name=name, synonyms=(COCO_NAMES[name],) if name in COCO_NAMES else ()) for name in nouns},
    )


def prompt_of(name: str, body: Mapping[str, Any]) -> Prompt:
    """Build the prompt that a line of the metadata file describes.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: For a line that is not GenEval's.
    """
    tags = {"task": str(body.get("tag", ""))}
    include = list(body.get("include", []))
    colours = [str(clause["color"]) for clause in include if "color" in clause]
    positions = [str(clause["position"][0]) for clause in include if "position" in clause]
    if colours:
        tags["colour"] = ", ".join(colours)
    if positions:
        tags["position"] = ", ".join(positions)
    return Prompt(id=name, text=str(body["prompt"]), targets=targets_of(body), tags=tags)


def targets_of(metadata: Mapping[str, Any]) -> tuple[Target, ...]:
    """Turn include and exclude clauses into targets, one a class, in the order of the clauses.

    Raises:
        KeyError, TypeError, ValueError: For clauses that are not GenEval's.

    >>> clauses = {"include": [{"class": "clock", "count": 3}], "exclude": [{"class": "clock", "count": 4}]}
    >>> [target.sentence() for target in targets_of(clauses)]
    ['exactly 3 clock']
    """
    least: dict[str, int] = {}
    below: dict[str, int] = {}
    words: dict[str, str] = {}
    for clause in metadata.get("include", []):
        noun = str(clause["class"])
        least[noun] = max(least.get(noun, 0), _count(clause, 0))
        words.setdefault(noun, f"{clause['color']} {noun}" if "color" in clause else "")
    for clause in metadata.get("exclude", []):
        noun = str(clause["class"])
        below[noun] = min(below.get(noun, 10**6), _count(clause, 1))
    return tuple(_target(noun, least.get(noun), below.get(noun), words.get(noun, "")) for noun in {**least, **below})


def _count(clause: Mapping[str, Any], smallest: int) -> int:
    count = int(clause["count"])
    if not smallest <= count <= MAX_COUNT:
        raise ValueError(f"the count of {clause['class']} is {count}")
    return count


def _target(noun: str, least: int | None, below: int | None, words: str) -> Target:
    if below is None:
        return Target(noun=noun, relation=Relation.AT_LEAST, count=least or 0, words=words)
    most = below - 1
    if least is None:
        relation = Relation.NONE if most == 0 else Relation.AT_MOST
        return Target(noun=noun, relation=relation, count=most, words=words)
    if least == most:
        return Target(noun=noun, relation=Relation.EXACTLY, count=least, words=words)
    return Target(noun=noun, relation=Relation.BETWEEN, count=least, upper=most, words=words)
