"""The fields of a policy file, as pydantic sees them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Field(default=None, ge=0, le=1)


class RuleFields(BaseModel):
    """One of ``rules``; see `countcheck.gate.policy.GateRule`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    rate: str
    where: dict[str, str | bool | int | float] = {}
    at_least: float | None = None
    at_most: float | None = None
    no_worse_by: float | None = None
    side: Literal["low", "value", "high"] | None = None
    when_unsure: Literal["cannot_decide", "fail", "pass"] = "cannot_decide"
    corrected: bool = False
    generator: str = ""
    name: str = ""


class LimitFields(BaseModel):
    """``limits``; see `countcheck.gate.policy.Limits`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    lost: float | None = Field(default=0.05, ge=0, le=1)
    failures: float | None = Share
    missing: float | None = Share
    uncertain: float | None = Share
    refusals: float | None = Share
    samples: int | None = Field(default=None, ge=0)
    prompts: int | None = Field(default=None, ge=0)
    controls: bool = True
    calibrated: bool = False


class PolicyFields(BaseModel):
    """The whole file; see `countcheck.gate.policy.Policy`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    baseline: str = ""
    limits: LimitFields = LimitFields()
    rules: list[RuleFields] = Field(min_length=1)
