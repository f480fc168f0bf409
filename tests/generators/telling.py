"""Outcomes as plain dicts, so that a table can say in full what each answer became."""

from __future__ import annotations

from typing import Any

from countcheck.cards import Card
from countcheck.generators.outcome import Failure, Outcome, Picture, Refusal
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.registry import load_generator_class
from countcheck.suites.samples import Sample, plan
from countcheck.suites.suite import Prompt, Suite

QUICK = {"timeout": 30, "attempts": 1, "first_wait": 0.001, "loopback": True}


def patience(name: str) -> float:
    """The timeout for a case: short where it is what the case is about, long enough for a busy machine elsewhere."""
    return {"timeout": 0.3, "never ready": 1.0}.get(name, 30.0)


def made(family: str, source: str, **settings: Any) -> RemoteGenerator:
    """The family's generator, quick enough for tests."""
    card = Card(name=f"{family}:{source}", family=family, source=source, price=0.04, settings={**QUICK, **settings})
    generator: RemoteGenerator = load_generator_class(family)(card)
    return generator


def samples(generator: RemoteGenerator, repeats: int = 1) -> list[Sample]:
    """One prompt, so many times."""
    suite = Suite(name="pigs", prompts=(Prompt(id="pigs", text="three pigs"),))
    return list(plan(suite, generator.recipe, repeats=repeats))


def outcomes(generator: RemoteGenerator, *, repeats: int = 1) -> list[Outcome]:
    """What one prompt came to, repeat by repeat."""
    asked = samples(generator, repeats)
    order = [sample.key for sample in asked]
    found: list[Outcome] = []
    try:
        for outcome in generator.generate(asked):
            found.append(outcome)
    except Exception as error:
        # A closed account ends the run after everything has been yielded.
        assert type(error).__name__ == "GeneratorClosed", error
    finally:
        generator.close()
    return sorted(found, key=lambda outcome: order.index(outcome.key))


def told(outcome: Outcome) -> dict[str, Any]:
    """Everything an outcome says but its times; pixels as their size."""
    what = [attempt.what for attempt in outcome.attempts]
    shared = {"cost": outcome.cost, "attempts": what, "extra": dict(outcome.extra)}
    if isinstance(outcome, Picture):
        return {
            "kind": "picture",
            "pixels": outcome.pixels.size,
            "words": outcome.words,
            "rewritten": outcome.rewritten,
            **shared,
        }
    if isinstance(outcome, Refusal):
        size = outcome.pixels.size if outcome.pixels is not None else None
        return {
            "kind": "refusal",
            "reason": str(outcome.reason),
            "category": outcome.category,
            "code": outcome.code,
            "words": outcome.words,
            "stage": str(outcome.stage),
            "request_id": outcome.request_id,
            "rewritten": outcome.rewritten,
            "pixels": size,
            **shared,
        }
    assert isinstance(outcome, Failure)
    return {
        "kind": "failure",
        "fault": str(outcome.fault),
        "code": outcome.code,
        # How a client words a broken wire depends on when it breaks.
        "message": "" if outcome.extra.get("by") == "transport" else outcome.message,
        "request_id": outcome.request_id,
        "retry_after": outcome.retry_after,
        "raw": bool(outcome.raw),
        **shared,
    }


def picture(**other: Any) -> dict[str, Any]:
    """What `told` says of a picture, where nothing else is said here."""
    plain = {"kind": "picture", "pixels": (64, 64), "words": "", "rewritten": "", "cost": 0.04, "attempts": ["picture"]}
    return {**plain, "extra": {}, **other}


def refusal(reason: str, by: str, **other: Any) -> dict[str, Any]:
    """What `told` says of a refusal, where nothing else is said here."""
    code = other.get("code", "")
    plain = {
        "kind": "refusal",
        "reason": reason,
        "category": "",
        "code": "",
        "words": "",
        "stage": "unknown",
        "request_id": "",
        "rewritten": "",
        "pixels": None,
        "cost": None,
        "attempts": [f"{reason} {code}".strip()],
        # A picture withheld for its looks says what it looks like.
        "extra": {"by": by, **({"look": code} if by == "pixels" else {}), **other.pop("extra", {})},
    }
    return {**plain, **other}


def failure(fault: str, by: str, **other: Any) -> dict[str, Any]:
    """What `told` says of a failure, where nothing else is said here."""
    code = other.get("code", "")
    plain = {
        "kind": "failure",
        "fault": fault,
        "code": "",
        "message": "",
        "request_id": "",
        "retry_after": None,
        "raw": True,
        "cost": None,
        "attempts": [f"{fault} {code}".strip()],
        "extra": {**({"by": by} if by else {}), **other.pop("extra", {})},
    }
    return {**plain, **other}
