"""One run being labelled: the queue and the ledger kept in step. No HTTP here."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from countcheck.calibration.fit import MIN_PICTURES
from countcheck.errors import BadInput
from countcheck.reports.overlays import overlays_of
from countcheck.reports.safe_text import visible
from countcheck.review.agreement import alpha
from countcheck.review.queue import Queue, Task, refusal_tasks_of, sample_of, tasks_of
from countcheck.review.view import PICTURES, REFUSALS, View, choices, verdict_of
from countcheck.storage.rows import IS_REFUSAL, Label, LabelNote
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.language.nouns import plural_of

MAX_COUNT = 10_000
MAX_NAME = 80
MAX_NOTE = 500
ALL = View()
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
        self.sample = sample
        self._lock = threading.RLock()
        self._labels = {_id(label): label for label in run.labels()}
        self._notes = {(note.key, note.turn, note.labeller): note.text for note in run.label_store.read_notes()}
        rows = list(run.iter_rows())
        tasks, refusals = tasks_of(rows), refusal_tasks_of(rows)
        offered = None if sample is None else sample_of(tasks, self._labels.values(), sample)
        self.queue = Queue(tasks, self._labels.values(), offered)
        self.refusals = Queue(refusals, self._labels.values())
        self._choices = {PICTURES: choices(tasks), REFUSALS: choices(refusals)}
        self._refreshed = time.monotonic()

    # -- what to label next --------------------------------------------------------------------------------------

    def upcoming(self, labeller: str, view: View = ALL) -> dict[str, Any]:
        """List a labeller's next tasks and the progress.

        Of a picture neither prompt nor asked number nor verdict is in it, unless the person filters by them.

        Args:
            view: Which tasks; those that are drawn by chance when left out.

        Raises:
            BadInput: When the name is empty or holds control characters.
        """
        labeller = labeller_name(labeller)
        with self._lock:
            self._refresh()
            queue = self._queue(view.kind)
            while True:
                upcoming = self._tasks_in(queue, labeller, view)
                pictures = [task for task, _ in upcoming if task.row.picture]
                lost = [task for task in pictures if self.run.pictures.find(task.row) is None]
                if view.kind == REFUSALS or not lost:
                    break
                for task in lost:
                    queue.skip_lost(task.place)
            return {
                "tasks": [self._described(labeller, queue, task, noun) for task, noun in upcoming],
                "progress": self._progress(labeller, queue, view.kind),
            }

    def _queue(self, kind: str) -> Queue:
        return self.refusals if kind == REFUSALS else self.queue

    def _queue_of(self, task: Task) -> Queue:
        return self._queue(REFUSALS if task.nouns == (IS_REFUSAL,) else PICTURES)

    def _tasks_in(self, queue: Queue, labeller: str, view: View) -> list[tuple[Task, str]]:
        if not view.chooses:
            return queue.upcoming(labeller)

        def fits(task: Task) -> bool:
            return view.fits(task) and not (view.unlabelled and not queue.missing(labeller, task))

        return queue.chosen(labeller, fits, view.after)

    def _described(self, labeller: str, queue: Queue, task: Task, noun: str) -> dict[str, Any]:
        described: dict[str, Any] = {
            "key": task.key,
            "turn": task.turn,
            "noun": noun,
            "plural": plural_of(noun, self.run.suite.nouns),
            "which": task.nouns.index(noun) + 1,
            "of": len(task.nouns),
            "number": queue.number(task),
            "note": self._notes.get((task.key, task.turn, labeller), ""),
            "answered": not queue.missing(labeller, task),
        }
        if queue is self.refusals:
            row = task.row
            words = row.words or row.message
            described |= {"text": row.text, "words": words, "picture": self.run.pictures.find(row) is not None}
        return described

    def _progress(self, labeller: str, queue: Queue, kind: str) -> dict[str, Any]:
        progress = queue.progress(labeller)
        if kind == PICTURES:
            progress["goal"] = MIN_PICTURES if self.sample is None else min(self.sample, len(queue.tasks))
            if self.sample is not None:
                progress["sampled"] = queue.offered_done()
        return progress

    def choices(self, kind: str) -> dict[str, list[str]]:
        """List the models, verdicts, nouns and tags by which the tasks can be filtered."""
        return self._choices[kind]

    def look(self, labeller: str, key: str, turn: int, which: int = 0) -> dict[str, Any]:
        """Return one task as `upcoming` does, and what the labeller answered; with the counter's answer where all is counted.

        Args:
            which: The noun to ask for, from 1; the first that is not counted when 0.

        Raises:
            BadInput: When the run has no such picture, or the name makes no sense.
        """
        labeller = labeller_name(labeller)
        with self._lock:
            task = self._task(key, turn)
            queue = self._queue_of(task)
            missing = queue.missing(labeller, task)
            noun = task.nouns[which - 1] if 1 <= which <= len(task.nouns) else (missing or task.nouns)[0]
            shown = self._described(labeller, queue, task, noun)
            return shown if missing else {**shown, **self._answer(labeller, task)}

    def look_at_number(self, labeller: str, kind: str, number: int) -> dict[str, Any]:
        """Return the task of a number as `look` does.

        Raises:
            BadInput: When there is no such number, or the name makes no sense.
        """
        tasks = self._queue(kind).tasks
        if not 1 <= number <= len(tasks):
            raise BadInput(f"there is no number {number}: the run has {len(tasks)} of these. Give 1 to {len(tasks)}.")
        task = tasks[number - 1]
        return self.look(labeller, task.key, task.turn)

    def boxes(self, labeller: str, key: str, turn: int) -> list[dict[str, Any]]:
        """List what the counter found in a picture: ``noun``, ``score``, ``counted``, and the box in shares of the picture.

        Raises:
            BadInput: When the labeller has not counted everything in it: boxes would lead the eye.
        """
        labeller = labeller_name(labeller)
        with self._lock:
            task = self._task(key, turn)
            if self._queue_of(task).missing(labeller, task):
                raise BadInput("the counter's boxes are shown when everything in the picture is counted.")
        overlay = overlays_of(self.run, [task.row]).get(task.place)
        if overlay is None:
            return []
        width, height = max(overlay.size[0], 1), max(overlay.size[1], 1)
        return [
            {
                "noun": box.noun,
                "score": box.score,
                "left": box.left / width,
                "top": box.top / height,
                "width": (box.right - box.left) / width,
                "height": (box.bottom - box.top) / height,
                "counted": box.counted,
            }
            for box in overlay.boxes
        ]

    # -- what people say -----------------------------------------------------------------------------------------

    def add_label(self, labeller: str, key: str, turn: int, noun: str, count: int | None) -> dict[str, Any]:
        """Store a label; once a person has counted every noun of a picture, also return what the counter had counted.

        Not sooner: the prompt would give away the number of the nouns that are still to be counted.

        Args:
            noun: `IS_REFUSAL` for the question whether an answer, or a picture, is a refusal.
            count: 0 to 10,000; ``None`` for "cannot tell". Of a refusal 1 for yes and 0 for no.

        Returns:
            ``left``, the nouns still to be counted; when there are none, also ``answers``, one for each noun with
            ``noun``, ``own``, ``counted`` and ``asked``, and the prompt as ``text``. Of an answer ``read``, what it was
            taken for. ``sampled`` says whether the label is one of those drawn by chance.

        Raises:
            BadInput: When the run has no such picture or noun, the number or the name makes no sense, or the label
                cannot be written.
        """
        labeller = labeller_name(labeller)
        most = 1 if noun == IS_REFUSAL else MAX_COUNT
        if count is not None and not 0 <= count <= most:
            raise BadInput(f"{count} is not a possible count. Give 0 to {most}, or none for `cannot tell`.")
        with self._lock:
            task = self._find(key, turn, noun)
            queue = self._queue_of(task)
            sampled = queue.is_sampled(task)
            made = Label(
                key=key,
                turn=turn,
                noun=noun,
                count=count,
                labeller=labeller,
                at=now(),
                stratum=task.stratum if sampled else "",
                weight=queue.weight_with(task) if sampled else 1.0,
            )
            labels = [made, *self._that_follow(made, task)]
            self.run.label_store.add(labels)
            for label in labels:
                queue.add(label)
                self._labels[_id(label)] = label
            left = queue.missing(labeller, task)
            result = {"left": left} if left else {"left": left, **self._answer(labeller, task)}
            return result if sampled else {**result, "sampled": False}

    def _that_follow(self, label: Label, task: Task) -> list[Label]:
        """List the labels that a label brings with it: nothing can be counted in a refusal, and what is counted is none."""
        if task.nouns == (IS_REFUSAL,):
            return []
        if label.noun == IS_REFUSAL:
            return [replace(label, noun=noun, count=None) for noun in task.nouns] if label.count == 1 else []
        before = self._labels.get((label.key, label.turn, IS_REFUSAL, label.labeller))
        taken_back = before is not None and before.count == 1 and label.count is not None
        return [replace(label, noun=IS_REFUSAL, count=0)] if taken_back else []

    def _answer(self, labeller: str, task: Task) -> dict[str, Any]:
        row = task.row
        own = {noun: self._labels[task.key, task.turn, noun, labeller].count for noun in task.nouns}
        if task.nouns == (IS_REFUSAL,):
            return {"own": own[IS_REFUSAL], "read": verdict_of(task), "category": row.category, "code": row.code}
        answers = [
            {
                "noun": plural_of(noun, self.run.suite.nouns),
                "own": own[noun],
                "counted": row.counted.get(noun),
                "asked": row.asked.get(noun),
            }
            for noun in task.nouns
        ]
        flag = self._labels.get((task.key, task.turn, IS_REFUSAL, labeller))
        refused = {"refusal": True} if flag is not None and flag.count == 1 else {}
        return {"answers": answers, "text": row.text, **refused}

    def skip(self, labeller: str, key: str, turn: int) -> None:
        """Pass a picture over: it stays to be labelled, and comes again after some others.

        Labels given meanwhile in its stratum count as drawn by chance once it is labelled, too.

        Raises:
            BadInput: When the run has no such picture, or the name makes no sense.
        """
        labeller = labeller_name(labeller)
        with self._lock:
            task = self._task(key, turn)
            self._queue_of(task).skip(labeller, task.place)

    def add_note(self, labeller: str, key: str, turn: int, text: str) -> str:
        """Store a person's note on a picture and return it as it is stored; an empty one removes it.

        Raises:
            BadInput: When it is longer than `MAX_NOTE`, there is no such picture, or it cannot be written.
        """
        labeller = labeller_name(labeller)
        text = visible(" ".join(text.split()))
        if len(text) > MAX_NOTE:
            raise BadInput(f"the note has {len(text)} characters. Keep it to {MAX_NOTE}.")
        with self._lock:
            task = self._task(key, turn)
            note = LabelNote(key=task.key, turn=task.turn, labeller=labeller, text=text, at=now())
            self.run.label_store.add_notes([note])
            self._notes[task.key, task.turn, labeller] = text
        return text

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
            together = [
                label for label in own if label.at == newest.at and (label.key, label.turn) == (newest.key, newest.turn)
            ]
            for label in together:
                self.run.label_store.remove(label.key, label.turn, label.noun, labeller)
                del self._labels[_id(label)]
                if (task := self._any(label.key, label.turn)) is not None:
                    self._queue_of(task).remove(label)
            return {"key": newest.key, "turn": newest.turn, "noun": newest.noun, "count": newest.count}

    def update_weights(self, key: str, turn: int) -> None:
        """Bring the labels of a picture's stratum up to date after it was labelled, or was not any more.

        Each stands for fewer pictures as more are labelled; those that were chosen ahead of the drawn order become drawn ones
        when it has come to them.
        """
        task = self._any(key, turn)
        if task is None:
            return
        with self._lock:
            queue = self._queue_of(task)
            reached = set(queue.reached(task.stratum))
            promoted = (
                [label for label in self._labels.values() if (label.key, label.turn) in reached] if reached else []
            )
            if reached:
                self.run.label_store.set_stratum(reached, task.stratum)
            for label in promoted:
                drawn = replace(label, stratum=task.stratum)
                queue.add(drawn)
                self._labels[_id(label)] = drawn
            weight = queue.weight(task.stratum)
        self.run.label_store.set_weight(task.stratum, weight)

    def import_labels(self, labels: Iterable[Label]) -> tuple[int, int]:
        """Store labels given elsewhere; return how many were stored and how many fit no picture and noun of this run.

        Raises:
            BadInput: When they cannot be written; none of them is stored then.
        """
        fitting, unknown = [], 0
        with self._lock:
            for label in labels:
                task = self._any(label.key, label.turn)
                if task is None or label.noun not in (*task.nouns, IS_REFUSAL):
                    unknown += 1
                    continue
                fitting.append(replace(label, stratum=task.stratum if label.stratum else "", weight=1.0))
            self.run.label_store.add(fitting)
            for label in fitting:
                self._queue_of(self._task(label.key, label.turn)).add(label)
            self._labels |= {_id(label): label for label in fitting}
            for stratum in sorted({label.stratum for label in fitting} - {""}):
                queue = self.refusals if stratum in self.refusals.strata else self.queue
                self.run.label_store.set_weight(stratum, queue.weight(stratum))
        return len(fitting), unknown

    def import_notes(self, notes: Iterable[LabelNote]) -> int:
        """Store notes written elsewhere; those on pictures that the run does not have are left out. Return how many.

        Raises:
            BadInput: When they cannot be written.
        """
        with self._lock:
            fitting = [note for note in notes if self._any(note.key, note.turn) is not None]
            self.run.label_store.add_notes(fitting)
            self._notes |= {(note.key, note.turn, note.labeller): note.text for note in fitting}
        return len(fitting)

    def agreement(self) -> dict[str, Any]:
        """Measure how far the labellers agree; see `countcheck.review.agreement.alpha`."""
        with self._lock:
            return alpha(self._labels.values())

    def picture_of(self, key: str, turn: int) -> Path | None:
        """Return the file of a picture; ``None`` when the run has none of that key, or its file is missing."""
        task = self._any(key, turn)
        return self.run.pictures.find(task.row) if task else None

    def _any(self, key: str, turn: int) -> Task | None:
        return self.queue.find(key, turn) or self.refusals.find(key, turn)

    def _task(self, key: str, turn: int) -> Task:
        task = self._any(key, turn)
        if task is None:
            raise BadInput(f"the run has no picture {key[:64]!r}, turn {turn}. Reload the page.")
        return task

    def _find(self, key: str, turn: int, noun: str) -> Task:
        task = self._task(key, turn)
        if noun not in (*task.nouns, IS_REFUSAL):
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
                self.refusals.reload(self._labels.values())


def now() -> str:
    """Return the time as labels keep it: ISO 8601, UTC, to the microsecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


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
