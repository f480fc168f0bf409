"""Derive the verdicts of a run again, from its outcomes and stored detections: fixes a ledger whose verdicts are damaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.counting.judging import judge_detections
from countcheck.counting.rule_settings import rule_of_record
from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.engine.scoring import nouns_of, refusal_sentence, verdict_record
from countcheck.files import exclusive_lock
from countcheck.images.types import Pixels
from countcheck.storage.countings import Counting
from countcheck.storage.records import VerdictRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.verdict_repair import StoredOutcome


class _StoredBoxes:
    """A detector that is never run: the boxes are in the ledger."""

    def __init__(self, counting: Counting) -> None:
        vocabulary = counting.counter.vocabulary
        self.name = counting.name
        self.vocabulary = None if vocabulary is None else frozenset(vocabulary)

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        raise AssertionError("the boxes are in the ledger: verdicts are derived without a detector")


def rejudge(path: Path) -> int:
    """Derive every verdict of a run again, under the rule of each of its countings; return how many.

    Raises:
        BadInput: When another process writes in the run, or what verdicts are derived from is damaged too.
        DiskFull: When there is no room; nothing is changed then.
    """
    with exclusive_lock(path), RunFolder.open(path) as folder:
        outcomes = {(each.key, each.turn): each for each in folder.stored_outcomes()}
        nouns = nouns_of(folder.suite)
        countings = folder.countings()
        judged = [(countings[0].id, record) for each in outcomes.values() if (record := _without_picture(each))]
        for counting in countings:
            card = Card(name=counting.name, family=counting.counter.detector.family)
            counter = Counter(card, _StoredBoxes(counting), rule=rule_of_record(counting.counter.rule))
            folder.show_counting(counting.name)
            for key, turn, detections in folder.detections():
                asked = outcomes[key, turn].asked
                judgement = judge_detections(counter, detections, asked.targets, asked.tags, nouns)
                record = verdict_record(key, turn, judgement)
                judged += [(counting.id, record)] if record else []
        return folder.replace_verdicts(judged)


def _without_picture(outcome: StoredOutcome) -> VerdictRecord | None:
    if outcome.outcome == "picture":
        return None
    refused = outcome.outcome == "refusal"
    kind = Kind.REFUSED if refused else Kind.FAILED
    detail = outcome.detail
    sentence = (
        refusal_sentence(str(detail.get("reason", "")), str(detail.get("category", "")))
        if refused
        else str(detail.get("message", ""))
    )
    return VerdictRecord(key=outcome.key, turn=outcome.turn, verdict=kind, leaning=kind, reason=sentence, counted={})
