"""How far people agree with what was read as a refusal: labels given in the review page against the run's outcomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from countcheck.calibration.agreed_labels import agreed_refusals
from countcheck.stats.estimate import Estimate
from countcheck.stats.intervals import cluster_rate
from countcheck.storage.result_table import Results, table_of
from countcheck.storage.rows import IS_REFUSAL, Label

Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalReview:
    """What people say of the answers of one generator.

    Attributes:
        agreement: Of the answers read as refusals and reviewed, the share that people take for refusals: those drawn by chance
            alone, where there are any.
        agreed: How many of these.
        replies: Reviewed replies that were read as nothing, hence as failures; and ``replies_refused``, those that people
            take for refusals.
        pictures: Labelled pictures; and ``pictures_refused``, those that people take for refusals.
    """

    agreement: Estimate
    agreed: int = 0
    replies: int = 0
    replies_refused: int = 0
    pictures: int = 0
    pictures_refused: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "agreement": self.agreement.to_json(),
            "agreed": self.agreed,
            "replies": {"reviewed": self.replies, "refusals": self.replies_refused},
            "pictures": {"reviewed": self.pictures, "refusals": self.pictures_refused},
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> RefusalReview:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: If it is something else.
        """
        return cls(
            agreement=Estimate.from_json(body["agreement"]),
            agreed=int(body["agreed"]),
            replies=int(body["replies"]["reviewed"]),
            replies_refused=int(body["replies"]["refusals"]),
            pictures=int(body["pictures"]["reviewed"]),
            pictures_refused=int(body["pictures"]["refusals"]),
        )


def review_refusals(results: Results, labels: Sequence[Label], level: float = 0.95) -> RefusalReview | None:
    """Compare what was read as a refusal with people's labels, of one generator; ``None`` when nobody was asked.

    >>> from countcheck.storage.rows import ResultRow
    >>> row = ResultRow(key="a", generator="g", prompt_id="p", repeat=0, seed=0, text="", outcome="refusal", refusal="stated")
    >>> review_refusals([row], [Label(key="a", noun=IS_REFUSAL, count=1, labeller="ann")]).agreement.value
    1.0
    """
    if not any(label.noun == IS_REFUSAL for label in labels):
        return None
    table = table_of(results)
    said = agreed_refusals(labels)
    drawn = {(label.key, label.turn) for label in labels if label.stratum}
    labelled: dict[str, set[Place]] = defaultdict(set)
    for label in labels:
        labelled[label.key].add((label.key, label.turn))
    prompts: dict[Place, str] = {}
    pictures: set[Place] = set()
    replies: set[Place] = set()
    for i in table.rows_of_keys(set(labelled)).tolist():
        place = (table.key_of(i), int(table.turn[i]))
        outcome = table.endings[table.ending[i]].outcome
        if outcome == "picture" and place in labelled[place[0]]:
            pictures.add(place)
        elif outcome == "refusal" and place in said:
            prompts[place] = table.places[table.place[i]].prompt_id
        elif outcome == "failure" and place in said:
            replies.add(place)
    if not (prompts or replies or any(said.get(place) for place in pictures)):
        return None
    by_chance = [place for place in prompts if place in drawn]
    votes: dict[str, list[bool]] = defaultdict(list)
    for place in by_chance or prompts:
        votes[prompts[place]].append(said[place])
    agreement = cluster_rate([sum(own) for own in votes.values()], [len(own) for own in votes.values()], level)
    if prompts and not by_chance:
        agreement = replace(agreement, method=f"{agreement.method}; answers chosen by hand")
    return RefusalReview(
        agreement=agreement,
        agreed=sum(map(sum, votes.values())),
        replies=len(replies),
        replies_refused=sum(said[place] for place in replies),
        pictures=len(pictures),
        pictures_refused=sum(said.get(place, False) for place in pictures),
    )
