"""A run while it runs: a bar on stderr with rates, time left and what was found so far."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from countcheck.cli.output import stderr_console
from countcheck.counting.verdict import WRONG, Kind
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from countcheck.storage.records import OutcomeRecord


class _Rate(ProgressColumn):
    """Samples a second since the bar began; what an earlier run made is not of them."""

    def render(self, task: Any) -> Text:
        """For example "2.4/s"."""
        made, seconds = task.completed - task.fields["before"], task.finished_time or task.elapsed
        return Text(f"{made / seconds:.1f}/s" if made > 0 and seconds else "", style="dim")


class LiveProgress:
    """A progress bar (see `countcheck.engine.progress.Progress`) on stderr; use it in a ``with``."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[found]}"),
            console=stderr_console(),
        )
        self._tasks: dict[str, TaskID] = {}
        self._tallies: dict[str, Tally[str]] = {}

    def __enter__(self) -> LiveProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks:
            self._bar.stop()

    def start(self, generator: str, planned: int, done: int) -> None:
        """A bar for this generator, as far as an earlier run got."""
        self._bar.start()  # not before: a bar over nothing is an empty line
        name = escape(terminal_text(generator))
        self._tasks[generator] = self._bar.add_task(name, total=planned, completed=done, before=done, found="")
        self._tallies[generator] = Tally()

    def advance(self, generator: str, entry: OutcomeRecord) -> None:
        """One more."""
        tally = self._tallies[generator]
        tally[_heading(entry.verdict)] += 1
        found = " ".join(
            f"{name} {tally[name]}" for name in ("exact", "wrong", "uncertain", "refused", "failed") if tally[name]
        )
        self._bar.update(self._tasks[generator], advance=int(entry.closes), found=found)

    def message(self, sentence: str) -> None:
        """A remark above the bars."""
        self._bar.console.print(escape(terminal_text(sentence)))


def _heading(verdict: Kind | None) -> str:
    if verdict is None:
        return "seen"
    return "wrong" if verdict in WRONG else str(verdict)
