"""What a gate demands: a policy file (YAML), read and checked. The deciding is done in `countcheck.gate.decide`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from countcheck.errors import BadSettings, field_problem
from countcheck.metrics.rates import rate_named
from countcheck.yaml_loader import read_yaml

Side = Literal["low", "value", "high"]
Unsure = Literal["cannot_decide", "fail", "pass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """One demand on one rate.

    Attributes:
        rate: Which.
        where: Tags that must match, tag to value; all samples when empty.
        at_least, at_most: Bounds on the rate itself.
        no_worse_by: Most it may be worse than the baseline's: 0.03 is three points.
        side: Which end of the interval must keep a bound (``low``, ``value``, ``high``), pass or fail; ``None``: the
            whole interval must, and while it reaches over the bound the rule cannot decide.
        when_unsure: What it means when the interval reaches over the bound.
        corrected: Judge the rate corrected by labels.
        generator: The only one meant; every generator of the run when empty.
        name: As the policy calls it, or made from the demand.
    """

    rate: str
    name: str
    where: Mapping[str, str] = field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    no_worse_by: float | None = None
    side: Side | None = None
    when_unsure: Unsure = "cannot_decide"
    corrected: bool = False
    generator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What must hold for a run to be judged at all; ``refusals`` alone is the model's own fault and fails it.

    Attributes:
        lost, failures, missing: Most samples that may have failed, not been made, or either; shares of all planned.
        uncertain: Most uncertain verdicts, a share of pictures and refusals.
        refusals: Most refusals, likewise.
        samples, prompts: Fewest there must be.
        controls: The counter must have passed its controls.
        calibrated: The counter must have been calibrated by labels.
    """

    lost: float | None = 0.05
    failures: float | None = None
    missing: float | None = None
    uncertain: float | None = None
    refusals: float | None = None
    samples: int | None = None
    prompts: int | None = None
    controls: bool = True
    calibrated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy.

    Attributes:
        level: Confidence level of every interval.
        baseline: Run folder or summary to compare with, unless the command line names one.
    """

    rules: tuple[GateRule, ...]
    limits: Limits = field(default_factory=Limits)
    level: float = 0.95
    baseline: Path | None = None
    path: Path | None = None


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises `BadSettings` or `UnknownName` with file and field."""
    document = read_yaml(path, error=BadSettings, what="policy")
    return policy_from(document.data, place=str(path), path=path)


def policy_from(body: Any, *, place: str = "policy", path: Path | None = None) -> Policy:
    """The policy that plain values say. Raises `BadSettings` or `UnknownName` with place and field."""
    from pydantic import ValidationError

    from countcheck.gate.policy_file import PolicyFields

    if not isinstance(body, Mapping):
        raise BadSettings(f"{place}: a policy is a mapping with rules. Write rules: and a list under it.")
    try:
        fields = PolicyFields.model_validate(body)
    except ValidationError as error:
        raise BadSettings(f"{place}: {_explained(error.errors()[0])}") from error
    rules = tuple(_rule(f"{place}: rules.{i}", one.model_dump()) for i, one in enumerate(fields.rules))
    _refuse_contradictions(place, rules)
    baseline = None
    if fields.baseline:
        baseline = (path.parent if path else Path()) / fields.baseline
    limits = Limits(**fields.limits.model_dump())
    return Policy(rules=rules, limits=limits, level=fields.level, baseline=baseline, path=path)


def _rule(place: str, body: dict[str, Any]) -> GateRule:
    known = rate_named(body["rate"], place=f"{place}.rate")
    rate = known.name
    bounds = [name for name in ("at_least", "at_most", "no_worse_by") if body[name] is not None]
    if not bounds:
        raise BadSettings(f"{place}: {rate} has no bound. Give at_least, at_most or no_worse_by.")
    if "no_worse_by" in bounds and len(bounds) > 1:
        raise BadSettings(f"{place}: no_worse_by stands beside {bounds[0]}. Make two rules of it.")
    for name in bounds:
        if body[name] < 0 or (body[name] > 1 and known.is_share):
            most = "a share from 0 to 1 (5 points are 0.05)" if known.is_share else "0 or more"
            raise BadSettings(f"{place}.{name} is {body[name]:g}. Give {most}.")
    if body["corrected"] and "no_worse_by" in bounds:
        raise BadSettings(f"{place}: corrected rates have no baseline to pair with. Use at_least or at_most.")
    where = {str(tag): _tag(value) for tag, value in body["where"].items()}
    if where and (body["corrected"] or not known.splits):
        raise BadSettings(
            f"{place}.where: {'corrected rates are' if body['corrected'] else rate + ' is'} not split by tags."
        )
    named = body["name"] or _named(rate, where, {name: body[name] for name in bounds})
    return GateRule(**{**body, "where": where, "name": named})


def _named(rate: str, where: Mapping[str, str], bounds: Mapping[str, float]) -> str:
    said = " and ".join(f"{name.replace('_', ' ')} {bound:g}" for name, bound in bounds.items())
    tags = ", ".join(f"{tag}={value}" for tag, value in where.items())
    return f"{rate} {said}" + (f" where {tags}" if tags else "")


def _tag(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _refuse_contradictions(place: str, rules: Iterable[GateRule]) -> None:
    """Two bounds on one rate of the same samples that no number can keep."""
    least: dict[Any, tuple[float, int]] = {}
    most: dict[Any, tuple[float, int]] = {}
    for i, rule in enumerate(rules):
        what = (rule.rate, tuple(sorted(rule.where.items())), rule.generator)
        if rule.at_least is not None:
            least[what] = max(least.get(what, (rule.at_least, i)), (rule.at_least, i))
        if rule.at_most is not None:
            most[what] = min(most.get(what, (rule.at_most, i)), (rule.at_most, i))
    for what in least.keys() & most.keys():
        (low, i), (high, j) = least[what], most[what]
        if low > high:
            raise BadSettings(
                f"{place}: rules.{i} wants {what[0]} to be at least {low:g} and rules.{j} at most {high:g}. Drop one."
            )


def _explained(problem: Mapping[str, Any]) -> str:
    from countcheck.gate.policy_file import LimitFields, PolicyFields, RuleFields

    known = {"rules": [*RuleFields.model_fields], "limits": [*LimitFields.model_fields]}.get(
        str(problem["loc"][0]), [*PolicyFields.model_fields]
    )
    in_sentence = problem["type"] in ("extra_forbidden", "missing")
    where = ".".join(map(str, problem["loc"][:-1] if in_sentence else problem["loc"]))
    mend = "" if problem["type"] == "extra_forbidden" else " Mend the policy."
    return f"{where + ': ' if where else ''}{field_problem(problem, known)}{mend}"
