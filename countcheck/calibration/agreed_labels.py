"""Several people's labels of one picture become one number here, and nowhere else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import median_high, median_low

from countcheck.storage.rows import IS_REFUSAL, Label


def agreed_count(votes: Iterable[int | None]) -> int | None:
    """Return the number that several people agree on: the median of their numbers.

    Nothing is agreed when at least half of them could not tell, or when the median lies between two different numbers, as
    with two people who differ: the picture needs another label.

    Args:
        votes: One per person: the number seen, 0 or more, or ``None`` for "cannot tell".

    >>> agreed_count([2, 2, 5]), agreed_count([2, 3, 4]), agreed_count([2, 3]), agreed_count([2, None])
    (2, 3, None, None)
    """
    votes = list(votes)
    numbers = [vote for vote in votes if vote is not None]
    if 2 * len(numbers) <= len(votes):
        return None
    return median_low(numbers) if median_low(numbers) == median_high(numbers) else None


def agreed_counts(labels: Iterable[Label]) -> dict[tuple[str, int], dict[str, int]]:
    """Return for each labelled picture, by key and turn, noun to agreed number; nouns without agreement are left out.

    >>> label = Label(key="1f", noun="pig", count=3, labeller="ann")
    >>> agreed_counts([label])
    {('1f', 0): {'pig': 3}}
    """
    votes: dict[tuple[str, int], dict[str, list[int | None]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        if label.noun != IS_REFUSAL:
            votes[label.key, label.turn][label.noun].append(label.count)
    agreed: dict[tuple[str, int], dict[str, int]] = {}
    for picture, by_noun in votes.items():
        counts = {noun: agreed_count(numbers) for noun, numbers in by_noun.items()}
        agreed[picture] = {noun: count for noun, count in counts.items() if count is not None}
    return agreed


def agreed_refusals(labels: Iterable[Label]) -> dict[tuple[str, int], bool]:
    """Return whether people take a picture or answer for a refusal, by key and turn, where anybody was asked or said so.

    Whoever counted in a picture takes it for none. Those on which nothing is agreed are left out.

    >>> label = Label(key="1f", noun=IS_REFUSAL, count=1, labeller="ann")
    >>> agreed_refusals([label])
    {('1f', 0): True}
    """
    labels = list(labels)
    votes: dict[tuple[str, int], dict[str, int | None]] = {
        (label.key, label.turn): {} for label in labels if label.noun == IS_REFUSAL
    }
    for label in labels if votes else ():
        own = votes.get((label.key, label.turn))
        if own is None:
            continue
        if label.noun == IS_REFUSAL:
            own[label.labeller] = label.count
        elif label.count is not None:
            own.setdefault(label.labeller, 0)
    agreed = {place: agreed_count(own.values()) for place, own in votes.items()}
    return {place: bool(vote) for place, vote in agreed.items() if vote is not None}
