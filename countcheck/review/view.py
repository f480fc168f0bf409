"""What a person wants to see of a run while labelling: pictures or answers, all of them or some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from countcheck.errors import BadInput
from countcheck.review.queue import Task

PICTURES, REFUSALS = "pictures", "refusals"
MAX_CHOICES = 200
"""Most values of one filter that a page offers: the commonest."""
_MAX_NUMBER = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A choice among the tasks of a run; without any, tasks come in the order in which they are drawn by chance.

    Attributes:
        kind: ``pictures``, or ``refusals`` for answers that are to be judged refusals or not.
        model: The generator's name.
        verdict: What the counter says of a picture; of an answer, the refusal's reason, or ``unread``.
        noun: To be counted.
        tag: Name and value, as ``style: noir``.
        unlabelled: Leave out what the person has labelled.
        after: With a filter: the number of the task after which to go on, from 0.
    """

    kind: str = PICTURES
    model: str = ""
    verdict: str = ""
    noun: str = ""
    tag: str = ""
    unlabelled: bool = True
    after: int = 0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> View:
        """Read it from an address or a request's body, where everything may be left out.

        Raises:
            BadInput: When a value makes no sense.
        """
        given = {field.name: values[field.name] for field in fields(cls) if values.get(field.name) not in (None, "")}
        if given.get("kind", PICTURES) not in (PICTURES, REFUSALS):
            raise BadInput(f"kind is {given['kind']!r:.40}. It is {PICTURES} or {REFUSALS}.")
        after = str(given.get("after", 0))
        if not after.isdecimal() or int(after[:12]) > _MAX_NUMBER:
            raise BadInput(f"after is {after[:40]!r}. Give the number of a picture.")
        texts = {name: str(value) for name, value in given.items() if name not in ("after", "unlabelled")}
        unlabelled = str(given.get("unlabelled", "1")).lower() not in ("0", "false")
        return cls(**texts, unlabelled=unlabelled, after=int(after))

    @property
    def chooses(self) -> bool:
        """Whether it leaves the drawn order: some tasks are chosen, or labelled ones are looked through."""
        return bool(self.model or self.verdict or self.noun or self.tag or not self.unlabelled)

    def fits(self, task: Task) -> bool:
        """Say whether a task is among the chosen ones; `unlabelled` apart."""
        row = task.row
        return (
            self.model in ("", row.generator)
            and self.verdict in ("", verdict_of(task))
            and (not self.noun or self.noun in task.nouns)
            and (not self.tag or self.tag in _tags(task))
        )


def verdict_of(task: Task) -> str:
    """Return what was made of a task: the counter's verdict, the refusal's reason, or ``unread``."""
    row = task.row
    if row.outcome == "picture":
        return str(row.verdict or "")
    return (row.refusal or "unexplained") if row.outcome == "refusal" else "unread"


def _tags(task: Task) -> list[str]:
    return [f"{name}: {value}" for name, value in task.row.tags.items()]


def choices(tasks: Sequence[Task]) -> dict[str, list[str]]:
    """List the values that each filter can take among the tasks; the commonest `MAX_CHOICES`, in order of their names."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in ("model", "verdict", "noun", "tag")}
    for task in tasks:
        counted["model"][task.row.generator] += 1
        counted["verdict"][verdict_of(task)] += 1
        counted["noun"].update(task.nouns if task.row.outcome == "picture" else ())
        counted["tag"].update(_tags(task))
    return {
        name: sorted(value for value, _ in values.most_common(MAX_CHOICES) if value) for name, values in counted.items()
    }
