"""One run being labelled: the queue and the ledger kept in step. No HTTP here."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from countcheck.calibration.fit import MIN_PICTURES
from countcheck.errors import BadInput
from countcheck.review.agreement import alpha
from countcheck.review.queue import Queue, Task, sample_of, tasks_of
from countcheck.storage.rows import Label
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.language.nouns import plural_of

MAX_COUNT = 10_000
MAX_NAME = 80
_REFRESH_SECONDS = 5.0


class LabelSession:
    """One run being labelled, by any number of people at once.

    A label is in the ledger before the queue or an answer knows of it: one that cannot be written was never given.

    Args:
        run: The run, open.
        sample: Offer only so many pictures that carry no label yet, those that teach most; all when ``None``.
    """

    def __init__(self, run: RunFolder, sample: int | None = None) -> None:
        self.run = run
        self._lock = threading.RLock()
        self._labels = {_id(label): label for label in run.labels()}
        tasks = tasks_of(run.rows())
        offered = None if sample is None else sample_of(tasks, self._labels.values(), sample)
        self.queue = Queue(tasks, self._labels.values(), offered)
        self._refreshed = time.monotonic()

    def upcoming(self, labeller: str) -> dict[str, Any]:
        """List a labeller's next tasks and the progress. Neither prompt nor asked number nor verdict is in it.

        Raises:
            BadInput: When the name is empty or holds control characters.
        """
        labeller = labeller_name(labeller)
        with self._lock:
            self._refresh()
            while True:
                upcoming = self.queue.upcoming(labeller)
                lost = [task for task, _ in upcoming if self.run.pictures.find(task.row) is None]
                if not lost:
                    break
                for task in lost:
                    self.queue.skip_lost(task.place)
            return {
                "tasks": [
                    {
                        "key": task.key,
                        "turn": task.turn,
                        "noun": noun,
                        "plural": plural_of(noun, self.run.suite.nouns),
                        "which": task.nouns.index(noun) + 1,
                        "of": len(task.nouns),
                    }
                    for task, noun in upcoming
                ],
                "progress": {**self.queue.progress(labeller), "goal": MIN_PICTURES},
            }

    def add_label(self, labeller: str, key: str, turn: int, noun: str, count: int | None) -> dict[str, Any]:
        """Store a label; once a person has counted every noun of a picture, also return what the counter had counted.

        Not sooner: the prompt would give away the number of the nouns that are still to be counted.

        Args:
            count: 0 to 10,000; ``None`` for "cannot tell".

        Returns:
            ``left``, the nouns still to be counted; when there are none, also ``answers``, one for each noun with
            ``noun``, ``own``, ``counted`` and ``asked``, and the prompt as ``text``.

        Raises:
            BadInput: When the run has no such picture or noun, the number or the name makes no sense, or the label
                cannot be written.
        """
        labeller = labeller_name(labeller)
        if count is not None and not 0 <= count <= MAX_COUNT:
            raise BadInput(f"{count} is not a possible count. Give 0 to {MAX_COUNT}, or none for `cannot tell`.")
        with self._lock:
            task = self._find(key, turn, noun)
            label = Label(
                key=key,
                turn=turn,
                noun=noun,
                count=count,
                labeller=labeller,
                at=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
                stratum=task.stratum,
                weight=self.queue.weight_with(task),
            )
            self.run.label_store.add([label])
            self.queue.add(label)
            self._labels[_id(label)] = label
            left = self.queue.missing(labeller, task)
            return {"left": left} if left else {"left": left, **self._answer(labeller, task)}

    def _answer(self, labeller: str, task: Task) -> dict[str, Any]:
        row = task.row
        answers = [
            {
                "noun": plural_of(noun, self.run.suite.nouns),
                "own": self._labels[task.key, task.turn, noun, labeller].count,
                "counted": row.counted.get(noun),
                "asked": row.asked.get(noun),
            }
            for noun in task.nouns
        ]
        return {"answers": answers, "text": row.text}

    def undo(self, labeller: str) -> dict[str, Any] | None:
        """Remove a labeller's newest label and return it; ``None`` when there is none.

        Raises:
            BadInput: When the name is empty or holds control characters.
        """
        labeller = labeller_name(labeller)
        with self._lock:
            own = [label for label in self._labels.values() if label.labeller == labeller]
            if not own:
                return None
            newest = max(own, key=lambda label: label.at)
            self.run.label_store.remove(newest.key, newest.turn, newest.noun, labeller)
            del self._labels[_id(newest)]
            self.queue.remove(newest)
            return {"key": newest.key, "turn": newest.turn, "noun": newest.noun, "count": newest.count}

    def update_weights(self, stratum: str) -> None:
        """Bring the weights of a stratum's labels up to date: each stands for fewer pictures as more are labelled."""
        if stratum:
            with self._lock:
                weight = self.queue.weight(stratum)
            self.run.label_store.set_weight(stratum, weight)

    def import_labels(self, labels: Iterable[Label]) -> tuple[int, int]:
        """Store labels given elsewhere; return how many were stored and how many fit no picture and noun of this run.

        Raises:
            BadInput: When they cannot be written; none of them is stored then.
        """
        fitting, unknown = [], 0
        with self._lock:
            for label in labels:
                task = self.queue.find(label.key, label.turn)
                if task is None or label.noun not in task.nouns:
                    unknown += 1
                    continue
                fitting.append(replace(label, stratum=task.stratum if label.stratum else "", weight=1.0))
            self.run.label_store.add(fitting)
            for label in fitting:
                self.queue.add(label)
            self._labels |= {_id(label): label for label in fitting}
            for stratum in sorted({label.stratum for label in fitting} - {""}):
                self.update_weights(stratum)
        return len(fitting), unknown

    def agreement(self) -> dict[str, Any]:
        """Measure how far the labellers agree; see `countcheck.review.agreement.alpha`."""
        with self._lock:
            return alpha(self._labels.values())

    def stratum(self, key: str, turn: int) -> str:
        """Return the stratum of a picture; empty when the run has no such picture."""
        task = self.queue.find(key, turn)
        return task.stratum if task else ""

    def _find(self, key: str, turn: int, noun: str) -> Task:
        task = self.queue.find(key, turn)
        if task is None:
            raise BadInput(f"the run has no picture {key[:64]!r}, turn {turn}. Reload the page.")
        if noun not in task.nouns:
            raise BadInput(f"{noun[:60]!r} is not to be counted in this picture. Its nouns: {', '.join(task.nouns)}.")
        return task

    def _refresh(self) -> None:
        # Another server, or an import, may label the same run.
        if time.monotonic() - self._refreshed > _REFRESH_SECONDS:
            self._refreshed = time.monotonic()
            known = (len(self._labels), max((label.at for label in self._labels.values()), default=""))
            if self.run.label_store.version() != known:
                self._labels = {_id(label): label for label in self.run.labels()}
                self.queue.reload(self._labels.values())


def labeller_name(text: str) -> str:
    """Trim a labeller's name to one line of at most 80 characters.

    Raises:
        BadInput: When nothing is left, or it holds control characters.
    """
    name = " ".join(text.split())[:MAX_NAME]
    if not name or not name.isprintable():
        raise BadInput("a label needs the name of its labeller. Write your name or initials.")
    return name


def _id(label: Label) -> tuple[str, int, str, str]:
    return label.key, label.turn, label.noun, label.labeller
