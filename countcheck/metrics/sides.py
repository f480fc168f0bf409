"""One generator of one run, as it enters a comparison or a gate; from its rows, or from a kept summary. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from countcheck.errors import BadInput, UnknownName
from countcheck.metrics.columns import Columns, columns_of
from countcheck.metrics.outcome_codes import SampleCodes
from countcheck.metrics.summary import Summary
from countcheck.stats.estimate import Estimate
from countcheck.storage.result_table import Results, ResultTable, first_seen, table_of
from countcheck.storage.run_info import CounterInfo, RunInfo, SelfTestInfo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparisonSide:
    """One generator of one run, as one side of a comparison.

    Attributes:
        run, generator, suite: Their names.
        suite_digest: Changes with anything asked.
        counter: What is on record of the counter.
        samples: How its samples ended.
        columns: Its rows; ``None`` when only a summary is left of the run.
        texts: Prompt id to text, where known.
        corrected: Rates corrected by labels; empty without labels.
        self_test: How the counter did on pictures with known counts.
    """

    run: str
    generator: str
    suite: str
    suite_digest: str
    counter: CounterInfo
    samples: SampleCodes
    columns: Columns | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[str, Estimate] = field(default_factory=dict)
    self_test: SelfTestInfo = field(default_factory=SelfTestInfo)

    def to_json(self) -> dict[str, str]:
        """Return the names of run, generator and suite."""
        return {"run": self.run, "generator": self.generator, "suite": self.suite}


def sides_of_run(results: Results, info: RunInfo) -> dict[str, ComparisonSide]:
    """Return every generator of a run that was asked prompts, as a side; conversations are not compared here."""
    table = table_of(results)
    prompts = table.take(~table.conversation)
    return {name: _side(name, prompts.of_generator(name), info) for name in prompts.generators_seen()}


def _side(name: str, table: ResultTable, info: RunInfo) -> ComparisonSide:
    columns = columns_of(table)
    seen, _ = first_seen(table.place[::-1])
    texts = {table.places[place].prompt_id: table.places[place].fields.text for place in reversed(seen.tolist())}
    return ComparisonSide(
        run=info.name,
        generator=name,
        suite=info.suite,
        suite_digest=info.suite_digest,
        counter=info.counter,
        samples=columns.samples,
        columns=columns,
        texts=texts,
        self_test=info.self_test,
    )


def sides_of_summary(summary: Summary) -> dict[str, ComparisonSide]:
    """Return every generator of a summary as a side, without texts, errors or costs.

    Raises:
        BadInput: If the summary's samples are not written in outcome codes.
    """
    try:
        samples = {name: SampleCodes.from_letters(own.samples) for name, own in summary.generators.items()}
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
            samples=own,
            corrected=summary.generators[name].corrected,
            self_test=summary.self_test,
        )
        for name, own in samples.items()
    }


def counter_warnings(sides: Sequence[ComparisonSide]) -> Iterator[str]:
    """Yield what a reader must know before ranking by rates that no label corrects."""
    names = list(dict.fromkeys(side.counter.name or "unknown" for side in sides))
    if len(names) > 1:
        yield f"the counters differ ({', '.join(names)}), and so do their errors: correct the rates by labels, or recount."
    elif _rules_differ(sides):
        yield f"counter {names[0]} counted by different rules: recount both with one."
    known = all(side.counter.calibrated or side.corrected for side in sides)
    if len({side.generator for side in sides}) > 1 and not known:
        yield (
            f"counter {names[0]} was never calibrated on these generators, and a counter errs differently on each: "
            "label a sample of both before trusting a small difference."
        )


def _rules_differ(sides: Sequence[ComparisonSide]) -> bool:
    if all(side.counter.rule == sides[0].counter.rule for side in sides):
        return False
    from countcheck.counting.rule_settings import rule_of_record  # imports pydantic, and is seldom needed

    # Read, so that what the ledger of an older version does not name has the value that it had.
    return len({repr(rule_of_record(side.counter.rule)) for side in sides}) > 1


def match_sides(
    a: dict[str, ComparisonSide], b: dict[str, ComparisonSide], of_a: str | None = None, of_b: str | None = None
) -> list[tuple[ComparisonSide, ComparisonSide]]:
    """Pair the generators of two runs: the named ones; else those of the same name; else a single one with each.

    Args:
        a, b: The runs' sides by generator.
        of_a, of_b: Names of the generators to compare.

    Raises:
        UnknownName: For a generator that the run does not have.
        BadInput: When several pairs are possible.
    """
    left, right = _chosen(a, of_a, "A"), _chosen(b, of_b, "B")
    common = [name for name in left if name in right]
    one_run = {p.run for p in left.values()} == {p.run for p in right.values()}
    if of_a is None and of_b is None and common and not (one_run and len(left) > 1):
        return [(left[name], right[name]) for name in common]
    if len(left) == 1:
        only = next(iter(left.values()))
        others = [party for party in right.values() if not (one_run and party.generator == only.generator)]
        return [(only, party) for party in others or right.values()]
    raise BadInput(
        f"A has {', '.join(left) or 'no generator'} and B has {', '.join(right) or 'no generator'}. "
        "Say which to compare with --a GENERATOR and --b GENERATOR."
    )


def _chosen(parties: dict[str, ComparisonSide], name: str | None, side: str) -> dict[str, ComparisonSide]:
    if name is None:
        return dict(parties)
    if name not in parties:
        raise UnknownName("generator", name, parties, place=side)
    return {name: parties[name]}
