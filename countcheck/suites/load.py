"""Suite files (YAML): read and checked, with errors that name file, line and field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countcheck.errors import BadSuite, field_problem, near_hint
from countcheck.suites.compose import (
    Combination,
    InvalidField,
    Level,
    carry_over,
    check_target,
    combine,
    fill,
    no_such,
    read_levels,
    read_target,
    slug,
    written,
)
from countcheck.suites.suite import Conversation, Noun, Prompt, Relation, Skipped, Suite, Target, Turn
from countcheck.yaml_loader import Document, load_yaml, read_yaml

Tags = dict[str, str | int | float | bool]
Place = tuple[str | int, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _NounFields(_Strict):
    phrase: str = ""
    plural: str = ""
    synonyms: list[str] = []
    distractors: list[str] = []


class _TargetFields(_Strict):
    noun: str
    relation: Relation = Relation.EXACTLY
    count: int | None = None
    upper: int | None = None
    other: str | None = None
    phrase: str = ""
    words: str = ""


class _Entry(_Strict):
    id: str | None = None
    tags: Tags = {}
    group: str | None = None
    benign: bool | None = None
    axes: list[str] | dict[str, Any] = {}
    leave_out: list[dict[str, Any]] = []
    pick: int | None = Field(default=None, ge=1)


class _PromptFields(_Entry):
    text: str
    targets: Any = None
    not_understood: list[str] = []


class _TurnFields(_Strict):
    say: str
    targets: Any = None
    forget: list[str] = []
    tags: Tags = {}


class _ConversationFields(_Entry):
    turns: list[_TurnFields] = Field(min_length=1)
    repairs: int = Field(default=0, ge=0)
    on_refusal: Literal["continue", "rewind", "stop"] = "continue"


class _SuiteFields(_Strict):
    name: str | None = None
    about: str = ""
    tags: Tags = {}
    benign: bool = True
    nouns: dict[str, _NounFields | str | None] = {}
    axes: dict[str, Any] = {}
    prompts: list[_PromptFields] = []
    conversations: list[_ConversationFields] = []


def read_suite(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        BadSuite: When it is no suite; names file, line and field.
    """
    return _suite_of(read_yaml(path), source=str(path), name=path.stem)


def parse_suite(text: str, *, source: str, name: str) -> Suite:
    """Read a suite from YAML text.

    Args:
        text: The suite.
        source: Named in errors.
        name: Of the suite, when it gives none.

    Raises:
        BadSuite: When it is no suite; names source, line and field.

    >>> parse_suite("prompts: [{text: three pigs, targets: {pig: 3}}]", source="example", name="pigs").vocabulary
    ('pig',)
    """
    return _suite_of(load_yaml(text, source=source), source=source, name=name)


def _suite_of(document: Document, *, source: str, name: str) -> Suite:
    if document.node is None:
        raise BadSuite(f"{source}: the file is empty. A suite is a mapping with prompts or conversations.")
    if not isinstance(document.data, dict):
        what = "empty" if document.data is None else f"a {type(document.data).__name__}"
        raise BadSuite(f"{source}: {what}, not a suite. A suite is a mapping with prompts or conversations.")
    try:
        fields = _SuiteFields.model_validate(document.data)
    except ValidationError as error:
        raise BadSuite(_explain(error, source, document)) from error
    try:
        suite = _build(fields, name, document)
    except InvalidField as error:
        raise BadSuite(f"{source}:{document.line(*error.at)}: {_dotted(error.at)}{error}.") from error
    if not suite.asked:
        raise BadSuite(f"{source}: no prompts and no conversations. Give at least one.")
    return Suite(
        name=suite.name,
        description=suite.description,
        prompts=suite.prompts,
        conversations=suite.conversations,
        nouns=suite.nouns,
        remarks=suite.remarks,
        source=source,
    )


def _dotted(place: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in place) + ": " if place else ""


_MODELS: dict[str, type[BaseModel]] = {
    "prompts": _PromptFields,
    "conversations": _ConversationFields,
    "turns": _TurnFields,
    "nouns": _NounFields,
}


def _explain(error: ValidationError, source: str, document: Document) -> str:
    """The first thing wrong, in plain words. Pydantic names the branches of unions in the place; the file has none of them."""
    first = error.errors()[0]
    place = tuple(part for part in first["loc"] if not _is_branch(part))
    where = f"{source}:{document.line(*place)}: "
    model = next((_MODELS[p] for p in reversed(place[:-1]) if p in _MODELS), _SuiteFields)
    at = place[:-1] if first["type"] in ("extra_forbidden", "missing") else place
    return f"{where}{_dotted(at)}{field_problem({**first, 'loc': place}, model.model_fields)}"


def _is_branch(part: str | int) -> bool:
    return isinstance(part, str) and (part in ("str", "int", "float", "bool", "_NounFields") or "[" in part)


def _build(fields: _SuiteFields, name: str, document: Document) -> Suite:
    nouns = {noun: _noun(noun, body) for noun, body in fields.nouns.items()}
    shared = {axis: _levels(raw, "axes", axis) for axis, raw in fields.axes.items()}
    prompts: list[Prompt] = []
    remarks: list[Skipped] = []
    conversations: list[Conversation] = []
    ids: dict[str, Place] = {}
    for n, entry in enumerate(fields.prompts):
        at = ("prompts", n)
        for combination in _combinations(entry, shared, at):
            with _At(at):
                prompt = _prompt(entry, combination, fields, nouns)
            _unique(prompt.id, ids, at)
            prompts.append(prompt)
            if prompt.not_understood:
                remarks.append(Skipped.not_understood(document.line(*at), prompt))
    for n, turns in enumerate(fields.conversations):
        at = ("conversations", n)
        for combination in _combinations(turns, shared, at):
            with _At(at):
                conversation = _conversation(turns, combination, fields, nouns)
            _unique(conversation.id, ids, at)
            conversations.append(conversation)
    return Suite(
        name=fields.name or name,
        description=" ".join(fields.about.split()),
        prompts=tuple(prompts),
        conversations=tuple(conversations),
        nouns=nouns,
        remarks=tuple(remarks),
    )


class _At:
    """A context that puts a place in front of that of an `InvalidField` raised inside."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InvalidField):
            raise InvalidField(str(error), *self.place, *error.at) from error


def _noun(name: str, body: _NounFields | str | None) -> Noun:
    if body is None or isinstance(body, str):
        return Noun(name=name, plural=body or "")
    return Noun(
        name=name,
        phrase=body.phrase,
        plural=body.plural,
        synonyms=tuple(body.synonyms),
        distractors=tuple(body.distractors),
    )


def _levels(raw: Any, *at: str | int) -> tuple[Level, ...]:
    with _At(at):
        return read_levels(raw)


def _combinations(entry: _Entry, shared: Mapping[str, tuple[Level, ...]], at: Place) -> Iterable[Combination]:
    if not entry.axes:
        if entry.pick is not None or entry.leave_out:
            raise InvalidField("pick and leave_out need axes", *at)
        return [{}]
    named = dict.fromkeys(entry.axes) if isinstance(entry.axes, list) else entry.axes
    axes: dict[str, tuple[Level, ...]] = {}
    for name, raw in named.items():
        if name in shared and isinstance(raw, list):
            axes[name] = _some(shared[name], raw, *at, "axes", name)
        elif raw is not None:
            axes[name] = _levels(raw, *at, "axes", name)
        elif name in shared:
            axes[name] = shared[name]
        else:
            raise InvalidField(no_such("axis", name, shared), *at, "axes")
    with _At(at):
        return combine(axes, leave_out=entry.leave_out, pick=entry.pick)


def _some(levels: Sequence[Level], wanted: Sequence[Any], *at: str | int) -> tuple[Level, ...]:
    """The levels of the suite's own axis that an entry asks for by name."""
    by_label = {level.label: level for level in levels}
    for name in wanted:
        if str(name) not in by_label:
            known = ", ".join(by_label)
            raise InvalidField(f"the axis has no level {name!r}.{near_hint(str(name), by_label)} Known: {known}", *at)
    return tuple(by_label[str(name)] for name in wanted)


def _unique(name: str, ids: dict[str, Place], at: Place) -> None:
    if name in ids:
        first = "the same entry" if ids[name] == at else _dotted(ids[name])[:-2]
        raise InvalidField(f"the id {name!r} is already used by {first}. Give each its own id", *at, "id")
    ids[name] = at


def _prompt(entry: _PromptFields, levels: Combination, suite: _SuiteFields, nouns: Mapping[str, Noun]) -> Prompt:
    text = _fill(entry.text, levels, nouns, "text")
    if not text.strip():
        raise InvalidField("the text is empty", "text")
    return Prompt(
        id=_id(entry.id, levels, nouns) or slug(text),
        text=text,
        targets=_targets(entry.targets, levels, nouns, text),
        tags=_tags(suite.tags, entry.tags, levels, nouns),
        group=_fill(entry.group, levels, nouns, "group") if entry.group else None,
        benign=suite.benign if entry.benign is None else entry.benign,
        not_understood=tuple(entry.not_understood),
    )


def _conversation(
    entry: _ConversationFields, levels: Combination, suite: _SuiteFields, nouns: Mapping[str, Noun]
) -> Conversation:
    turns: list[Turn] = []
    targets: tuple[Target, ...] = ()
    tags = _tags(suite.tags, entry.tags, levels, nouns)
    for n, turn in enumerate(entry.turns):
        with _At(("turns", n)):
            say = _fill(turn.say, levels, nouns, "say")
            for noun in turn.forget:
                if noun not in (known := {target.noun: target for target in targets}):
                    raise InvalidField(no_such("noun to forget", noun, known), "forget")
            targets = carry_over(targets, _targets(turn.targets, levels, nouns, say), turn.forget)
            tags = {**tags, **_tags({}, turn.tags, levels, nouns)}
            turns.append(Turn(say=say, targets=targets, tags=tags))
    return Conversation(
        id=_id(entry.id, levels, nouns) or slug(turns[0].say),
        turns=tuple(turns),
        repairs=entry.repairs,
        on_refusal=entry.on_refusal,
        tags=_tags(suite.tags, entry.tags, levels, nouns),
        group=_fill(entry.group, levels, nouns, "group") if entry.group else None,
        benign=suite.benign if entry.benign is None else entry.benign,
    )


def _id(template: str | None, levels: Combination, nouns: Mapping[str, Noun]) -> str:
    return "-".join(_fill(template or "", levels, nouns, "id").split())


def _fill(template: str, levels: Combination, nouns: Mapping[str, Noun], *at: str | int) -> str:
    """Templates exist only where there are axes; elsewhere braces are literal."""
    if not levels:
        return template
    with _At(at):
        return fill(template, levels, nouns)


def _tags(shared: Tags, own: Tags, levels: Combination, nouns: Mapping[str, Noun]) -> dict[str, str]:
    both = {**shared, **own}
    return {name: _fill(written(value), levels, nouns, "tags", name) for name, value in both.items()}


def _targets(raw: Any, levels: Combination, nouns: Mapping[str, Noun], text: str) -> tuple[Target, ...]:
    if raw is None:
        return ()
    if isinstance(raw, dict):
        return tuple(_short_target(key, value, levels, nouns) for key, value in raw.items())
    if isinstance(raw, list):
        return tuple(_long_target(n, item, levels, nouns) for n, item in enumerate(raw))
    raise InvalidField(f"{raw!r} is no targets. Write a mapping such as {{pig: 3, dog: none}}, or a list", "targets")


def _short_target(key: Any, value: Any, levels: Combination, nouns: Mapping[str, Noun]) -> Target:
    with _At(("targets", str(key))):
        filled = fill(value, levels, nouns) if isinstance(value, str) and levels else value
        return read_target(_fill(str(key), levels, nouns), filled, nouns)


def _long_target(n: int, item: Any, levels: Combination, nouns: Mapping[str, Noun]) -> Target:
    with _At(("targets", n)):
        if not isinstance(item, dict):
            raise InvalidField(f"{item!r} is not a mapping with noun, relation and count")
        filled = {k: _fill(v, levels, nouns, str(k)) if isinstance(v, str) else v for k, v in item.items()}
        return full_target(filled, nouns)


def full_target(item: Mapping[str, Any], nouns: Mapping[str, Noun]) -> Target:
    """Read a target whose fields are all given.

    Raises:
        InvalidField: For a field that is not known or makes no sense.
    """
    try:
        fields = _TargetFields.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(_TargetFields.model_fields)
        what = f"no such field. Known: {known}" if first["type"] == "extra_forbidden" else first["msg"]
        raise InvalidField(f"is {str(first['input'])[:80]!r}: {what}", *first["loc"]) from error
    phrase = fields.phrase or (nouns[fields.noun].phrase if fields.noun in nouns else "")
    return check_target(Target(**{**fields.model_dump(), "phrase": phrase}), nouns)
