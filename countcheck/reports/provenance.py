"""How a run was made, from its ledger: names and values for a reader, the most wanted first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from countcheck.reports.format import estimate_text, number, percent, quantity
from countcheck.reports.report import Model, Report
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo


def how_it_was_made(report: Report, run: int) -> list[tuple[str, str]]:
    """List suite, tries, models with settings and coverage, counter, rule, self-test, calibration, labels, the rest.

    Args:
        run: Index into `Report.runs`.
    """
    source = report.runs[run]
    info = source.info
    lines = [
        ("Suite", _suite(info)),
        ("Not understood", _not_understood(info)),
        ("Tries", _tries(info)),
        ("Made on", _made(info)),
        ("Versions", _pairs(info.versions)),
    ]
    for model in report.models:
        if model.run == run:
            lines.append((f"Model {model.generator}", _generator(info.generators.get(model.generator))))
            lines.append((f"Seeds of {model.generator}", _seeds(info.generators.get(model.generator))))
            lines.append((f"Scored of {model.generator}", _coverage(model)))
    counter, self_test = info.counter, info.self_test
    lines += [
        ("Counter", _counter(counter)),
        ("Counting rule", _pairs(counter.rule)),
        ("Self-test", _self_test(self_test)),
        ("Self-test by style", _by_style(self_test)),
        ("Styles without a self-test", ", ".join(self_test.untested_styles)),
        ("Pictures unlike those of the self-test", _unlike(self_test)),
        ("Calibration", _calibration(counter)),
        ("Labels", f"{quantity(source.labels, 'count')} by people" if source.labels else "none by people yet"),
    ]
    if len(info.countings) > 1:
        beside = ", ".join(name for name in info.countings if name != info.counting_name)
        lines.append(("Counting", f"{info.counting_name} is shown; the run was also counted by {beside}"))
    others = {**info.extra, "until_decided": info.until_decided}
    lines += [pair for name, value in others.items() for pair in flat(name, value)]
    return [(name, value) for name, value in lines if value]


def _seeds(generator: GeneratorInfo | None) -> str:
    """Say whether a model took its seeds; empty where that is not on record."""
    if generator is None or "seeded" not in generator.traits:
        return ""
    return "given: the same for a prompt and repeat" if generator.traits["seeded"] else "none: the model takes no seed"


def flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Flatten a recorded value of any depth into names and values; nothing for what is empty."""
    title = name.replace("_", " ")
    if isinstance(value, Mapping):
        plain = _pairs(value)
        if plain:
            yield title, plain
        for inner, nested in value.items():
            if isinstance(nested, Mapping | list):
                yield from flat(f"{title} · {inner}", nested)
    elif isinstance(value, list):
        if value:
            yield title, ", ".join(map(_plain_text, value))
    elif value not in (None, ""):
        yield title, _plain_text(value)


def _suite(info: RunInfo) -> str:
    body = info.suite_body
    parts = [info.suite or str(body.get("name") or "")]
    for name in ("prompt", "conversation"):
        n = len(body.get(f"{name}s") or ())
        if n:
            parts.append(quantity(n, name))
    return ", ".join(filter(None, [*parts, f"version {info.suite_digest}" if info.suite_digest else ""]))


def _not_understood(info: RunInfo) -> str:
    """The prompts of whose text a number was not understood, and so is not counted; the first five by text."""
    prompts = [prompt for prompt in info.suite_body.get("prompts") or () if prompt.get("not_understood")]
    if not prompts:
        return ""
    shown = "; ".join(
        f"{', '.join(map(repr, prompt['not_understood']))} in {prompt['text']!r}" for prompt in prompts[:5]
    )
    return f"{quantity(len(prompts), 'prompt')} not wholly understood, so that something is not counted: {shown}"


def _tries(info: RunInfo) -> str:
    parts = [f"{quantity(info.repeats, 'try', 'tries')} of each prompt"] if info.repeats else []
    parts += [f"at most {number(info.limit)} of each model"] if info.limit else []
    parts += [f"only {_pairs(info.only)}"] if info.only else []
    return ", ".join(parts)


def _made(info: RunInfo) -> str:
    when = info.created
    day, clock = when[:10], when[11:16]
    zone = " UTC" if when.endswith(("Z", "+00:00")) else when[19:]
    device = f"on {info.device}" if info.device else ""
    return " ".join(filter(None, [day, f"{clock}{zone}" if clock else "", device]))


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
        f"{generator.price_formula}{priced}" if generator.price_formula else "",
        f"{quantity(skipped, 'conversation')} skipped" if skipped else "",
    ]
    return "; ".join(filter(None, parts))


def _coverage(model: Model) -> str:
    planned = model.total("planned")
    parts = [f"{number(planned - model.lost)} of {number(planned)}"]
    for name, word in (("failures", "failure"), ("uncertain", "uncertain picture")):
        if model.total(name):
            parts.append(quantity(model.total(name), word))
    if model.total("missing"):
        parts.append(f"{number(model.total('missing'))} not made")
    return ", ".join(parts)


def _counter(counter: CounterInfo) -> str:
    detector, known = counter.detector, counter.vocabulary
    nouns = "any noun" if known is None else quantity(len(known), "noun")
    parts = [
        counter.name,
        f"detector {detector.family}" if detector.family else "",
        _pairs({"source": detector.source, "revision": detector.revision}),
        _pairs(detector.settings),
        f"licence {counter.licence}" if counter.licence else "",
        f"knows {nouns}" if "vocabulary" in counter.recorded else "",
    ]
    return "; ".join(filter(None, parts))


def _self_test(self_test: SelfTestInfo) -> str:
    score = self_test.plain
    if score.total is None:
        return ""
    passed = "passed" if score.passed else "failed"
    return (
        f"{passed}: {score.right} of {score.total} pictures with known counts were counted right, "
        f"{score.needed} are needed"
    )


def _unlike(self_test: SelfTestInfo) -> str:
    return f"{self_test.unlike} of {self_test.compared} compared" if self_test.unlike else ""


def _by_style(self_test: SelfTestInfo) -> str:
    return ", ".join(
        f"{style} {score.right} of {score.total}{'' if score.passed else ' (failed)'}"
        for style, score in self_test.by_style.items()
        if score.total is not None
    )


def _calibration(counter: CounterInfo) -> str:
    if not counter.calibrated:
        return "none: the counter's own errors are in every rate that is not marked corrected"
    measured = counter.measured
    text = f"on the run {measured['calibrated_on']}"
    if measured.get("labelled"):
        text += f", {quantity(measured['labelled'], 'count')} by people in {quantity(measured.get('pictures', 0), 'picture')}"
    agreement = measured.get("agreement")
    if isinstance(agreement, Mapping) and {"value", "low", "high"} <= agreement.keys():
        text += f"; the same count as people in {estimate_text('exact_rate', agreement)}"
    return text + _surest(measured.get("probability"))


def _surest(probability: Any) -> str:
    """Say how often the surest nine in ten counts were wrong; empty where that is not on record."""
    curve = probability.get("risk_coverage") if isinstance(probability, Mapping) else None
    for point in curve if isinstance(curve, list) else ():
        if isinstance(point, Mapping) and point.get("coverage", 0) >= 0.9 - 1e-9:
            return (
                f"; of the surest {percent(point['coverage'])} of counts {percent(point.get('risk', 0.0))} were wrong"
            )
    return ""


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_plain_text(value)}"
        for name, value in values.items()
        if not isinstance(value, Mapping | list) and value not in (None, "")
    )


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
