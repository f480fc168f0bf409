"""Templates multiplied by axes into prompts, and the short ways of writing a target.

An axis is a list of levels. ``{axis}`` in a template is a level's name, ``{axis.field}`` one of its fields. After a
colon stands how it is written: ``{number:word}`` or ``{number:form}`` (the form that another axis names), and
``{noun:number}`` (the noun as it goes with that axis's number), ``{noun:plural}``.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from countcheck.errors import near_hint
from countcheck.suites.language.nouns import plural_of
from countcheck.suites.language.numbers import MOST, PHRASES, spell
from countcheck.suites.suite import Noun, Relation, Target

Value = str | int | float | bool
FORMS = ("digit", "word", "phrase")
MAX_COMBINATIONS = 200_000
MAX_COUNT = 999_999_999
"""The largest number that a target may ask for."""


class InvalidField(Exception):
    """A field of a suite that makes no sense; the loader adds file and line.

    Attributes:
        at: The place of the field: keys and positions, from the outside to the inside.
    """

    def __init__(self, message: str, *at: str | int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One value of an axis: its name or number, and its fields."""

    value: Value
    fields: Mapping[str, Value] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """As written in tags and ids."""
        return written(self.value)


Combination = Mapping[str, Level]


def written(value: Value) -> str:
    """Return a plain YAML value as text: ``true`` rather than ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_levels(raw: Any) -> tuple[Level, ...]:
    """Read the levels of an axis: a list of plain values or mappings, or a mapping of names to fields.

    Raises:
        InvalidField: For anything else.
    """
    if isinstance(raw, dict) and raw:
        return tuple(Level(value=_scalar(name), fields=_fields(body, name)) for name, body in raw.items())
    if isinstance(raw, list) and raw:
        return tuple(_level(item, place) for place, item in enumerate(raw))
    raise InvalidField("an axis needs a list of values, or a mapping of names to fields")


def _level(item: Any, place: int) -> Level:
    if isinstance(item, dict) and item:
        fields = _fields(item, place)
        return Level(value="-".join(written(v) for v in fields.values()), fields=fields)
    return Level(value=_scalar(item, place))


def _fields(body: Any, at: str | int) -> dict[str, Value]:
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise InvalidField(f"{body!r} is not a mapping of fields", at)
    return {str(name): _scalar(value, at, str(name)) for name, value in body.items()}


def _scalar(value: Any, *at: str | int) -> Value:
    if isinstance(value, str | int | float | bool):
        return value
    raise InvalidField(f"{value!r} is not a plain value", *at)


def combine(
    axes: Mapping[str, Sequence[Level]],
    *,
    leave_out: Sequence[Mapping[str, Any]] = (),
    pick: int | None = None,
) -> list[dict[str, Level]]:
    """Return every combination of the axes' levels, those that match an entry of ``leave_out`` aside.

    Args:
        axes: Axis name to levels.
        leave_out: Mappings of axis to a level, or a list of levels; a combination that matches all of one is left out.
        pick: How many to choose, so that levels, and then pairs of levels, come up equally often. The same axes always
            give the same choice, and the first k of it are as balanced as k can be.

    Raises:
        InvalidField: For an unknown axis, more than `MAX_COMBINATIONS`, or a pick larger than what there is.

    >>> axes = {"number": read_levels([1, 2]), "noun": read_levels(["pig", "wolf"])}
    >>> [f"{c['number'].label} {c['noun'].label}" for c in combine(axes, leave_out=[{"number": 2, "noun": "wolf"}])]
    ['1 pig', '1 wolf', '2 pig']
    """
    names = list(axes)
    size = math.prod(len(axes[name]) for name in names)
    if size > MAX_COMBINATIONS:
        raise InvalidField(f"the axes multiply to {size} prompts; the most is {MAX_COMBINATIONS}", "axes")
    for n, entry in enumerate(leave_out):
        for name in entry:
            if name not in axes:
                raise InvalidField(no_such("axis", name, axes), "leave_out", n, name)
    indices = [
        index
        for index in itertools.product(*(range(len(axes[name])) for name in names))
        if not any(_matches(entry, {n: axes[n][i] for n, i in zip(names, index, strict=True)}) for entry in leave_out)
    ]
    if pick is not None:
        if pick > len(indices):
            raise InvalidField(f"pick is {pick}, and the axes give only {len(indices)} prompts", "pick")
        indices = [indices[i] for i in _balanced(np.array(indices), [len(axes[n]) for n in names], pick)]
    return [{name: axes[name][i] for name, i in zip(names, index, strict=True)} for index in indices]


def _matches(entry: Mapping[str, Any], combination: Combination) -> bool:
    return all(
        combination[name].label in [written(v) for v in (wanted if isinstance(wanted, list) else [wanted])]
        for name, wanted in entry.items()
    )


def _balanced(combinations: np.ndarray, sizes: Sequence[int], pick: int) -> list[int]:
    """Greedy: always the combination whose levels, and pairs of levels, were used least for their share."""
    n, width = combinations.shape
    order = np.array([int.from_bytes(hashlib.sha256(b"%d" % i).digest()[:4], "big") for i in range(n)])
    pairs = [(a, b) for a in range(width) for b in range(a + 1, width)]
    levels = [np.zeros(size, np.int64) for size in sizes]
    joint = [np.zeros((sizes[a], sizes[b]), np.int64) for a, b in pairs]
    free = np.ones(n, bool)
    chosen: list[int] = []
    for _ in range(pick):
        cost = np.zeros(n, np.int64)
        for axis in range(width):
            cost += 100 * sizes[axis] * levels[axis][combinations[:, axis]]
        for (a, b), seen in zip(pairs, joint, strict=True):
            cost += sizes[a] * sizes[b] * seen[combinations[:, a], combinations[:, b]]
        cost = np.where(free, cost, np.iinfo(np.int64).max)
        best = np.flatnonzero(cost == cost.min())
        taken = int(best[np.argmin(order[best])])
        free[taken] = False
        chosen.append(taken)
        for axis in range(width):
            levels[axis][combinations[taken, axis]] += 1
        for (a, b), seen in zip(pairs, joint, strict=True):
            seen[combinations[taken, a], combinations[taken, b]] += 1
    return chosen


def fill(template: str, combination: Combination, nouns: Mapping[str, Noun]) -> str:
    """Fill a template: every ``{axis}`` is replaced by its level.

    Args:
        template: Text with ``{axis}``, ``{axis.field}`` or ``{axis:form}``; ``{{`` is a brace.
        combination: Axis name to level.
        nouns: The suite's nouns, for their plurals.

    Raises:
        InvalidField: For an axis, field or form that does not exist, or braces that do not match.

    >>> fill("{n:word} {noun:n}", {"n": Level(value=3), "noun": Level(value="wolf")}, {})
    'three wolves'
    """
    if "{" not in template and "}" not in template:
        return template
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InvalidField(f"{template!r} is not a template ({error}); write {{{{ for a brace") from error
    return "".join(
        literal + ("" if name is None else _piece(name, spec or "", combination, nouns))
        for literal, name, spec, _ in pieces
    )


def _piece(name: str, spec: str, combination: Combination, nouns: Mapping[str, Noun]) -> str:
    axis, _, part = name.partition(".")
    if axis not in combination:
        raise InvalidField(no_such("axis", axis, combination))
    level = combination[axis]
    if part and part not in level.fields:
        raise InvalidField(no_such(f"field of axis {axis!r}", part, level.fields))
    value = level.fields[part] if part else level.value
    if not spec:
        return written(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _number(value, spec, combination)
    return _noun(written(value), spec, combination, nouns)


def _number(value: int, spec: str, combination: Combination) -> str:
    form = combination[spec].label if spec in combination else spec
    match form:
        case "digit":
            return str(value)
        case "word" if 0 <= value <= MOST:
            return spell(value)
        case "word":
            raise InvalidField(f"{value} cannot be written as a word; 0 to {MOST} can")
        case "phrase" if value in PHRASES:
            return PHRASES[value]
        case "phrase":
            raise InvalidField(f"no phrase says {value} (there are phrases for {', '.join(map(str, PHRASES))})")
    raise InvalidField(no_such("form of a number", form, [*FORMS, *combination]))


def _noun(noun: str, spec: str, combination: Combination, nouns: Mapping[str, Noun]) -> str:
    axis, _, part = spec.partition(".")
    if spec == "plural":
        return plural_of(noun, nouns)
    if axis not in combination:
        raise InvalidField(no_such("axis", axis, combination))
    level = combination[axis]
    number = level.fields.get(part) if part else level.value
    if not isinstance(number, int) or isinstance(number, bool):
        raise InvalidField(f"{spec!r} is {number!r}, not a number that {noun!r} could go with")
    return noun if number == 1 else plural_of(noun, nouns)


def no_such(kind: str, name: str, known: Any) -> str:
    """Word that a name does not exist, with the nearest one and all there are."""
    known = [str(k) for k in known]
    return f"no {kind} {name!r}.{near_hint(name, known)} Known: {', '.join(known) or 'none'}"


_SHORT = (
    (re.compile(r"(?:exactly )?(\d{1,9})"), Relation.EXACTLY),
    (re.compile(r"at least (\d{1,9})|(\d{1,9}) or more|(\d{1,9})\+"), Relation.AT_LEAST),
    (re.compile(r"at most (\d{1,9})|up to (\d{1,9})|(\d{1,9}) or fewer"), Relation.AT_MOST),
)
_BETWEEN = re.compile(r"(?:between )?(\d{1,9}) ?(?:to|and|-) ?(\d{1,9})")
_MORE = re.compile(r"more than (?:the )?(\D+)")
_AS_MANY = re.compile(r"as many as (?:the )?(\D+)")
SHORT_FORMS = "3, at least 2, at most 4, 3 to 5, none, more than NOUN, as many as NOUN"


def read_target(noun: str, raw: Any, nouns: Mapping[str, Noun]) -> Target:
    """Read a target from a noun and the short way of writing its number; see `SHORT_FORMS`.

    Raises:
        InvalidField: For a number that is none of these.

    >>> read_target("pig", "at least 2", {}).sentence()
    'at least 2 pig'
    """
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise InvalidField(f"{noun} is {raw!r}. Give a number, or one of: {SHORT_FORMS}")
    text = " ".join(str(raw).lower().split())
    if text in ("none", "no", "0"):
        return _target(nouns, noun=noun, relation=Relation.NONE, count=0)
    for pattern, relation in _SHORT:
        if match := pattern.fullmatch(text):
            count = int(next(group for group in match.groups() if group))
            return _target(nouns, noun=noun, relation=relation, count=count)
    if match := _BETWEEN.fullmatch(text):
        return _target(nouns, noun=noun, relation=Relation.BETWEEN, count=int(match[1]), upper=int(match[2]))
    for pattern, relation in ((_MORE, Relation.MORE_THAN), (_AS_MANY, Relation.AS_MANY_AS)):
        if match := pattern.fullmatch(text):
            return _target(nouns, noun=noun, relation=relation, other=match[1])
    if re.fullmatch(r"-\d+", text):
        raise InvalidField(f"{noun} is {text}. Give a whole number, 0 or more")
    raise InvalidField(f"{noun} is {raw!r}. Give a number, or one of: {SHORT_FORMS}")


def check_target(target: Target, nouns: Mapping[str, Noun]) -> Target:
    """Return the target itself if it makes sense.

    Raises:
        InvalidField: For an unknown noun, a count below 0, a range that ends before it begins, or fields that its relation
            does not take.
    """
    for noun in target.nouns:
        if nouns and noun not in nouns:
            raise InvalidField(no_such("noun", noun, nouns) + ". A suite that lists nouns lists all of them")
        if not noun.strip():
            raise InvalidField("a target has no noun")
    relation = target.relation
    if relation in (Relation.MORE_THAN, Relation.AS_MANY_AS):
        if target.other is None or target.other == target.noun:
            raise InvalidField(f"{relation} needs another noun in the field other")
        if target.count is not None:
            raise InvalidField(f"{relation} compares two nouns and takes no count")
    elif target.count is None:
        raise InvalidField(f"{target.noun} has no count. Give a whole number, 0 or more")
    elif target.count < 0:
        raise InvalidField(f"{target.noun} is {target.count}. Give a whole number, 0 or more")
    elif max(target.count, target.upper or 0) > MAX_COUNT:
        raise InvalidField(f"{target.noun} is more than {MAX_COUNT:,}. Give a smaller number")
    elif target.other is not None:
        raise InvalidField(f"{relation} takes no field other")
    if relation is Relation.NONE and target.count:
        raise InvalidField(f"{target.noun} has the relation none and the count {target.count}")
    if relation is Relation.BETWEEN:
        if target.upper is None or target.upper < (target.count or 0):
            raise InvalidField(
                f"{target.noun} is between {target.count} and {target.upper}. Give the smaller number first"
            )
    elif target.upper is not None:
        raise InvalidField(f"{target.noun} has an upper end, and the relation {relation} takes none")
    return target


def _target(nouns: Mapping[str, Noun], *, noun: str, **rest: Any) -> Target:
    phrase = nouns[noun].phrase if noun in nouns else ""
    return check_target(Target(noun=noun, phrase=phrase, **rest), nouns)


def carry_over(before: Sequence[Target], changed: Sequence[Target], forget: Sequence[str] = ()) -> tuple[Target, ...]:
    """Return the targets after a turn: those before it, a noun's replaced where the turn has its own or forgets it."""
    gone = {target.noun for target in changed} | set(forget)
    return (*(target for target in before if target.noun not in gone), *changed)


def slug(text: str, *, longest: int = 56) -> str:
    """Make an id from a text: lower-case words joined by hyphens; where the text is too long, a digest ends it.

    >>> slug("Three pigs, film noir!")
    'three-pigs-film-noir'
    """
    words = re.sub(r"[^\w]+", "-", text.lower()).strip("-")
    if words and len(words) <= longest:
        return words
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{words[: longest - 9].rstrip('-')}-{digest}".lstrip("-")
