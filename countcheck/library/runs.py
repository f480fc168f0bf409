"""Make and open runs from Python: the calls `countcheck.run` and `countcheck.open_run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import orjson

from countcheck.cards import read_generator_card
from countcheck.engine.config import RunConfig
from countcheck.engine.run import run as run_engine
from countcheck.errors import BadInput, BadSettings, MissingExtra
from countcheck.gate.decide import decide_gate
from countcheck.gate.decision import Decision
from countcheck.gate.evidence import Evidence, evidence_of_run
from countcheck.gate.policy import Policy, policy_from, read_policy
from countcheck.images.encode import PNG
from countcheck.library.judging import CounterInput, load_counter
from countcheck.metrics.comparison import Comparison, adjust_p_values, compare
from countcheck.metrics.rates import heading_of
from countcheck.metrics.sides import match_sides
from countcheck.metrics.summary import Summary, summarize
from countcheck.storage.rows import row_to_json
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.catalog import load_suite
from countcheck.suites.merge import load_suites
from countcheck.suites.suite import Suite

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from countcheck.storage.records import OutcomeRecord

Shown = TypeVar("Shown")
RunProgress: TypeAlias = Callable[[str, int, int], None]
"""Called with a generator's name, the number of its samples that are done, and the number planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary(Summary):
    """A `Summary` that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return summary_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison(Comparison):
    """A `Comparison` that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return comparison_html(self)


class Run(RunFolder):
    """A run folder with what can be asked of it: rows, rates, comparison, gate, report. Use it in a ``with``, or close it."""

    def summary(self, level: float = 0.95) -> RunSummary:
        """Estimate every rate of every generator.

        Args:
            level: Confidence level of the intervals, above 0 and below 1.
        """
        return _as(
            RunSummary, summarize(self.table(), self.info.called(self.name), self.labels(), level, path=self.path)
        )

    def compare(
        self, other: Run, *, generator: str | None = None, other_generator: str | None = None, level: float = 0.95
    ) -> RunComparison:
        """Compare this run with another in pairs, by prompt and repeat; ``other`` is the one in question.

        Args:
            other: The run to look at.
            generator, other_generator: Which generators, when the runs have several.
            level: Confidence level of the intervals.

        Raises:
            UnknownName: For a generator that a run does not have.
            BadInput: When several pairs of generators are possible.
        """
        sides = (dict(self._evidence(level).sides), dict(other._evidence(level).sides))
        pairs = match_sides(*sides, generator, other_generator)
        if len(pairs) > 1:
            names = ", ".join(f"{own.generator} with {others.generator}" for own, others in pairs)
            raise BadInput(f"several generators can be compared: {names}. Name two as generator and other_generator.")
        (comparison,) = adjust_p_values([compare(*pairs[0], level)])
        return _as(RunComparison, comparison)

    def gate(
        self,
        policy: Policy | Path | str | Mapping[str, Any],
        *,
        baseline: Run | None = None,
        unpaired: bool = False,
    ) -> Decision:
        """Decide a gate policy on this run.

        Args:
            policy: A policy, its file, or its fields, as in ``{"rules": [{"rate": "exact_rate", "at_least": 0.6}]}``.
            baseline: The run that ``no_worse_by`` rules compare with.
            unpaired: Compare with a baseline that was asked another suite, too.

        Raises:
            BadSettings: For a policy that makes no sense.
            BadInput: When a rule needs a baseline and there is none.
        """
        if isinstance(policy, str | Path):
            read = read_policy(Path(policy))
        else:
            read = policy if isinstance(policy, Policy) else policy_from(dict(policy))
        earlier = None if baseline is None else baseline._evidence(read.level)
        return decide_gate(read, self._evidence(read.level), earlier, unpaired=unpaired)

    def report(self, target: Path | str | None = None, *, others: Sequence[Run] = ()) -> Path:
        """Write the report page of this run, and of others beside it; return its path.

        Args:
            target: The page; ``report.html`` in the run's folder when left out.
            others: Further runs on the same page.
        """
        from countcheck.reports.html.page import write_report

        return write_report([self, *others], self.path / "report.html" if target is None else Path(target))

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row a sample or turn, with the columns of the export.

        Raises:
            MissingExtra: When pandas is not installed.
        """
        frame: pandas.DataFrame = _import("pandas", "tables").DataFrame.from_records(
            self._records(), columns=_columns()
        )
        return frame

    def to_polars(self) -> polars.DataFrame:
        """Return one row a sample or turn, with the columns of the export; nested columns as JSON text.

        Raises:
            MissingExtra: When polars is not installed.
        """
        frame: polars.DataFrame = _import("polars", "tables").from_arrow(self.to_arrow())
        return frame

    def to_arrow(self) -> pyarrow.Table:
        """Return one row a sample or turn, with the columns of the export; nested columns as JSON text.

        Raises:
            MissingExtra: When pyarrow is not installed.
        """
        flat = [
            {
                name: orjson.dumps(value).decode() if isinstance(value, dict | list) else value
                for name, value in row.items()
            }
            for row in self._records()
        ]
        table: pyarrow.Table = _import("pyarrow", "tables").Table.from_pylist(flat)
        return table

    def _records(self) -> list[dict[str, Any]]:
        return [row_to_json(row) for row in self.rows()]

    def _evidence(self, level: float) -> Evidence:
        return evidence_of_run(self.table(), self.info.called(self.name), self.labels(), level)

    def _repr_html_(self) -> str:
        return summary_html(self.summary())


def open_run(path: Path | str) -> Run:
    """Open a run folder.

    Raises:
        BadInput: When there is no run there, or its ledger is damaged.
        RunMismatch: When a newer version wrote it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run("three-little-pigs", generators=["scenes"], path=f"{folder}/pigs", limit=3).close()
    ...     with open_run(f"{folder}/pigs") as pigs:
    ...         estimate = pigs.summary().generators["scenes"].rates["exact_rate"]
    >>> estimate.value, estimate.n
    (1.0, 3)
    """
    return Run.open(path)


def run(
    suite: str | Sequence[str] | Suite,
    *,
    generators: Sequence[str],
    counter: CounterInput = "tiny",
    path: Path | str,
    repeats: int = 1,
    limit: int | None = None,
    only: Mapping[str, str] | None = None,
    budget: float | None = None,
    retry_failed: bool = False,
    wait: bool = False,
    image_format: str = PNG,
    pictures: str = "",
    devices: str = "",
    progress: RunProgress | None = None,
) -> Run:
    """Make pictures, count them and judge them; return the run, open. The same call continues after an interruption.

    Args:
        suite: Names or files of suites, or a `Suite`.
        generators: Cards or specs, as after ``-g``.
        counter: A card's name, a spec or a loaded counter.
        path: The run's folder, new or begun with the same settings.
        repeats: Pictures of every prompt, 1 or more.
        limit: Samples of each generator at most.
        only: Tags that a prompt must have.
        budget: USD; nothing is begun that it may not cover.
        retry_failed: Make failed samples again.
        wait: Wait for the answers of batches; without it the same call later fetches them.
        image_format: Of saved pictures: ``png``, ``webp-lossless`` or ``jpeg-95``.
        pictures: URL where pictures are saved, as in ``s3://bucket/pigs``; empty for the run's folder.
        devices: One worker process on each, as in ``cuda:0,cuda:1``; empty for this process. The calling program then needs
            ``if __name__ == "__main__":`` around the call.
        progress: Called after every sample; see `RunProgress`.

    Raises:
        UnknownName: For an unknown suite, card, family or image format.
        BadSettings: For a device that there is not, or devices and a counter that is loaded already.
        CannotDecide: When the counter fails its self-test.
        RunMismatch: When the folder was begun with other settings.
        GeneratorClosed: When a generator cannot serve; what was made is kept.
    """
    config = RunConfig(
        suite=_suite(suite),
        generators=[read_generator_card(spec) for spec in dict.fromkeys(generators)],
        path=Path(path),
        repeats=repeats,
        limit=limit,
        only=only,
        budget=budget,
        retry_failed=retry_failed,
        wait=wait,
        image_format=image_format,
        pictures_url=pictures,
    )
    _make(config, counter, devices, None if progress is None else _Callback(progress))
    return open_run(path)


def _suite(suite: str | Sequence[str] | Suite) -> Suite:
    if isinstance(suite, Suite):
        return suite
    return load_suite(suite) if isinstance(suite, str) else load_suites(list(suite))


def _make(config: RunConfig, counter: CounterInput, devices: str, progress: _Callback | None) -> None:
    if not devices:
        run_engine(config, load_counter(counter), progress=progress).close()
        return
    if not isinstance(counter, str):
        raise BadSettings("every worker loads its own counter. Give its name or spec, or leave devices out.")
    from countcheck.engine.workers.processes import run_on_devices

    run_on_devices(config, counter, devices, progress=progress).close()


def summary_html(summary: Summary) -> str:
    """Return a summary as an HTML table: one row a rate, one column a generator."""
    from countcheck.reports.format import estimate_text
    from countcheck.reports.notebook import table_html

    generators = summary.generators
    names = list(dict.fromkeys(name for entry in generators.values() for name in entry.rates))
    asked = {name: f"{entry.counts['asked']} of {entry.counts['planned']}" for name, entry in generators.items()}
    rows = [{"rate": "scored", **asked}]
    for rate in names:
        texts = {name: estimate_text(rate, entry.rates.get(rate)).bracketed for name, entry in generators.items()}
        rows.append({"rate": heading_of(rate), **texts})
    caption = f"{summary.run}: {summary.suite}, counted by {summary.counter.name or 'people'}"
    return table_html(caption, ["rate", *generators], rows)


def comparison_html(comparison: Comparison) -> str:
    """Return a comparison as an HTML table: one row a rate, with both sides and the difference."""
    from countcheck.reports.format import difference_text, estimate_text
    from countcheck.reports.notebook import table_html

    rows = [
        {
            "rate": heading_of(name),
            "a": estimate_text(name, pair.a).bracketed,
            "b": estimate_text(name, pair.b).bracketed,
            "b − a": difference_text(name, pair.difference).bracketed,
        }
        for name, pair in comparison.rates.items()
    ]
    sides = " against ".join(f"{side['generator']} in {side['run']}" for side in (comparison.b, comparison.a))
    return table_html(f"b is {sides}; {comparison.pairs} pairs", ["rate", "a", "b", "b − a"], rows)


def _as(shown: type[Shown], record: Any) -> Shown:
    return shown(**{field.name: getattr(record, field.name) for field in fields(record)})


class _Callback:
    """A `Progress` that calls a function after every sample."""

    def __init__(self, call: RunProgress) -> None:
        self._call = call
        self._done: dict[str, int] = {}
        self._planned: dict[str, int] = {}

    def start(self, generator: str, planned: int, done: int) -> None:
        """Note where the generator stands."""
        self._planned[generator], self._done[generator] = planned, done

    def advance(self, generator: str, entry: OutcomeRecord) -> None:
        """Call the function; a conversation is done with its last turn."""
        self._done[generator] += int(entry.closes)
        self._call(generator, self._done[generator], self._planned[generator])

    def message(self, sentence: str) -> None:
        """Log the sentence."""
        import logging

        logging.getLogger("countcheck").info(sentence)


def _import(package: str, extra: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtra(extra, feature=f"a {package} table") from error


def _columns() -> list[str]:
    """Columns of the export, also for a run without rows."""
    from countcheck.storage.rows import ResultRow

    empty = ResultRow(key="", generator="", prompt_id="", repeat=0, seed=0, text="", outcome="missing")
    return list(row_to_json(empty))
