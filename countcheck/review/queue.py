"""The order in which pictures are labelled. Pure: rows and labels in, an order out.

Uncertain pictures come first, then pictures sampled at random within strata: generator × verdict (exact or not), in
turn, so that every stratum is sampled however rare it is. Within a stratum the order is fixed by a hash of the sample's
key alone, so whoever labels first, the labelled ones are a simple random sample of their stratum, and a label stands
for (stratum size / labelled in it) pictures of the run.

People may leave that order: pass a picture over, go to one by its number, look at some verdicts only. A label counts as
sampled only where every picture before it in its stratum's order is labelled; one given ahead is chosen by hand, and
becomes a sampled one as soon as the order has come as far (`Queue.reached`), whoever labels. So which pictures are sampled
depends on the order alone, not on what people chose to look at.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from countcheck.metrics.label_plan import sampling_order, stratum_of
from countcheck.storage.rows import IS_REFUSAL, Label, ResultRow

REPEAT_EVERY = 5
"""Every fifth picture of a labeller is one that somebody else has labelled, to measure agreement."""
SKIPPED_FOR = 10
"""A picture that a person passed over is offered again after so many others."""

Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One picture to label, noun by noun; or an answer of which to say whether it is a refusal.

    Attributes:
        nouns: What to count in it, in the order of its targets; `IS_REFUSAL` alone for an answer.
        stratum: ``uncertain``, or the generator and whether the counter's verdict is exact; of an answer, the generator and
            whether it was read as a refusal.
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
        strata[stratum].append((_hash(row), task))
    ordered = _in_order(strata)
    uncertain = [tasks for name, tasks in ordered.items() if name.startswith("uncertain")]
    certain = [tasks for name, tasks in ordered.items() if not name.startswith("uncertain")]
    return [*_alternate(uncertain), *_alternate(certain)]


def refusal_tasks_of(rows: Iterable[ResultRow]) -> list[Task]:
    """List the answers that were read as refusals, and the replies that were read as nothing, in the order of review."""
    strata: dict[str, list[tuple[str, Task]]] = defaultdict(list)
    for row in rows:
        refusal = row.outcome == "refusal"
        if not refusal and not (row.outcome == "failure" and row.failure == "unknown" and (row.words or row.message)):
            continue
        stratum = f"{row.generator} / {'refusal' if refusal else 'unread'}"
        task = Task(key=row.key, turn=row.turn, nouns=(IS_REFUSAL,), stratum=stratum, row=row)
        strata[stratum].append((_hash(row), task))
    return _alternate(list(_in_order(strata).values()))


def _hash(row: ResultRow) -> str:
    return hashlib.sha256(f"{row.key}\x00{row.turn}".encode()).hexdigest()


def _in_order(strata: Mapping[str, list[tuple[str, Task]]]) -> dict[str, list[Task]]:
    return {name: [task for _, task in sorted(strata[name], key=lambda hashed: hashed[0])] for name in sorted(strata)}


def _alternate(lists: Sequence[Sequence[Task]]) -> list[Task]:
    return [task for task in chain.from_iterable(zip_longest(*lists)) if task is not None]


def sample_of(tasks: Sequence[Task], labels: Iterable[Label], n: int) -> list[Task]:
    """Choose the ``n`` next tasks that teach most of the exact rate; see `countcheck.metrics.label_plan`.

    Within a stratum they are the next in its fixed random order, so that the labelled ones stay a random sample of it; those
    among them that somebody chose and labelled before are not offered again, and count.
    """
    places = {(label.key, label.turn) for label in labels if label.stratum}
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
        self._numbers = {task.place: number for number, task in enumerate(tasks, 1)}
        self._sizes: dict[str, int] = defaultdict(int)
        self._orders: dict[str, list[Task]] = defaultdict(list)
        for task in tasks:
            self._sizes[task.stratum] += 1
            self._orders[task.stratum].append(task)
        self._handed_out: set[Place] = set()
        self._skipped: dict[str, dict[Place, int]] = defaultdict(dict)
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

    def skip(self, labeller: str, place: Place) -> None:
        """Pass a picture over for a person: it is offered again after `SKIPPED_FOR` others, or when nothing else is left."""
        self._skipped[labeller].pop(place, None)  # to the end of those that wait
        self._skipped[labeller][place] = len(self._seen[labeller])

    def find(self, key: str, turn: int) -> Task | None:
        """Return the task of a picture; ``None`` when there is none."""
        return self._tasks.get((key, turn))

    @property
    def strata(self) -> Collection[str]:
        """The names of all strata."""
        return self._sizes.keys()

    def offered_done(self) -> int:
        """Count the offered pictures that somebody has labelled."""
        return sum(bool(self._labellers.get(task.place)) for task in self._offered)

    def number(self, task: Task) -> int:
        """Return the place of a task among all, from 1."""
        return self._numbers[task.place]

    def upcoming(self, labeller: str, n: int = 4) -> list[tuple[Task, str]]:
        """List the next ``n`` pictures and nouns of a person: new pictures, every fifth one labelled by somebody else."""
        upcoming: list[tuple[Task, str]] = []
        for task in self._mixed(labeller):
            if task.place in self._lost:
                continue
            self._handed_out.add(task.place)
            upcoming += [(task, noun) for noun in self.missing(labeller, task)]
            if len(upcoming) >= n:
                break
        return upcoming[:n]

    def chosen(self, labeller: str, fits: Callable[[Task], bool], after: int = 0, n: int = 4) -> list[tuple[Task, str]]:
        """List the next ``n`` pictures and nouns among those that a person wants to see, in the order of all.

        Args:
            fits: Whether a picture is among them. Nouns that the person has counted are listed too, so that they can be seen.
            after: The number of a task: those up to it are left out.
        """
        upcoming: list[tuple[Task, str]] = []
        for task in islice(self.tasks, after, None):
            if task.place in self._lost or not fits(task):
                continue
            upcoming += [(task, noun) for noun in self.missing(labeller, task) or task.nouns]
            if len(upcoming) >= n:
                break
        return upcoming[:n]

    def _passed_over(self, labeller: str) -> dict[Place, int]:
        """Return what a person passed over a short while ago, the oldest first."""
        n = len(self._seen[labeller])
        return {place: at for place, at in self._skipped[labeller].items() if n < at + SKIPPED_FOR}

    def _mixed(self, labeller: str) -> Iterator[Task]:
        seen, begun, waiting = self._seen[labeller], self._begun[labeller], self._passed_over(labeller)
        yield from [task for place, task in begun.items() if place not in waiting]
        left = [task for task in self._offered if task.place not in seen and task.place not in waiting]
        yield from self._alternating(labeller, left)
        yield from [self._tasks[place] for place in waiting if place in begun or place not in seen]

    def _alternating(self, labeller: str, left: Sequence[Task]) -> Iterator[Task]:
        seen, labellers = self._seen[labeller], self._labellers
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

    def is_sampled(self, task: Task) -> bool:
        """Say whether a label of this picture, given now, is a sampled one: the stratum's order has come to it."""
        if task.place in self._sampled[task.stratum]:
            return True
        if task.place not in self._handed_out:
            return False
        return all(self._is_passed(earlier) for earlier in self._before(task))

    def _before(self, task: Task) -> Iterator[Task]:
        for earlier in self._orders[task.stratum]:
            if earlier is task:
                return
            yield earlier

    def _is_passed(self, task: Task) -> bool:
        return bool(self._labellers.get(task.place)) or task.place in self._lost

    def reached(self, stratum: str) -> list[Place]:
        """List the labelled pictures that were chosen by hand, and that the stratum's order has reached since.

        It has reached all that stand before the last one it handed out, when everything before that one is labelled; and
        all of the stratum, when every picture there is labelled.
        """
        sampled = self._sampled[stratum]
        passed, last = [], 0
        for task in self._orders[stratum]:
            if not self._is_passed(task):
                break
            passed.append(task.place)
            if task.place in sampled or task.place in self._handed_out:
                last = len(passed)
        if len(passed) == self._sizes[stratum]:
            last = len(passed)
        return [place for place in passed[:last] if place not in sampled and self._labellers.get(place)]

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
            "skipped": sum(bool(self.missing(labeller, self._tasks[place])) for place in self._skipped[labeller]),
            "mine": len(self._seen[labeller]),
            "labelled": sum(self._labelled.values()),
            "pictures": len(self.tasks),
            "uncertain_left": sum(self._sizes[name] - self._labelled[name] for name in uncertain),
            "labellers": sum(bool(seen) for seen in self._seen.values()),
        }
