"""Judge a run again: from stored detections when the detector is the same, from its pictures when it is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from countcheck.counting.counter import Counter
from countcheck.counting.judging import judge_detections
from countcheck.counting.rule_settings import under_rule
from countcheck.detectors.base import Detections
from countcheck.engine.batching import BATCH
from countcheck.engine.counter_check import check_counter, fit_counter
from countcheck.engine.provenance import describe_counter
from countcheck.engine.scoring import nouns_of
from countcheck.images.decode import read_picture
from countcheck.storage.records import VerdictRecord
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import SelfTestInfo
from countcheck.suites.suite import Noun


def recount(
    folder: RunFolder,
    counter: Counter,
    *,
    rule: str | None = None,
    message: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Judge a run again with another counter or rule. The old verdicts stay in the ledger.

    Args:
        folder: The run.
        counter: Counts, with its rule.
        rule: ``geneval`` for that benchmark's own rule instead of the counter's.
        message: Receives sentences for the user.

    Raises:
        CannotDecide: When the counter fails its self-test.
        BadInput: When the counter does not know a noun of the suite, or a picture file is damaged.
        DiskFull: When there is no room.
    """
    if rule is not None and rule != counter.rule.name:
        counter = counter.with_rule(under_rule(counter.rule, rule))
    counter = fit_counter(counter, folder.suite, message)
    before, now = folder.info.counter, describe_counter(counter).stored()
    same_detector = before.detector == now.detector
    if same_detector and before.rule == now.rule:
        self_test = folder.info.self_test
    else:
        self_test = SelfTestInfo.from_json(check_counter(counter, folder.suite).to_json())
    nouns = nouns_of(folder.suite)
    rows = {(row.key, row.turn): row for row in folder.rows() if row.outcome == "picture"}
    source = folder.info.counting
    counting = folder.begin_counting(now, self_test)
    if not same_detector:
        folder.write_detections(_detect_files(folder, list(rows.values()), counter, nouns, message), counting)
        source = counting
    verdicts = (
        _verdict(rows[key, turn], counter, detections, nouns) for key, turn, detections in folder.detections(source)
    )
    folder.write_verdicts([verdict for verdict in verdicts if verdict is not None], counting)


def _verdict(row: ResultRow, counter: Counter, detections: Detections, nouns: Sequence[Noun]) -> VerdictRecord | None:
    """The verdict on one picture; ``None`` when nothing countable was asked."""
    judgement = judge_detections(counter, detections, row.targets, row.tags, nouns)
    if judgement.verdict is None:
        return None
    return VerdictRecord(
        key=row.key,
        turn=row.turn,
        verdict=judgement.verdict.kind,
        leaning=judgement.verdict.leaning,
        reason=judgement.verdict.reason,
        counted=judgement.counted,
    )


def _detect_files(
    folder: RunFolder,
    rows: Sequence[ResultRow],
    counter: Counter,
    nouns: Sequence[Noun],
    message: Callable[[str], None],
) -> Iterator[tuple[str, int, Detections]]:
    """Key, turn and detections of every picture whose file is there."""
    pictures = [(row, path) for row in rows if (path := folder.pictures.find(row)) is not None]
    if len(pictures) < len(rows):
        message(f"{len(rows) - len(pictures)} picture files are gone: their old verdicts stay")
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        styles = [row.tags.get("style") for row, _ in batch]
        detections = counter.detect([read_picture(path) for _, path in batch], nouns, styles)
        yield from ((row.key, row.turn, each) for (row, _), each in zip(batch, detections, strict=True))
