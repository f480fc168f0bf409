"""A suite as a YAML file: written whole or not at all, and read back the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from countcheck.errors import BadSuite
from countcheck.files import atomic_write
from countcheck.suites.suite import Conversation, Noun, Suite, Target


def write_suite(suite: Suite, path: Path) -> None:
    """The suite as a YAML file, whole or not at all. Raises `BadSuite` when it cannot be written."""
    head = [
        f"{suite.name}: {suite.description or 'imported prompts.'}",
        f"From {Path(suite.source).name or 'memory'}: {len(suite.prompts)} prompts, {len(suite.targets)} targets, "
        f"{len(suite.skipped)} lines skipped.",
        *(f"line {one.line} skipped: {one.why}" for one in suite.skipped),
        *(f"line {one.line}: {one.why}" for one in suite.remarks),
    ]
    comment = "".join(f"# {' '.join(line.split())}\n" for line in head)
    body = yaml.dump(
        _as_yaml(suite),
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        sort_keys=False,
        allow_unicode=True,
        width=4096,
    )
    try:
        atomic_write(path, (comment + body).encode())
    except OSError as error:
        raise BadSuite(f"{path}: cannot be written ({error.strerror}). Name another file.") from error


def _as_yaml(suite: Suite) -> dict[str, Any]:
    body: dict[str, Any] = {"name": suite.name, "about": suite.description}
    if suite.nouns:
        body["nouns"] = {name: _noun_as_yaml(noun) for name, noun in suite.nouns.items()}
    if suite.prompts:
        body["prompts"] = [
            _without_defaults(
                {
                    "id": prompt.id,
                    "text": prompt.text,
                    "targets": [_target_as_yaml(target) for target in prompt.targets],
                    "tags": dict(prompt.tags),
                    "group": prompt.group,
                },
                benign=prompt.benign,
            )
            for prompt in suite.prompts
        ]
    if suite.conversations:
        body["conversations"] = [_talk_as_yaml(talk) for talk in suite.conversations]
    return body


def _without_defaults(fields: dict[str, Any], *, benign: bool) -> dict[str, Any]:
    kept = {name: value for name, value in fields.items() if value not in (None, [], {}, "")}
    return kept if benign else {**kept, "benign": False}


def _target_as_yaml(target: Target) -> dict[str, Any]:
    return {
        "noun": target.noun,
        "relation": str(target.relation),
        **{
            name: value
            for name, value in (
                ("count", target.count),
                ("upper", target.upper),
                ("other", target.other),
                ("phrase", target.phrase if target.phrase != target.noun else None),
                ("words", target.words or None),
            )
            if value is not None
        },
    }


def _noun_as_yaml(noun: Noun) -> dict[str, Any]:
    fields = {
        "phrase": noun.phrase,
        "plural": noun.plural,
        "synonyms": list(noun.synonyms),
        "distractors": list(noun.distractors),
    }
    return {name: value for name, value in fields.items() if value}


def _talk_as_yaml(talk: Conversation) -> dict[str, Any]:
    turns = []
    before: tuple[Target, ...] = ()
    for turn in talk.turns:
        nouns = {target.noun for target in turn.targets}
        gone = sorted({target.noun for target in before} - nouns)
        fields: dict[str, Any] = {
            "say": turn.say,
            "targets": [_target_as_yaml(target) for target in turn.targets],
            "forget": gone,
        }
        turns.append(_without_defaults({**fields, "tags": dict(turn.tags)}, benign=True))
        before = turn.targets
    fields = {"id": talk.id, "tags": dict(talk.tags), "group": talk.group, "turns": turns}
    kept = _without_defaults(fields, benign=talk.benign)
    return {**kept, "repairs": talk.repairs, "on_refusal": talk.on_refusal}
