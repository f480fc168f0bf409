"""One generator of one run, as it enters a comparison or a gate; from its rows, or from a kept summary. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from countcheck.errors import BadInput
from countcheck.metrics.outcome_codes import Columns, columns_of
from countcheck.metrics.pairing import Side, side_from_samples, side_of
from countcheck.metrics.summary import Summary
from countcheck.stats.estimate import Estimate
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import CounterInfo, RunInfo, SelfTestInfo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparisonSide:
    """One generator of one run, as one side of a comparison.

    Attributes:
        run, generator: Their names.
        suite: Its name. suite_digest: Changes with anything asked.
        counter: What is on record of the counter.
        side: Its samples as letters.
        columns: Its rows; ``None`` when only a summary is left of the run.
        texts: Prompt id to text, where known.
        corrected: Rates corrected by labels; empty without labels.
        controls: What is on record of the controls.
    """

    run: str
    generator: str
    suite: str
    suite_digest: str
    counter: CounterInfo
    side: Side
    columns: Columns | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[str, Estimate] = field(default_factory=dict)
    controls: SelfTestInfo = field(default_factory=SelfTestInfo)

    def to_json(self) -> dict[str, str]:
        """Who it is."""
        return {"run": self.run, "generator": self.generator, "suite": self.suite}


def parties_of(rows: Iterable[ResultRow], info: RunInfo) -> dict[str, ComparisonSide]:
    """Every generator of a run that was asked prompts, as a party; conversations are not compared here."""
    found: dict[str, list[ResultRow]] = {}
    for row in rows:
        if not row.conversation:
            found.setdefault(row.generator, []).append(row)
    return {name: _party(name, own, info) for name, own in found.items()}


def _party(name: str, rows: Sequence[ResultRow], info: RunInfo) -> ComparisonSide:
    columns = columns_of(rows)
    return ComparisonSide(
        run=info.name,
        generator=name,
        suite=info.suite,
        suite_digest=info.suite_digest,
        counter=info.counter,
        side=side_of(columns),
        columns=columns,
        texts={row.prompt_id: row.text for row in rows},
        controls=info.self_test,
    )


def parties_from(summary: Summary) -> dict[str, ComparisonSide]:
    """Every generator of a summary, as a party: its samples as letters, without texts, errors or costs."""
    try:
        sides = {name: side_from_samples(one.samples) for name, one in summary.generators.items()}
    except ValueError as error:
        raise BadInput(
            f"{summary.run}: its samples are not written in the letters of a summary. Write it again."
        ) from error
    return {
        name: ComparisonSide(
            run=summary.run,
            generator=name,
            suite=summary.suite,
            suite_digest=summary.suite_digest,
            counter=summary.counter,
            side=side,
            corrected=summary.generators[name].corrected,
            controls=summary.controls,
        )
        for name, side in sides.items()
    }


def counter_warnings(parties: Sequence[ComparisonSide]) -> Iterator[str]:
    """What a reader must know before ranking by rates that no label corrects."""
    names = list(dict.fromkeys(p.counter.name or "unknown" for p in parties))
    rules = {repr(p.counter.rule) for p in parties}
    if len(names) > 1:
        yield f"the counters differ ({', '.join(names)}), and so do their errors: correct the rates by labels, or recount."
    elif len(rules) > 1:
        yield f"counter {names[0]} counted by different rules: recount both with one."
    known = all(p.counter.calibrated or p.corrected for p in parties)
    if len({p.generator for p in parties}) > 1 and not known:
        yield (
            f"counter {names[0]} was never calibrated on these generators, and a counter errs differently on each: "
            "label a sample of both before trusting a small difference."
        )
