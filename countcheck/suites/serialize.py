"""A suite as plain JSON values and back (how a run keeps it, how targets are published), and as a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.errors import BadSuite
from countcheck.files import atomic_write
from countcheck.suites.suite import Conversation, Noun, Prompt, Relation, Skipped, Suite, Target, Turn


def target_to_json(target: Target) -> dict[str, Any]:
    """Return the seven published fields of a target."""
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
    """Return the target that `target_to_json` wrote."""
    return Target(**{**body, "relation": Relation(body["relation"])})


def suite_to_json(suite: Suite) -> dict[str, Any]:
    """Return everything of a suite in plain JSON values.

    >>> suite = Suite(name="pigs", prompts=(Prompt(id="a", text="three pigs"),))
    >>> suite_from_json(suite_to_json(suite)) == suite
    True
    """
    return {
        "name": suite.name,
        "description": suite.description,
        "source": suite.source,
        "prompts": [_prompt_in_run(prompt) for prompt in suite.prompts],
        "conversations": [conversation_to_json(conversation) for conversation in suite.conversations],
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
    """Return the published fields of a prompt in plain JSON values."""
    return {
        "id": prompt.id,
        "text": prompt.text,
        "targets": [target_to_json(target) for target in prompt.targets],
        "tags": dict(prompt.tags),
        "group": prompt.group,
        "benign": prompt.benign,
    }


def _prompt_in_run(prompt: Prompt) -> dict[str, Any]:
    """A prompt as a run keeps it: what was not understood besides, where there is any."""
    body = prompt_to_json(prompt)
    return {**body, "not_understood": list(prompt.not_understood)} if prompt.not_understood else body


def conversation_to_json(conversation: Conversation) -> dict[str, Any]:
    """Return one conversation in plain JSON values."""
    return {
        "id": conversation.id,
        "turns": [
            {
                "say": turn.say,
                "targets": [target_to_json(target) for target in turn.targets],
                "tags": dict(turn.tags),
            }
            for turn in conversation.turns
        ],
        "repairs": conversation.repairs,
        "on_refusal": conversation.on_refusal,
        "tags": dict(conversation.tags),
        "group": conversation.group,
        "benign": conversation.benign,
    }


def suite_from_json(body: Mapping[str, Any]) -> Suite:
    """Return the suite that `suite_to_json` wrote."""
    return Suite(
        name=body["name"],
        description=body["description"],
        source=body["source"],
        prompts=tuple(_prompt_from_json(prompt) for prompt in body["prompts"]),
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


def _prompt_from_json(body: Mapping[str, Any]) -> Prompt:
    not_understood = tuple(body.get("not_understood", ()))
    return Prompt(**{**body, "targets": _targets(body["targets"]), "not_understood": not_understood})


def _targets(bodies: list[Mapping[str, Any]]) -> tuple[Target, ...]:
    return tuple(target_from_json(body) for body in bodies)


def write_suite(suite: Suite, path: Path) -> None:
    """Write a suite as a YAML file, whole or not at all; `read_suite` reads it back the same.

    Raises:
        BadSuite: When it cannot be written.
    """
    try:
        atomic_write(path, suite_to_yaml(suite))
    except OSError as error:
        raise BadSuite(f"{path}: cannot be written ({error.strerror}). Name another file.") from error


def suite_to_yaml(suite: Suite) -> bytes:
    """Return the content of a suite's YAML file."""
    import yaml

    head = [
        f"{suite.name}: {suite.description or 'imported prompts.'}",
        f"From {Path(suite.source).name or 'memory'}: {len(suite.prompts)} prompts, {len(suite.targets)} targets, "
        f"{len(suite.skipped)} lines skipped.",
        *(f"line {line.line} skipped: {line.why}" for line in suite.skipped),
        *(f"line {line.line}: {line.why}" for line in suite.remarks),
    ]
    comment = "".join(f"# {_comment(line)}\n" for line in head)
    body = yaml.dump(
        _as_yaml(suite),
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        sort_keys=False,
        allow_unicode=True,
        width=4096,
    )
    return (comment + body).encode("utf-8", errors="replace")


def _comment(line: str) -> str:
    """One line of text that YAML takes as a comment: control characters would make the file unreadable."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(line.split()))


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
                    "not_understood": list(prompt.not_understood),
                },
                benign=prompt.benign,
            )
            for prompt in suite.prompts
        ]
    if suite.conversations:
        body["conversations"] = [_conversation_as_yaml(conversation) for conversation in suite.conversations]
    return body


def _without_defaults(fields: dict[str, Any], *, benign: bool) -> dict[str, Any]:
    filled = {name: value for name, value in fields.items() if value not in (None, [], {}, "")}
    return filled if benign else {**filled, "benign": False}


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


def _conversation_as_yaml(conversation: Conversation) -> dict[str, Any]:
    turns = []
    before: tuple[Target, ...] = ()
    for turn in conversation.turns:
        nouns = {target.noun for target in turn.targets}
        gone = sorted({target.noun for target in before} - nouns)
        fields: dict[str, Any] = {
            "say": turn.say,
            "targets": [_target_as_yaml(target) for target in turn.targets],
            "forget": gone,
        }
        turns.append(_without_defaults({**fields, "tags": dict(turn.tags)}, benign=True))
        before = turn.targets
    fields = {"id": conversation.id, "tags": dict(conversation.tags), "group": conversation.group, "turns": turns}
    filled = _without_defaults(fields, benign=conversation.benign)
    return {**filled, "repairs": conversation.repairs, "on_refusal": conversation.on_refusal}
