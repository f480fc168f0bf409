"""Counting rules as cards, specs and ledgers write them: validated, old names read as new ones.

A counter card has its rule under ``rule:``, a spec sets plain fields of it (``tiny?threshold=0.4``), a ledger keeps
every field of the rule that a run was counted with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countcheck.cards import Card
from countcheck.counting.geneval_rule import GenevalRule
from countcheck.counting.probability import Weighed
from countcheck.counting.rule import CountingRule
from countcheck.counting.setting_names import OLD_RULE_NAMES, renamed
from countcheck.errors import BadSettings, field_problem

RULES: Mapping[str, type[CountingRule]] = {"countcheck": CountingRule, "geneval": GenevalRule}


class _RuleFields(BaseModel):
    model_config = ConfigDict(extra="forbid")
    threshold: float = Field(default=0.3, ge=0, le=1)
    thresholds: dict[str, float] = {}
    by_style: dict[str, float] = {}
    margin: float = Field(default=0.0, ge=0, le=1)
    margin_below: float | None = Field(default=None, ge=0, le=1)
    merge_iou: float = Field(default=0.7, ge=0, le=1)
    containment: float = Field(default=0.9, ge=0, le=1)
    group_box_coverage: float = Field(default=0.8, ge=0, le=1)
    cross_class_iou: float = Field(default=0.8, ge=0, le=1)
    distractor_score_ratio: float = Field(default=1.0, ge=1)
    cut_off: bool = True
    relative_threshold: float = Field(default=0.0, ge=0, le=1)
    zero_doubt_score: float = Field(default=1.0, ge=0, le=1)
    max_certain_count: int | None = Field(default=None, ge=0)
    probability_weights: dict[Weighed, float] = {}
    min_probability: float = Field(default=0.0, ge=0, le=1)
    floor: float = Field(default=0.05, ge=0, le=1)
    name: Literal["countcheck", "geneval"] = "countcheck"


# Fields that a counter's spec may set, old names among them.
RULE_SETTINGS = frozenset({*_RuleFields.model_fields, *OLD_RULE_NAMES}) - {
    "thresholds",
    "by_style",
    "probability_weights",
    "name",
}


def rule_of_card(card: Card) -> CountingRule:
    """Read the counting rule of a counter card.

    Raises:
        BadSettings: For a field that is unknown or out of its range, or written under its old and its new name, naming
            the card's file (or the spec) and the field.

    >>> rule_of_card(Card(name="mine", family="tiny", rule={"threshold": 0.4})).threshold
    0.4
    """
    place = str(card.path or card.name)
    written = renamed(card.rule, OLD_RULE_NAMES, place=f"{place}: rule")
    changes = renamed(card.rule_changes, OLD_RULE_NAMES, place=card.name)
    try:
        checked = _RuleFields.model_validate({**written, **changes})
    except ValidationError as error:
        problem = error.errors()[0]
        wrong = field_problem(problem, _RuleFields.model_fields)
        field = ".".join(map(str, problem["loc"]))
        if field in changes:
            raise BadSettings(f"{card.name}: {field}: {wrong}") from error
        where = "rule" if problem["type"] == "extra_forbidden" else f"rule.{field}"
        raise BadSettings(f"{place}: {where}: {wrong} Fix the card.") from error
    return RULES[checked.name](**checked.model_dump())


def rule_of_record(recorded: Mapping[str, Any]) -> CountingRule:
    """Read the counting rule that a ledger keeps; fields of other versions that are no longer known are left out."""
    body = renamed(recorded, OLD_RULE_NAMES)
    cls = RULES.get(str(body.get("name")), CountingRule)
    known = {field.name for field in fields(cls)}
    return cls(**{name: value for name, value in body.items() if name in known})


def under_rule(rule: CountingRule, name: str) -> CountingRule:
    """Give the rule of that name with the parameters of another, as in ``recount --rule geneval``.

    Raises:
        KeyError: For a name that is not in `RULES`.
    """
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return RULES[name](**{**values, "name": name})
