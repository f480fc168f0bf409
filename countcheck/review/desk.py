"""Where labels are given: the queue and the ledger kept in step. No HTTP here."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from countcheck.errors import BadInput
from countcheck.review.agreement import alpha
from countcheck.review.queue import Queue, Task, tasks_of
from countcheck.storage.rows import Label
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.language.nouns import plural_of

MOST = 10_000
_NAME = 80
_STALE = 5.0


class Desk:
    """One run being labelled, by any number of people at once. Every label is in the ledger before it is answered."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._lock = threading.RLock()
        self._labels = {_id(label): label for label in run.labels()}
        self.queue = Queue(tasks_of(run.rows()), self._labels.values())
        self._looked = time.monotonic()

    def upcoming(self, labeller: str) -> dict[str, Any]:
        """What a person sees next: a few tasks ahead, and progress. Neither prompt nor number nor verdict is in it."""
        labeller = named(labeller)
        with self._lock:
            self._refresh()
            ahead: list[tuple[Task, str]] = []
            while True:
                ahead = self.queue.upcoming(labeller)
                gone = [task for task, _ in ahead if self.run.picture(task.row) is None]
                for task in gone:
                    self.queue.lose(task.place)
                if not gone:
                    break
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
                    for task, noun in ahead
                ],
                "progress": self.queue.progress(labeller),
            }

    def label(self, labeller: str, key: str, turn: int, noun: str, count: int | None) -> dict[str, Any]:
        """Keep a label; once a person has counted every noun of a picture, say what the counter had counted.

        Not sooner: the prompt would give away the number of the nouns that are still to be counted.

        Returns:
            ``left``, the nouns still to be counted; when there are none, also ``answers``, one for each noun with
            ``noun``, ``own``, ``counted`` and ``asked``, and the prompt as ``text``.

        Raises:
            BadInput: When the run has no such picture or noun, or the number makes no sense.
        """
        labeller = named(labeller)
        if count is not None and not 0 <= count <= MOST:
            raise BadInput(f"{count} is not a number of things. Give 0 to {MOST}, or none for `cannot tell`.")
        with self._lock:
            task = self._find(key, turn, noun)
            made = Label(
                key=key,
                turn=turn,
                noun=noun,
                count=count,
                labeller=labeller,
                at=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
                stratum=task.stratum,
            )
            self.queue.note(made)
            made = replace(made, weight=self.queue.weight(task.stratum))
            self.run.add_labels([made])
            self._labels[_id(made)] = made
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
        """Take a person's newest label back; says which it was, ``None`` when there is none."""
        labeller = named(labeller)
        with self._lock:
            mine = [label for label in self._labels.values() if label.labeller == labeller]
            if not mine:
                return None
            last = max(mine, key=lambda label: label.at)
            self.run.remove_label(last.key, last.turn, last.noun, labeller)
            del self._labels[_id(last)]
            self.queue.forget(last)
            return {"key": last.key, "turn": last.turn, "noun": last.noun, "count": last.count}

    def reweigh(self, stratum: str) -> None:
        """Bring the weights of a stratum's labels up to date: each stands for fewer pictures as more are labelled."""
        if stratum:
            with self._lock:
                weight = self.queue.weight(stratum)
            self.run.weigh_labels(stratum, weight)

    def take_in(self, labels: Iterable[Label]) -> tuple[int, int]:
        """Keep labels given elsewhere: how many were kept, and how many name no picture and noun of this run."""
        kept, strange = [], 0
        with self._lock:
            for label in labels:
                task = self.queue.find(label.key, label.turn)
                if task is None or label.noun not in task.nouns:
                    strange += 1
                    continue
                kept.append(replace(label, stratum=task.stratum if label.stratum else "", weight=1.0))
                self.queue.note(label)
            self.run.add_labels(kept)
            self._labels |= {_id(label): label for label in kept}
            for stratum in sorted({label.stratum for label in kept} - {""}):
                self.reweigh(stratum)
        return len(kept), strange

    def agreement(self) -> dict[str, Any]:
        """How far the labellers agree."""
        with self._lock:
            return alpha(self._labels.values())

    def stratum(self, key: str, turn: int) -> str:
        """The stratum of a picture; empty when it is none of the run's."""
        task = self.queue.find(key, turn)
        return task.stratum if task else ""

    def _find(self, key: str, turn: int, noun: str) -> Task:
        task = self.queue.find(key, turn)
        if task is None:
            raise BadInput(f"the run has no picture {key[:64]!r}, turn {turn}. Reload the page.")
        if noun not in task.nouns:
            raise BadInput(f"nothing is asked of {noun[:60]!r} in this picture. Its nouns: {', '.join(task.nouns)}.")
        return task

    def _refresh(self) -> None:
        # Another server, or an import, may label the same run.
        if time.monotonic() - self._looked > _STALE:
            self._looked = time.monotonic()
            known = (len(self._labels), max((label.at for label in self._labels.values()), default=""))
            if self.run.labels_stamp() != known:
                self._labels = {_id(label): label for label in self.run.labels()}
                self.queue.reload(self._labels.values())


def named(labeller: str) -> str:
    """A labeller's name, trimmed. Raises `BadInput` when there is none."""
    name = " ".join(labeller.split())[:_NAME]
    if not name or not name.isprintable():
        raise BadInput("a label needs the name of who gave it. Write your name or initials.")
    return name


def _id(label: Label) -> tuple[str, int, str, str]:
    return label.key, label.turn, label.noun, label.labeller
