"""A suite as plain JSON values and back: how a run keeps what was asked, and how targets are published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countcheck.suites.suite import Conversation, Noun, Prompt, Relation, Skipped, Suite, Target, Turn


def target_to_json(target: Target) -> dict[str, Any]:
    """The seven published fields of a target."""
    return {
        "noun": target.noun,
        "phrase": target.phrase,
        "relation": str(target.relation),
        "count": target.count,
        "upper": target.upper,
        "other": target.other,
        "words": target.words,
    }


def target_from_json(body: Mapping[str, Any]) -> Target:
    """The target that `target_to_json` wrote."""
    return Target(**{**body, "relation": Relation(body["relation"])})


def suite_to_json(suite: Suite) -> dict[str, Any]:
    """Everything of a suite in plain JSON values."""
    return {
        "name": suite.name,
        "description": suite.description,
        "source": suite.source,
        "prompts": [prompt_to_json(prompt) for prompt in suite.prompts],
        "conversations": [conversation_to_json(talk) for talk in suite.conversations],
        "nouns": {
            name: {
                "name": noun.name,
                "phrase": noun.phrase,
                "plural": noun.plural,
                "synonyms": list(noun.synonyms),
                "distractors": list(noun.distractors),
            }
            for name, noun in suite.nouns.items()
        },
        "skipped": [{"line": skipped.line, "why": skipped.why} for skipped in suite.skipped],
    }


def prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    """One prompt in plain JSON values."""
    return {
        "id": prompt.id,
        "text": prompt.text,
        "targets": [target_to_json(target) for target in prompt.targets],
        "tags": dict(prompt.tags),
        "group": prompt.group,
        "benign": prompt.benign,
    }


def conversation_to_json(talk: Conversation) -> dict[str, Any]:
    """One conversation in plain JSON values."""
    return {
        "id": talk.id,
        "turns": [
            {
                "say": turn.say,
                "targets": [target_to_json(target) for target in turn.targets],
                "tags": dict(turn.tags),
            }
            for turn in talk.turns
        ],
        "repairs": talk.repairs,
        "on_refusal": talk.on_refusal,
        "tags": dict(talk.tags),
        "group": talk.group,
        "benign": talk.benign,
    }


def suite_from_json(body: Mapping[str, Any]) -> Suite:
    """The suite that `suite_to_json` wrote."""
    return Suite(
        name=body["name"],
        description=body["description"],
        source=body["source"],
        prompts=tuple(Prompt(**{**p, "targets": _targets(p["targets"])}) for p in body["prompts"]),
        conversations=tuple(
            Conversation(**{**c, "turns": tuple(Turn(**{**t, "targets": _targets(t["targets"])}) for t in c["turns"])})
            for c in body["conversations"]
        ),
        nouns={
            name: Noun(**{**noun, "synonyms": tuple(noun["synonyms"]), "distractors": tuple(noun["distractors"])})
            for name, noun in body["nouns"].items()
        },
        skipped=tuple(Skipped(**skipped) for skipped in body["skipped"]),
    )


def _targets(bodies: list[Mapping[str, Any]]) -> tuple[Target, ...]:
    return tuple(target_from_json(body) for body in bodies)
