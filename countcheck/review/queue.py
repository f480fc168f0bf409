"""Which picture is worth a person's look next. Pure: rows and labels in, an order out.

Uncertain pictures come first, then pictures drawn by chance within strata: generator × what the counter said (exact or
not), in turn, so that every stratum is sampled however rare it is. Within a stratum the order is fixed by a hash of the
sample's key alone, so whoever labels first, the labelled ones are a simple random sample of their stratum, and a label
stands for (stratum size / labelled in it) pictures of the run.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from countcheck.counting.verdict import Kind
from countcheck.storage.rows import Label, ResultRow

SECOND_LOOK_EVERY = 5
"""Of a labeller's pictures, every how-maniest is one that somebody else has labelled, to measure agreement."""

Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One picture to label, noun by noun.

    Attributes:
        nouns: What is to be counted in it, in the order of its targets.
        stratum: ``uncertain``, or generator and what the counter said.
    """

    key: str
    turn: int
    nouns: tuple[str, ...]
    stratum: str
    row: ResultRow

    @property
    def place(self) -> Place:
        """Which picture."""
        return self.key, self.turn


def tasks_of(rows: Iterable[ResultRow]) -> list[Task]:
    """Every picture with something to count, in the order in which it is worth labelling."""
    strata: dict[str, list[tuple[str, Task]]] = defaultdict(list)
    for row in rows:
        nouns = tuple(dict.fromkeys(noun for target in row.targets for noun in target.nouns))
        if row.outcome != "picture" or not row.picture or not nouns:
            continue
        stratum = _stratum(row)
        task = Task(key=row.key, turn=row.turn, nouns=nouns, stratum=stratum, row=row)
        strata[stratum].append((hashlib.sha256(f"{row.key}\x00{row.turn}".encode()).hexdigest(), task))
    ordered = {name: [task for _, task in sorted(strata[name], key=lambda one: one[0])] for name in sorted(strata)}
    unsure = [name for name in ordered if name.startswith("uncertain")]
    in_turn = [ordered[name] for name in ordered if name not in unsure]
    return [
        *_alternate([ordered[name] for name in unsure]),
        *_alternate(in_turn),
    ]


def _alternate(lists: Sequence[Sequence[Task]]) -> list[Task]:
    return [task for task in chain.from_iterable(zip_longest(*lists)) if task is not None]


def _stratum(row: ResultRow) -> str:
    if row.verdict is Kind.UNCERTAIN:
        return f"uncertain / {row.generator}"
    return f"{row.generator} / {'exact' if row.verdict is Kind.EXACT else 'not exact'}"


class Queue:
    """The tasks of a run and who has labelled what."""

    def __init__(self, tasks: Sequence[Task], labels: Iterable[Label] = ()) -> None:
        self.tasks = tasks
        self._of = {task.place: task for task in tasks}
        self._sizes: dict[str, int] = defaultdict(int)
        for task in tasks:
            self._sizes[task.stratum] += 1
        self._done: dict[str, set[tuple[str, int, str]]] = {}
        self._seen: dict[str, set[Place]] = {}
        self._begun: dict[str, dict[Place, Task]] = {}
        self._people: dict[Place, int] = {}
        self._drawn: dict[str, int] = {}
        self._by_chance: dict[str, dict[Place, set[tuple[str, str]]]] = {}
        self._gone: set[Place] = set()
        self.reload(labels)

    def reload(self, labels: Iterable[Label]) -> None:
        """Take the ledger's labels as they are now."""
        self._done = defaultdict(set)
        self._seen = defaultdict(set)
        self._begun = defaultdict(dict)
        self._people = defaultdict(int)
        self._drawn = defaultdict(int)
        self._by_chance = defaultdict(lambda: defaultdict(set))
        for label in labels:
            self.note(label)

    def note(self, label: Label) -> None:
        """Somebody labelled."""
        place, who = (label.key, label.turn), label.labeller
        self._done[who].add((*place, label.noun))
        task = self._of.get(place)
        if task is None:
            return
        if place not in self._seen[who]:
            self._seen[who].add(place)
            self._people[place] += 1
            self._drawn[task.stratum] += self._people[place] == 1
        self._mark(task, label, by_chance=bool(label.stratum))
        self._keep_begun(who, task)

    def forget(self, label: Label) -> None:
        """Somebody took a label back."""
        place, who = (label.key, label.turn), label.labeller
        self._done[who].discard((*place, label.noun))
        task = self._of.get(place)
        if task is None or place not in self._seen[who]:
            return
        if not any((*place, noun) in self._done[who] for noun in task.nouns):
            self._seen[who].discard(place)
            self._people[place] -= 1
            self._drawn[task.stratum] -= self._people[place] == 0
        self._mark(task, label, by_chance=False)
        self._keep_begun(who, task)

    def _mark(self, task: Task, label: Label, *, by_chance: bool) -> None:
        """Whether this label makes its picture one that was drawn by chance; one chosen by hand stands for no other."""
        drawn = self._by_chance[task.stratum]
        (drawn[task.place].add if by_chance else drawn[task.place].discard)((label.labeller, label.noun))
        if not drawn[task.place]:
            del drawn[task.place]

    def _keep_begun(self, who: str, task: Task) -> None:
        left = self.missing(who, task)
        if left and len(left) < len(task.nouns):
            self._begun[who][task.place] = task
        else:
            self._begun[who].pop(task.place, None)

    def missing(self, labeller: str, task: Task) -> list[str]:
        """The nouns of a picture that a person has not counted yet."""
        done = self._done[labeller]
        return [noun for noun in task.nouns if (*task.place, noun) not in done]

    def lose(self, place: Place) -> None:
        """The picture's file is gone: it is not offered any more."""
        self._gone.add(place)

    def find(self, key: str, turn: int) -> Task | None:
        """The task of a picture."""
        return self._of.get((key, turn))

    def upcoming(self, labeller: str, n: int = 4) -> list[tuple[Task, str]]:
        """The next pictures and nouns for a person: new ones, and now and then one that somebody else has labelled."""
        found: list[tuple[Task, str]] = []
        for task in chain(self._begun[labeller].values(), self._mixed(labeller)):
            if task.place in self._gone:
                continue
            found += [(task, noun) for noun in self.missing(labeller, task)]
            if len(found) >= n:
                break
        return found[:n]

    def _mixed(self, labeller: str) -> Iterator[Task]:
        seen, people = self._seen[labeller], self._people
        left = [task for task in self.tasks if task.place not in seen]
        fresh = (task for task in left if not people.get(task.place))
        again = (task for task in left if people.get(task.place))
        at = len(seen)
        while True:
            at += 1
            first, second = (again, fresh) if at % SECOND_LOOK_EVERY == 0 else (fresh, again)
            task = next(first, None) or next(second, None)
            if task is None:
                return
            yield task

    def weight(self, stratum: str) -> float:
        """Pictures of the run that one picture of a stratum stands for that was drawn by chance and labelled."""
        drawn = len(self._by_chance[stratum])
        return self._sizes[stratum] / drawn if drawn else 1.0

    def progress(self, labeller: str) -> dict[str, int]:
        """How far a person is, and how far everybody is."""
        uncertain = [name for name in self._sizes if name.startswith("uncertain")]
        return {
            "mine": len(self._seen[labeller]),
            "labelled": sum(self._drawn.values()),
            "pictures": len(self.tasks),
            "uncertain_left": sum(self._sizes[name] - self._drawn[name] for name in uncertain),
            "labellers": sum(bool(seen) for seen in self._seen.values()),
        }
