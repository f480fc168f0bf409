"""The rows that a flawless generator would leave of a suite: to try a policy on before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

from countcheck.counting.verdict import Kind
from countcheck.storage.rows import ResultRow
from countcheck.suites.samples import seed_of
from countcheck.suites.suite import Conversation, Prompt, Relation, Suite, Target, Turn

GENERATOR = "a flawless generator"


def flawless_rows(suite: Suite, repeats: int) -> list[ResultRow]:
    """Return a row for every prompt and turn of a suite, each with a picture that holds exactly what was asked.

    Args:
        suite: What is asked.
        repeats: Pictures of every prompt, 1 or more.
    """
    return [row for asked in suite.asked for repeat in range(repeats) for row in _rows(asked, repeat)]


def _rows(asked: Prompt | Conversation, repeat: int) -> Iterator[ResultRow]:
    if isinstance(asked, Prompt):
        yield _row(asked, asked, repeat)
        return
    for script, turn in enumerate(asked.turns):
        yield _row(asked, turn, repeat, script)


def _row(asked: Prompt | Conversation, message: Prompt | Turn, repeat: int, script: int = 0) -> ResultRow:
    counts = satisfying_counts(message.targets)
    return ResultRow(
        key=f"{asked.id}/{repeat}",
        generator=GENERATOR,
        prompt_id=asked.id,
        repeat=repeat,
        seed=seed_of(asked, repeat),
        text=message.say if isinstance(message, Turn) else message.text,
        outcome="picture",
        turn=script,
        script=script,
        verdict=Kind.EXACT if message.targets else None,
        leaning=Kind.EXACT if message.targets else None,
        asked={target.noun: target.count for target in message.targets if target.count is not None},
        counted=counts,
        low=counts,
        high=counts,
        targets=message.targets,
        conversation=isinstance(asked, Conversation),
        tags={**asked.tags, **message.tags},
        group=asked.group,
        benign=asked.benign,
    )


def satisfying_counts(targets: tuple[Target, ...]) -> dict[str, int]:
    """Return a number for each noun with which all targets hold.

    >>> satisfying_counts((Target(noun="pig", count=3), Target(noun="cat", relation=Relation.MORE_THAN, other="pig")))
    {'pig': 3, 'cat': 4}
    """
    counts = {target.noun: target.count for target in targets if target.count is not None}
    for target in targets:
        if target.relation in (Relation.MORE_THAN, Relation.AS_MANY_AS) and target.other is not None:
            other = counts.setdefault(target.other, 1)
            counts.setdefault(target.noun, other + (target.relation is Relation.MORE_THAN))
    return counts
