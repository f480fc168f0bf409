"""A run's progress on stderr: a bar with rates and results in a terminal, a line a minute without one."""

from __future__ import annotations

import threading
import time
from collections import Counter as Tally
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from countcheck.cli.logs import is_quiet
from countcheck.cli.output import note, stderr_console
from countcheck.counting.verdict import WRONG, Kind
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from rich.progress import TaskID

    from countcheck.storage.records import OutcomeRecord

LINE_SECONDS = 60.0
_MAX_WORKERS_NAMED = 4
_REFRESHES = 2  # a second: each takes 2 ms of the processor that keeps the run
_HEADINGS = ("exact", "wrong", "uncertain", "refused", "failed")


def run_progress() -> BarProgress | LineProgress:
    """Return what shows a run's progress: bars in a terminal, lines elsewhere, nothing when quiet."""
    if not is_quiet() and stderr_console().is_terminal:
        return BarProgress()
    return LineProgress()


class BarProgress:
    """One bar a generator, with samples a second, time left and verdicts."""

    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Speed(ProgressColumn):
            def render(self, task: Any) -> Text:
                # What an earlier run made does not count.
                made, seconds = task.completed - task.fields["before"], task.finished_time or task.elapsed
                return Text(f"{made / seconds:.1f}/s" if made > 0 and seconds else "", style="dim")

        class Verdicts(ProgressColumn):
            def render(self, task: Any) -> Text:
                verdicts = Text(task.fields["verdicts"])
                left = round(task.fields["waits_until"] - time.monotonic())
                workers = Text(task.fields["workers"], style="dim")
                verdicts = Text(" · ").join(part for part in (verdicts, workers) if part.plain)
                if left <= 0:
                    return verdicts
                wait = Text(f"waits {left // 60}:{left % 60:02d}: {task.fields['reason']}", style="yellow")
                return Text(" · ").join(part for part in (verdicts, wait) if part.plain)

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            Speed(),
            TimeRemainingColumn(compact=True),
            Verdicts(),
            console=stderr_console(),
            refresh_per_second=_REFRESHES,
        )
        self._tasks: dict[str, TaskID] = {}
        self._tallies: dict[str, Tally[str]] = {}

    def __enter__(self) -> BarProgress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._tasks:
            self._bar.stop()

    def start(self, generator: str, planned: int, done: int) -> None:
        """Show a bar for this generator, as far as an earlier run got."""
        from rich.markup import escape

        self._bar.start()  # not before: a bar over nothing is an empty line
        name = escape(terminal_text(generator))
        self._tasks[generator] = self._bar.add_task(
            name, total=planned, completed=done, before=done, verdicts="", workers="", waits_until=0.0, reason=""
        )
        self._tallies[generator] = Tally()

    def advance(self, generator: str, entry: OutcomeRecord) -> None:
        """Move the bar by one outcome."""
        tally = self._tallies[generator]
        tally[_heading(entry.verdict)] += 1
        self._bar.update(self._tasks[generator], advance=int(entry.closes), verdicts=_verdicts(tally))

    def wait(self, generator: str, reason: str, seconds: float) -> None:
        """Show beside the generator's bar how long it still waits for its service, and why."""
        if generator in self._tasks:
            until = time.monotonic() + seconds
            self._bar.update(self._tasks[generator], waits_until=until, reason=terminal_text(reason)[:60])

    def workers(self, generator: str, made: Mapping[str, int]) -> None:
        """Show beside the generator's bar what each worker has made."""
        if generator in self._tasks:
            self._bar.update(self._tasks[generator], workers=terminal_text(_workers(made)))

    def message(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        from rich.markup import escape

        self._bar.console.print(escape(terminal_text(sentence)))


class LineProgress:
    """A line a minute, for logs of CI services and schedulers: what is done of each generator."""

    def __init__(self, seconds: float = LINE_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._planned: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._tallies: dict[str, Tally[str]] = {}
        self._workers: dict[str, str] = {}
        self._changed: set[str] = set()
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def __enter__(self) -> LineProgress:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._print()

    def start(self, generator: str, planned: int, done: int) -> None:
        """Take up a generator."""
        with self._lock:
            self._planned[generator], self._done[generator] = planned, done
            self._tallies[generator] = Tally()
        note(f"{generator}: {done} of {planned} done")

    def advance(self, generator: str, entry: OutcomeRecord) -> None:
        """Take up an outcome."""
        with self._lock:
            self._done[generator] += int(entry.closes)
            self._tallies[generator][_heading(entry.verdict)] += 1
            self._changed.add(generator)

    def message(self, sentence: str) -> None:
        """Print a sentence."""
        note(sentence)

    def workers(self, generator: str, made: Mapping[str, int]) -> None:
        """Take up what each worker has made, for the next line."""
        with self._lock:
            self._workers[generator] = f"({_workers(made)})"

    def wait(self, generator: str, reason: str, seconds: float) -> None:
        """Print that a generator waits for its service, how long, and why."""
        note(f"{generator} waits {seconds:.0f} s: {reason}")

    def _report(self) -> None:
        while not self._ended.wait(self._seconds):
            self._print(always=True)

    def _print(self, *, always: bool = False) -> None:
        with self._lock:
            open_ones = {name for name, planned in self._planned.items() if self._done[name] < planned}
            shown = [name for name in self._planned if name in self._changed or (always and name in open_ones)]
            self._changed.clear()
            after = _duration(time.monotonic() - self._began)
            lines = [
                f"{name}: {self._done[name]} of {self._planned[name]} after {after} "
                f"{_verdicts(self._tallies[name])} {self._workers.get(name, '')}".rstrip()
                for name in shown
            ]
        for line in lines:
            note(line)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _verdicts(tally: Tally[str]) -> str:
    return " ".join(f"{name} {tally[name]}" for name in _HEADINGS if tally[name])


def _workers(made: Mapping[str, int]) -> str:
    """The number of outcomes of each worker, or of how many workers where they are many."""
    if len(made) > _MAX_WORKERS_NAMED:
        return f"{len(made)} workers, {min(made.values())} to {max(made.values())} each"
    return ", ".join(f"{name} {number}" for name, number in sorted(made.items()))


def _heading(verdict: Kind | None) -> str:
    if verdict is None:
        return "not judged"
    return "wrong" if verdict in WRONG else str(verdict)
