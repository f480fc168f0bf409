"""The countings of a run: that of the run itself, and recounts beside it, each under a name.

A counting is a detector with its rule. The run's own comes first; a recount by another detector or under another rule
is a counting beside it. One of them is the default, which every command shows: the run's, until a person chooses another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from countcheck.errors import UnknownName
from countcheck.storage.run_info import CounterInfo, DetectorInfo, SelfTestInfo
from countcheck.storage.snapshot import Snapshot

DEFAULT = "default_counting"  # name of the fact that holds the id of the default counting, where it is not the run's


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """A complete counting of a run.

    Attributes:
        name: As in ``summary --counting NAME``: the counter's name, and its rule's where that is not the usual one.
        ids: Of its rows in the ledger, oldest first: a run that went on under a newer description of its counter has
            several.
        counter: What counted, with its rule.
        self_test: How it did in its self-test.
    """

    name: str
    ids: tuple[int, ...]
    counter: CounterInfo
    self_test: SelfTestInfo

    @property
    def id(self) -> int:
        """The newest of its rows: what is written now belongs to it."""
        return self.ids[-1]


def same_counting(one: CounterInfo, other: CounterInfo) -> bool:
    """Tell whether two counters give the same verdicts: the same detector under the same rule.

    A parameter that an older record lacks has the value that it has always had, its default.
    """
    if one.detector != other.detector or one.rule == other.rule:
        return one.detector == other.detector
    # The rule brings pydantic and the detectors' types along, which most readers of a run do not need.
    from countcheck.counting.rule_settings import rule_of_record

    return rule_of_record(one.rule) == rule_of_record(other.rule)


def read_countings(snapshot: Snapshot) -> list[Counting]:
    """Read the complete countings of a run, its own first."""
    groups: list[Counting] = []
    names: set[str] = set()
    for row in snapshot.rows("countings", "WHERE complete = 1 ORDER BY id"):
        counter = CounterInfo.from_json(orjson.loads(row["counter"]))
        self_test = SelfTestInfo.from_json(orjson.loads(row["controls"]))
        place = next((k for k, group in enumerate(groups) if same_counting(group.counter, counter)), None)
        if place is None:
            name = _free_name(counter, names)
            names.add(name)
            groups.append(Counting(name=name, ids=(row["id"],), counter=counter, self_test=self_test))
        else:
            before = groups[place]
            groups[place] = Counting(
                name=before.name, ids=(*before.ids, row["id"]), counter=counter, self_test=self_test
            )
    return groups


def _free_name(counter: CounterInfo, taken: set[str]) -> str:
    rule = str(counter.rule.get("name") or "countcheck")
    name = counter.name or "counter"
    base = name if rule == "countcheck" else f"{name}-{rule}"
    return next(free for n in range(1, len(taken) + 2) if (free := base if n == 1 else f"{base}-{n}") not in taken)


def choose_counting(snapshot: Snapshot, groups: Sequence[Counting], name: str | None) -> Counting | None:
    """Return the counting of a name, or the default one; ``None`` when nothing was counted yet.

    Raises:
        UnknownName: For a name that no counting of the run has.
    """
    if name is not None:
        for group in groups:
            if group.name == name:
                return group
        raise UnknownName("counting", name, [group.name for group in groups])
    for fact in snapshot.rows("facts", "WHERE name = ?", (DEFAULT,)):
        chosen = orjson.loads(fact["value"])
        return next((group for group in groups if chosen in group.ids), groups[0] if groups else None)
    return groups[0] if groups else None


def ids_with_detector(snapshot: Snapshot, detector: DetectorInfo) -> list[int]:
    """Return the ids of all countings with a detector, those of a recount that is not complete included."""
    rows = snapshot.rows("countings", "ORDER BY id")
    return [row["id"] for row in rows if CounterInfo.from_json(orjson.loads(row["counter"])).detector == detector]
