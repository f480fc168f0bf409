"""How a run was made, as its ledger tells it: names and values for a reader, in the order in which they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from countcheck.reports.report import Model, Report
from countcheck.reports.wording import estimate_words, number, several

_TOLD = frozenset(
    [
        "suite",
        "suite_body",
        "suite_digest",
        "repeats",
        "only",
        "limit",
        "created",
        "device",
        "versions",
        "generators",
        "generators_body",
        "counter",
        "controls",
        "counting",
        "name",
    ]
)


def how_it_was_made(report: Report, run: int) -> list[tuple[str, str]]:
    """Suite, tries, models with revision, settings and coverage, counter, rule, controls, calibration, labels, the rest."""
    source = report.runs[run]
    facts = source.facts
    found = [
        ("Suite", _suite(facts)),
        ("Tries", _tries(facts)),
        ("Made", _made(facts)),
        ("Programs", _pairs(facts.get("versions") or {})),
    ]
    for model in report.models:
        if model.run == run:
            found.append((f"Model {model.generator}", _generator((facts.get("generators") or {}).get(model.generator))))
            found.append((f"Scored of {model.generator}", _coverage(model)))
    counter, controls = facts.get("counter") or {}, facts.get("controls") or {}
    found += [
        ("Counter", _counter(counter)),
        ("Counting rule", _pairs(counter.get("rule") or {})),
        ("Controls", _controls(controls)),
        ("Controls by style", _by_style(controls.get("by_style") or {})),
        ("Calibration", _calibration(counter)),
        ("Labels", f"{several(source.labels, 'count')} by people" if source.labels else "none by people yet"),
    ]
    if int(facts.get("counting") or 1) > 1:
        found.append(("Counted", f"{facts['counting']} times; the last counting is shown"))
    found += [pair for name, value in facts.items() if name not in _TOLD for pair in flat(name, value)]
    return [(name, value) for name, value in found if value]


def flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A recorded value of any depth as names and values; nothing for what is empty."""
    title = name.replace("_", " ")
    if isinstance(value, Mapping):
        plain = _pairs(value)
        if plain:
            yield title, plain
        for inner, one in value.items():
            if isinstance(one, Mapping | list):
                yield from flat(f"{title} · {inner}", one)
    elif isinstance(value, list):
        if value:
            yield title, ", ".join(map(_said, value))
    elif value not in (None, ""):
        yield title, _said(value)


def _suite(facts: Mapping[str, Any]) -> str:
    body = facts.get("suite_body") or {}
    parts = [str(facts.get("suite") or body.get("name") or "")]
    for name in ("prompt", "conversation"):
        n = len(body.get(f"{name}s") or ())
        if n:
            parts.append(several(n, name))
    digest = str(facts.get("suite_digest") or "")
    return ", ".join(filter(None, [*parts, f"version {digest}" if digest else ""]))


def _tries(facts: Mapping[str, Any]) -> str:
    repeats, limit, only = facts.get("repeats"), facts.get("limit"), facts.get("only") or {}
    parts = [f"{several(int(repeats), 'try', 'tries')} of each prompt"] if repeats else []
    parts += [f"at most {number(int(limit))} of each model"] if limit else []
    parts += [f"only {_pairs(only)}"] if only else []
    return ", ".join(parts)


def _made(facts: Mapping[str, Any]) -> str:
    when = str(facts.get("created") or "")
    day, clock = when[:10], when[11:16]
    zone = " UTC" if when.endswith(("Z", "+00:00")) else when[19:]
    on = f"on {facts['device']}" if facts.get("device") else ""
    return " ".join(filter(None, [day, f"{clock}{zone}" if clock else "", on]))


def _generator(body: Mapping[str, Any] | None) -> str:
    if not body:
        return ""
    recipe = body.get("recipe") or body
    price = body.get("price")
    known = {name: body.get(name) for name in ("family", "source", "licence")}
    parts = [
        f"revision {recipe['revision']}" if recipe.get("revision") else "",
        _pairs(known),
        _pairs({name: value for name, value in (recipe.get("settings") or {}).items() if name != "source"}),
        f"${price:.4g} a picture" + (f" (price of {body['priced']})" if body.get("priced") else "") if price else "",
        f"{several(body['skipped_conversations'], 'conversation')} skipped"
        if body.get("skipped_conversations")
        else "",
    ]
    return "; ".join(filter(None, parts))


def _coverage(model: Model) -> str:
    planned = model.total("planned")
    parts = [f"{number(planned - model.lost)} of {number(planned)}"]
    for name, word in (("failures", "failure"), ("uncertain", "uncertain picture")):
        if model.total(name):
            parts.append(several(model.total(name), word))
    if model.total("missing"):
        parts.append(f"{number(model.total('missing'))} not made")
    return ", ".join(parts)


def _counter(counter: Mapping[str, Any]) -> str:
    detector, known = counter.get("detector") or {}, counter.get("vocabulary")
    nouns = "any noun" if known is None else several(len(known), "noun")
    parts = [
        str(counter.get("name") or ""),
        f"detector {detector['family']}" if detector.get("family") else "",
        _pairs({name: detector.get(name) for name in ("source", "revision")}),
        _pairs(detector.get("settings") or {}),
        f"licence {counter['licence']}" if counter.get("licence") else "",
        f"knows {nouns}" if "vocabulary" in counter else "",
    ]
    return "; ".join(filter(None, parts))


def _controls(controls: Mapping[str, Any]) -> str:
    if controls.get("total") is None:
        return ""
    passed = "passed" if controls.get("passed") else "failed"
    return (
        f"{passed}: {controls['right']} of {controls['total']} pictures with known counts were counted right, "
        f"{controls.get('needed')} are needed"
    )


def _by_style(styles: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{style} {one['right']} of {one['total']}{'' if one.get('passed') else ' (failed)'}"
        for style, one in styles.items()
        if isinstance(one, Mapping) and "total" in one
    )


def _calibration(counter: Mapping[str, Any]) -> str:
    from countcheck.metrics.summary import calibrated

    if not calibrated(counter):
        return "never by labels: its own errors are in every rate that is not marked corrected"
    measured = counter.get("measured") or {}
    said = f"on the run {measured.get('calibrated_on') or counter.get('calibrated_on')}"
    if measured.get("labelled"):
        said += (
            f", {several(measured['labelled'], 'count')} by people in {several(measured.get('pictures', 0), 'picture')}"
        )
    agreement = measured.get("agreement")
    if isinstance(agreement, Mapping) and {"value", "low", "high"} <= agreement.keys():
        value, interval = estimate_words("exact_rate", agreement)
        said += f"; the same number as people in {value} ({interval})"
    return said


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_said(value)}"
        for name, value in values.items()
        if not isinstance(value, Mapping | list) and value not in (None, "")
    )


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
