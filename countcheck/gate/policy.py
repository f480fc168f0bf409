"""What a gate demands: a policy file (YAML), read and checked. Deciding is done in `countcheck.gate.decide`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from countcheck.errors import BadSettings, field_problem
from countcheck.metrics.rates import Rate, find_rate, rate_named, unknown_rate
from countcheck.stats.estimate import Estimate

Side = Literal["low", "value", "high"]
WhenUnsure = Literal["cannot_decide", "fail", "pass"]

_BOUNDS = ("at_least", "at_most", "no_worse_by")
_Share = Field(default=None, ge=0, le=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """One demand on one rate.

    Attributes:
        rate: Which.
        name: As the policy calls it, or made from the demand.
        where: Tags that must match, tag to value; all samples when empty.
        at_least, at_most: Bounds on the rate itself, in its unit; 0 to 1 for a share.
        no_worse_by: Largest allowed loss against the baseline, in the rate's unit: 0.03 is three points.
        side: Which end of the interval must keep a bound (``low``, ``value``, ``high``), pass or fail; ``None``: the
            whole interval must, and while the bound lies inside it the rule cannot decide.
        when_unsure: What an undecided rule does.
        corrected: Judge the rate corrected by labels.
        generator: The only one meant; every generator of the run when empty.
    """

    rate: str
    name: str
    where: Mapping[str, str] = field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    no_worse_by: float | None = None
    side: Side | None = None
    when_unsure: WhenUnsure = "cannot_decide"
    corrected: bool = False
    generator: str = ""

    @property
    def definition(self) -> Rate:
        """The rate as the registry defines it."""
        return rate_named(self.rate)

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Least and most allowed; of the difference, candidate less baseline, for ``no_worse_by``."""
        if self.no_worse_by is None:
            return self.at_least, self.at_most
        return (-self.no_worse_by, None) if self.definition.higher_is_better else (None, self.no_worse_by)

    def decision_on(self, estimate: Estimate) -> Literal["pass", "fail"] | None:
        """Return where the whole interval stands to the bounds; ``None`` while a bound lies inside it.

        Args:
            estimate: Of the rate; of the difference, candidate less baseline, for ``no_worse_by``.
        """
        low, high = estimate.low, estimate.high
        if low is None or high is None:
            return None
        least, most = self.bounds
        if (least is not None and high < least) or (most is not None and low > most):
            return "fail"
        if (least is None or low >= least) and (most is None or high <= most):
            return "pass"
        return None

    def decision_by_side(self, estimate: Estimate) -> Literal["pass", "fail"] | None:
        """Decide by the end of the interval that the rule names, or by the whole interval when it names none."""
        if self.side is None:
            return self.decision_on(estimate)
        end = {"low": estimate.low, "value": estimate.value, "high": estimate.high}[self.side]
        return self.decision_on(replace(estimate, low=end, high=end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What must hold for a run to be judged at all; too many ``refusals`` are the model's own fault and fail it.

    Attributes:
        lost, failures, missing: Largest share, 0 to 1 of all planned samples, that may have failed, not been made, or
            either.
        uncertain: Largest share of uncertain verdicts, 0 to 1 of pictures and refusals.
        refusals: Largest share of refusals, likewise.
        samples, prompts: Least number of each, 0 or more.
        controls: By default the counter must not have failed its self-test; true: it must also have been tested in
            every style of the suite, on pictures like those of the run; false: neither.
        calibrated: The counter must have been calibrated by labels.
    """

    lost: float | None = 0.05
    failures: float | None = None
    missing: float | None = None
    uncertain: float | None = None
    refusals: float | None = None
    samples: int | None = None
    prompts: int | None = None
    controls: bool | None = None
    calibrated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy.

    Attributes:
        rules: One or more.
        limits: What must hold for a run to be judged at all.
        level: Confidence level of every interval, above 0.5 and below 1.
        baseline: Run folder or summary to compare with, unless the command line names one.
        unpaired: Compare with a baseline that was asked another suite too, although its samples do not pair.
        path: Where it was read; ``None`` when it was not read from a file.
    """

    rules: tuple[GateRule, ...]
    limits: Limits = field(default_factory=Limits)
    level: float = 0.95
    baseline: Path | None = None
    unpaired: bool = False
    path: Path | None = None


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        BadSettings: If it cannot be read or makes no sense; names file and field.
        UnknownName: If a rule names a rate that does not exist.
    """
    from countcheck.yaml_loader import read_yaml  # a gate by options needs no YAML

    document = read_yaml(path, error=BadSettings, what="policy")
    return policy_from(document.data, place=str(path), path=path)


def policy_from(body: Any, *, place: str = "policy", path: Path | None = None) -> Policy:
    """Check a policy given as plain values.

    Args:
        body: As YAML or JSON gives it.
        place: What error messages call it.
        path: The file it stands in; a baseline is relative to its folder.

    Raises:
        BadSettings: If it makes no sense; names place and field.
        UnknownName: If a rule names a rate that does not exist.

    >>> policy = policy_from({"rules": [{"rate": "exact_rate", "at_least": 0.6}]})
    >>> policy.rules[0].name, policy.limits.lost
    ('exact_rate at least 0.6', 0.05)
    """
    if not isinstance(body, Mapping):
        raise BadSettings(f"{place}: a policy is a mapping with rules. Write rules: and a list under it.")
    try:
        fields = _PolicyFields.model_validate(body)
    except ValidationError as error:
        raise _policy_error(place, error.errors()[0]) from error
    rules = tuple(rule.to_rule() for rule in fields.rules)
    _refuse_contradictions(place, rules)
    baseline = (path.parent if path else Path()) / fields.baseline if fields.baseline else None
    return Policy(
        rules=rules,
        limits=Limits(**fields.limits.model_dump()),
        level=fields.level,
        baseline=baseline,
        unpaired=fields.unpaired,
        path=path,
    )


# -- the file ----------------------------------------------------------------------------------------------------


class _RuleFields(BaseModel):
    """One of ``rules``; see `GateRule`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    rate: str
    where: dict[str, str | bool | int | float] = {}
    at_least: float | None = None
    at_most: float | None = None
    no_worse_by: float | None = None
    side: Side | None = None
    when_unsure: WhenUnsure = "cannot_decide"
    corrected: bool = False
    generator: str = ""
    name: str = ""

    @field_validator("rate")
    @classmethod
    def _rate_exists(cls, rate: str) -> str:
        if find_rate(rate) is None:
            raise PydanticCustomError("unknown_rate", "no such rate")
        return rate

    @field_validator(*_BOUNDS)
    @classmethod
    def _bound_is_in_range(cls, bound: float | None, info: ValidationInfo) -> float | None:
        rate = find_rate(info.data.get("rate", ""))
        if bound is None or rate is None:
            return bound
        if bound < 0 or (bound > 1 and rate.is_share):
            most = "a share from 0 to 1 (5 points are 0.05)" if rate.is_share else "0 or more"
            raise PydanticCustomError("value", "is {bound}. Give {most}.", {"bound": f"{bound:g}", "most": most})
        return bound

    @model_validator(mode="after")
    def _demand_makes_sense(self) -> _RuleFields:
        bounds = [name for name in _BOUNDS if getattr(self, name) is not None]
        if not bounds:
            raise PydanticCustomError(
                "rule", "{rate} has no bound. Give at_least, at_most or no_worse_by.", {"rate": self.rate}
            )
        if "no_worse_by" in bounds and len(bounds) > 1:
            raise PydanticCustomError(
                "rule", "no_worse_by stands beside {other}. Make two rules of it.", {"other": bounds[0]}
            )
        if self.corrected and "no_worse_by" in bounds:
            raise PydanticCustomError("rule", "corrected rates have no baseline to pair with. Use at_least or at_most.")
        if self.where and (self.corrected or not rate_named(self.rate).splits):
            what = "corrected rates are" if self.corrected else f"{self.rate} is"
            raise PydanticCustomError("rule", "{what} not split by tags. Leave where out.", {"what": what})
        return self

    def to_rule(self) -> GateRule:
        """Return the rule with its tags as text and a name."""
        where = {tag: ("true" if v else "false") if isinstance(v, bool) else str(v) for tag, v in self.where.items()}
        fields = self.model_dump()
        bounds = " and ".join(
            f"{name.replace('_', ' ')} {fields[name]:g}" for name in _BOUNDS if fields[name] is not None
        )
        tags = ", ".join(f"{tag}={value}" for tag, value in where.items())
        name = self.name or f"{self.rate} {bounds}" + (f" where {tags}" if tags else "")
        return GateRule(**{**fields, "where": where, "name": name})


class _LimitFields(BaseModel):
    """``limits``; see `Limits`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    lost: float | None = Field(default=0.05, ge=0, le=1)
    failures: float | None = _Share
    missing: float | None = _Share
    uncertain: float | None = _Share
    refusals: float | None = _Share
    samples: int | None = Field(default=None, ge=0)
    prompts: int | None = Field(default=None, ge=0)
    controls: bool | None = None
    calibrated: bool = False


class _PolicyFields(BaseModel):
    """The whole file; see `Policy`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    baseline: str = ""
    unpaired: bool = False
    limits: _LimitFields = _LimitFields()
    rules: list[_RuleFields] = Field(min_length=1)


def _policy_error(place: str, error: ErrorDetails) -> Exception:
    """Return the program's own error for one that pydantic found."""
    where = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "unknown_rate":
            return unknown_rate(str(error["input"]), place=f"{place}: {where}")
        case "value":
            return BadSettings(f"{place}: {where} {error['msg']}")
        case "rule":
            return BadSettings(f"{place}: {where}: {error['msg']}")
    models: dict[str, type[BaseModel]] = {"rules": _RuleFields, "limits": _LimitFields}
    known = models.get(str(error["loc"][0]), _PolicyFields).model_fields
    if error["type"] in ("extra_forbidden", "missing"):
        where = ".".join(map(str, error["loc"][:-1]))
    fix = "" if error["type"] == "extra_forbidden" else " Fix the policy."
    return BadSettings(f"{place}: {where + ': ' if where else ''}{field_problem(error, [*known])}{fix}")


def _refuse_contradictions(place: str, rules: Iterable[GateRule]) -> None:
    """Refuse two bounds on one rate of the same samples that no number can keep."""
    least: dict[Any, tuple[float, int]] = {}
    most: dict[Any, tuple[float, int]] = {}
    for i, rule in enumerate(rules):
        subject = (rule.rate, tuple(sorted(rule.where.items())), rule.generator)
        if rule.at_least is not None:
            least[subject] = max(least.get(subject, (rule.at_least, i)), (rule.at_least, i))
        if rule.at_most is not None:
            most[subject] = min(most.get(subject, (rule.at_most, i)), (rule.at_most, i))
    for subject in least.keys() & most.keys():
        (low, i), (high, j) = least[subject], most[subject]
        if low > high:
            raise BadSettings(
                f"{place}: rules.{i} wants {subject[0]} to be at least {low:g} and rules.{j} at most {high:g}. Drop one."
            )
