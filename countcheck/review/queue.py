"""The order in which pictures are labelled. Pure: rows and labels in, an order out.

Uncertain pictures come first, then pictures sampled at random within strata: generator × verdict (exact or not), in
turn, so that every stratum is sampled however rare it is. Within a stratum the order is fixed by a hash of the sample's
key alone, so whoever labels first, the labelled ones are a simple random sample of their stratum, and a label stands
for (stratum size / labelled in it) pictures of the run.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from countcheck.metrics.label_plan import sampling_order, stratum_of
from countcheck.storage.rows import Label, ResultRow

REPEAT_EVERY = 5
"""Every fifth picture of a labeller is one that somebody else has labelled, to measure agreement."""

Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One picture to label, noun by noun.

    Attributes:
        nouns: What to count in it, in the order of its targets.
        stratum: ``uncertain``, or the generator and whether the counter's verdict is exact.
    """

    key: str
    turn: int
    nouns: tuple[str, ...]
    stratum: str
    row: ResultRow

    @property
    def place(self) -> Place:
        """The picture: its sample's key and the turn."""
        return self.key, self.turn


def tasks_of(rows: Iterable[ResultRow]) -> list[Task]:
    """List every picture with something to count, in the order in which it should be labelled."""
    strata: dict[str, list[tuple[str, Task]]] = defaultdict(list)
    for row in rows:
        nouns = tuple(dict.fromkeys(noun for target in row.targets for noun in target.nouns))
        if row.outcome != "picture" or not row.picture or not nouns:
            continue
        stratum = stratum_of(row)
        task = Task(key=row.key, turn=row.turn, nouns=nouns, stratum=stratum, row=row)
        strata[stratum].append((hashlib.sha256(f"{row.key}\x00{row.turn}".encode()).hexdigest(), task))
    ordered = {
        name: [task for _, task in sorted(strata[name], key=lambda hashed: hashed[0])] for name in sorted(strata)
    }
    uncertain = [tasks for name, tasks in ordered.items() if name.startswith("uncertain")]
    certain = [tasks for name, tasks in ordered.items() if not name.startswith("uncertain")]
    return [*_alternate(uncertain), *_alternate(certain)]


def _alternate(lists: Sequence[Sequence[Task]]) -> list[Task]:
    return [task for task in chain.from_iterable(zip_longest(*lists)) if task is not None]


def sample_of(tasks: Sequence[Task], labels: Iterable[Label], n: int) -> list[Task]:
    """Choose the ``n`` next tasks that teach most of the exact rate; see `countcheck.metrics.label_plan`.

    Within a stratum they are the next in its fixed random order, so that the labelled ones stay a random sample of it.
    """
    places = {(label.key, label.turn) for label in labels}
    waiting: dict[str, list[Task]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    labelled: dict[str, int] = defaultdict(int)
    for task in tasks:
        sizes[task.stratum] += 1
        if task.place in places:
            labelled[task.stratum] += 1
        else:
            waiting[task.stratum].append(task)
    order = islice(sampling_order(sizes, labelled), n)
    following = {name: iter(own) for name, own in waiting.items()}
    return [next(following[name]) for name in order]


class Queue:
    """The tasks of a run, and which of them each person has labelled.

    Args:
        tasks: All of the run.
        labels: That the ledger holds.
        offered: The tasks to offer; all when ``None``.
    """

    def __init__(
        self, tasks: Sequence[Task], labels: Iterable[Label] = (), offered: Sequence[Task] | None = None
    ) -> None:
        self.tasks = tasks
        self._offered = tasks if offered is None else offered
        self._tasks = {task.place: task for task in tasks}
        self._sizes: dict[str, int] = defaultdict(int)
        for task in tasks:
            self._sizes[task.stratum] += 1
        self._done: dict[str, set[tuple[str, int, str]]] = {}
        self._seen: dict[str, set[Place]] = {}
        self._begun: dict[str, dict[Place, Task]] = {}
        self._labellers: dict[Place, int] = {}
        self._labelled: dict[str, int] = {}
        self._sampled: dict[str, dict[Place, set[tuple[str, str]]]] = {}
        self._lost: set[Place] = set()
        self.reload(labels)

    def reload(self, labels: Iterable[Label]) -> None:
        """Start again from the labels that the ledger holds now."""
        self._done = defaultdict(set)
        self._seen = defaultdict(set)
        self._begun = defaultdict(dict)
        self._labellers = defaultdict(int)
        self._labelled = defaultdict(int)
        self._sampled = defaultdict(lambda: defaultdict(set))
        for label in labels:
            self.add(label)

    def add(self, label: Label) -> None:
        """Add a label that the ledger holds."""
        place, who = (label.key, label.turn), label.labeller
        self._done[who].add((*place, label.noun))
        task = self._tasks.get(place)
        if task is None:
            return
        if place not in self._seen[who]:
            self._seen[who].add(place)
            self._labellers[place] += 1
            self._labelled[task.stratum] += self._labellers[place] == 1
        self._mark(task, label, sampled=bool(label.stratum))
        self._keep_begun(who, task)

    def remove(self, label: Label) -> None:
        """Remove a label that the ledger no longer holds."""
        place, who = (label.key, label.turn), label.labeller
        self._done[who].discard((*place, label.noun))
        task = self._tasks.get(place)
        if task is None or place not in self._seen[who]:
            return
        if not any((*place, noun) in self._done[who] for noun in task.nouns):
            self._seen[who].discard(place)
            self._labellers[place] -= 1
            self._labelled[task.stratum] -= self._labellers[place] == 0
        self._mark(task, label, sampled=False)
        self._keep_begun(who, task)

    def _mark(self, task: Task, label: Label, *, sampled: bool) -> None:
        """Mark whether the label's picture was sampled at random; one chosen by hand stands for no other picture."""
        places = self._sampled[task.stratum]
        (places[task.place].add if sampled else places[task.place].discard)((label.labeller, label.noun))
        if not places[task.place]:
            del places[task.place]

    def _keep_begun(self, who: str, task: Task) -> None:
        left = self.missing(who, task)
        if left and len(left) < len(task.nouns):
            self._begun[who][task.place] = task
        else:
            self._begun[who].pop(task.place, None)

    def missing(self, labeller: str, task: Task) -> list[str]:
        """List the nouns of a picture that a person has not counted yet."""
        done = self._done[labeller]
        return [noun for noun in task.nouns if (*task.place, noun) not in done]

    def skip_lost(self, place: Place) -> None:
        """Stop offering a picture whose file is missing."""
        self._lost.add(place)

    def find(self, key: str, turn: int) -> Task | None:
        """Return the task of a picture; ``None`` when there is none."""
        return self._tasks.get((key, turn))

    def upcoming(self, labeller: str, n: int = 4) -> list[tuple[Task, str]]:
        """List the next ``n`` pictures and nouns of a person: new pictures, every fifth one labelled by somebody else."""
        upcoming: list[tuple[Task, str]] = []
        for task in chain(self._begun[labeller].values(), self._mixed(labeller)):
            if task.place in self._lost:
                continue
            upcoming += [(task, noun) for noun in self.missing(labeller, task)]
            if len(upcoming) >= n:
                break
        return upcoming[:n]

    def _mixed(self, labeller: str) -> Iterator[Task]:
        seen, labellers = self._seen[labeller], self._labellers
        left = [task for task in self._offered if task.place not in seen]
        new = (task for task in left if not labellers.get(task.place))
        repeated = (task for task in left if labellers.get(task.place))
        number = len(seen)
        while True:
            number += 1
            first, second = (repeated, new) if number % REPEAT_EVERY == 0 else (new, repeated)
            task = next(first, None) or next(second, None)
            if task is None:
                return
            yield task

    def weight(self, stratum: str) -> float:
        """Return how many pictures of the run each sampled and labelled picture of a stratum stands for."""
        sampled = len(self._sampled[stratum])
        return self._sizes[stratum] / sampled if sampled else 1.0

    def weight_with(self, task: Task) -> float:
        """Return `weight` of the task's stratum as it is once the task is labelled."""
        places = self._sampled[task.stratum].keys() | {task.place}
        return self._sizes[task.stratum] / len(places)

    def progress(self, labeller: str) -> dict[str, int]:
        """Count the pictures that a person and everybody has labelled, and those that are left."""
        uncertain = [name for name in self._sizes if name.startswith("uncertain")]
        return {
            "mine": len(self._seen[labeller]),
            "labelled": sum(self._labelled.values()),
            "pictures": len(self.tasks),
            "uncertain_left": sum(self._sizes[name] - self._labelled[name] for name in uncertain),
            "labellers": sum(bool(seen) for seen in self._seen.values()),
        }
