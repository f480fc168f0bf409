"""How a run was made, as its ledger tells it: names and values for a reader, in the order in which they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from countcheck.reports.report import Model, Report
from countcheck.reports.wording import estimate_words, number, several
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo


def how_it_was_made(report: Report, run: int) -> list[tuple[str, str]]:
    """Suite, tries, models with revision, settings and coverage, counter, rule, controls, calibration, labels, the rest."""
    source = report.runs[run]
    info = source.info
    found = [
        ("Suite", _suite(info)),
        ("Tries", _tries(info)),
        ("Made", _made(info)),
        ("Programs", _pairs(info.versions)),
    ]
    for model in report.models:
        if model.run == run:
            found.append((f"Model {model.generator}", _generator(info.generators.get(model.generator))))
            found.append((f"Scored of {model.generator}", _coverage(model)))
    counter, self_test = info.counter, info.self_test
    found += [
        ("Counter", _counter(counter)),
        ("Counting rule", _pairs(counter.rule)),
        ("Controls", _controls(self_test)),
        ("Controls by style", _by_style(self_test)),
        ("Calibration", _calibration(counter)),
        ("Labels", f"{several(source.labels, 'count')} by people" if source.labels else "none by people yet"),
    ]
    if info.counting > 1:
        found.append(("Counted", f"{info.counting} times; the last counting is shown"))
    others = {**info.extra, "until_decided": info.until_decided}
    found += [pair for name, value in others.items() for pair in flat(name, value)]
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


def _suite(info: RunInfo) -> str:
    body = info.suite_body
    parts = [info.suite or str(body.get("name") or "")]
    for name in ("prompt", "conversation"):
        n = len(body.get(f"{name}s") or ())
        if n:
            parts.append(several(n, name))
    return ", ".join(filter(None, [*parts, f"version {info.suite_digest}" if info.suite_digest else ""]))


def _tries(info: RunInfo) -> str:
    parts = [f"{several(info.repeats, 'try', 'tries')} of each prompt"] if info.repeats else []
    parts += [f"at most {number(info.limit)} of each model"] if info.limit else []
    parts += [f"only {_pairs(info.only)}"] if info.only else []
    return ", ".join(parts)


def _made(info: RunInfo) -> str:
    when = info.created
    day, clock = when[:10], when[11:16]
    zone = " UTC" if when.endswith(("Z", "+00:00")) else when[19:]
    on = f"on {info.device}" if info.device else ""
    return " ".join(filter(None, [day, f"{clock}{zone}" if clock else "", on]))


def _generator(generator: GeneratorInfo | None) -> str:
    if generator is None:
        return ""
    priced = f" (price of {generator.priced})" if generator.priced else ""
    skipped = generator.skipped_conversations
    parts = [
        f"revision {generator.revision}" if generator.revision else "",
        _pairs({"family": generator.family, "source": generator.source, "licence": generator.licence}),
        _pairs({name: value for name, value in generator.settings.items() if name != "source"}),
        f"${generator.price:.4g} a picture{priced}" if generator.price else "",
        f"{several(skipped, 'conversation')} skipped" if skipped else "",
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


def _counter(counter: CounterInfo) -> str:
    detector, known = counter.detector, counter.vocabulary
    nouns = "any noun" if known is None else several(len(known), "noun")
    parts = [
        counter.name,
        f"detector {detector.family}" if detector.family else "",
        _pairs({"source": detector.source, "revision": detector.revision}),
        _pairs(detector.settings),
        f"licence {counter.licence}" if counter.licence else "",
        f"knows {nouns}" if "vocabulary" in counter.recorded else "",
    ]
    return "; ".join(filter(None, parts))


def _controls(self_test: SelfTestInfo) -> str:
    score = self_test.plain
    if score.total is None:
        return ""
    passed = "passed" if score.passed else "failed"
    return (
        f"{passed}: {score.right} of {score.total} pictures with known counts were counted right, "
        f"{score.needed} are needed"
    )


def _by_style(self_test: SelfTestInfo) -> str:
    return ", ".join(
        f"{style} {score.right} of {score.total}{'' if score.passed else ' (failed)'}"
        for style, score in self_test.by_style.items()
        if score.total is not None
    )


def _calibration(counter: CounterInfo) -> str:
    if not counter.calibrated:
        return "never by labels: its own errors are in every rate that is not marked corrected"
    measured = counter.measured
    said = f"on the run {measured['calibrated_on']}"
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
