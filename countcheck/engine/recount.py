"""Judge a run again: from stored detections when the detector is the same, from its pictures when it is another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from countcheck.counting.counter import Counter
from countcheck.counting.judging import judge_detections
from countcheck.counting.rule_settings import under_rule
from countcheck.detectors.base import Detections
from countcheck.engine.batching import BATCH
from countcheck.engine.counter_check import check_counter, fit_counter, try_counter
from countcheck.engine.provenance import describe_counter
from countcheck.engine.scoring import nouns_of
from countcheck.files import exclusive_lock
from countcheck.images.read_ahead import read_ahead
from countcheck.storage.countings import same_counting
from countcheck.storage.records import VerdictRecord
from countcheck.storage.recount import Recount
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import SelfTestInfo
from countcheck.suites.suite import Noun, Suite


def recount(
    folder: RunFolder,
    counter: Counter,
    *,
    rule: str | None = None,
    make_default: bool = False,
    message: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Judge a run again with another counter or rule, all of it or nothing: a counting beside the run's own.

    After an interruption the same recount goes on with the pictures that are left.

    Args:
        folder: The run.
        counter: Counts, with its rule.
        rule: ``geneval`` for that benchmark's own rule instead of the counter's.
        make_default: Make it the counting that every command shows.
        message: Receives sentences for the user.

    Returns:
        The name of the counting, for `RunFolder.show_counting`.

    Raises:
        CannotDecide: When the counter fails its self-test under its own rule. Under another benchmark's it may fail: the
            failure is recorded, and stands beside its rates.
        BadInput: When the counter does not know a noun of the suite, a picture file is gone, damaged or not the one
            that was made, or another process writes in the run. The run stays as it was.
        DiskFull: When there is no room.
    """
    foreign = rule is not None and rule != counter.rule.name
    if rule is not None and foreign:
        counter = counter.with_rule(under_rule(counter.rule, rule))
    counter = fit_counter(counter, folder.suite, message)
    now = describe_counter(counter).stored()
    same = next((each for each in folder.countings() if same_counting(each.counter, now)), None)
    if same is not None:
        self_test = same.self_test
    elif foreign:
        self_test = _under_foreign_rule(counter, folder.suite, message)
    else:
        self_test = SelfTestInfo.from_json(check_counter(counter, folder.suite).to_json())
    nouns = nouns_of(folder.suite)
    with exclusive_lock(folder.path):
        rows = {(row.key, row.turn): row for row in folder.rows() if row.outcome == "picture"}
        counting = folder.recount(now, self_test)
        _detect_files(folder, counting, list(rows.values()), counter, nouns, message)
        verdicts = [
            _verdict(rows[key, turn], counter, detections, nouns) for key, turn, detections in counting.detections()
        ]
        return counting.finish([verdict for verdict in verdicts if verdict is not None], make_default=make_default)


def _under_foreign_rule(counter: Counter, suite: Suite, message: Callable[[str], None]) -> SelfTestInfo:
    """Try a counter under a rule that it was not made for; a failure is said, and does not end the recount."""
    result = try_counter(counter, suite)
    if result.plain is not None and not result.plain.passed:
        message(
            f"under the {counter.rule.name} rule the counter {counter.name} fails its self-test: {result.plain.right} of "
            f"{result.plain.total} control pictures right, {result.plain.needed} are needed"
        )
    return SelfTestInfo.from_json(result.to_json())


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
    counting: Recount,
    rows: Sequence[ResultRow],
    counter: Counter,
    nouns: Sequence[Noun],
    message: Callable[[str], None],
) -> None:
    """Run the detector on every picture file that it has not seen: not in the run, and not before an interruption."""
    left = [row for row in rows if (row.key, row.turn) not in counting.detected]
    folder.pictures.demand_all(left)
    if left and len(left) < len(rows):
        message(f"{len(rows) - len(left)} of {len(rows)} pictures were counted by this detector before")
    pictures_ahead = read_ahead(left, folder.pictures.read)
    for start in range(0, len(left), BATCH):
        batch = left[start : start + BATCH]
        pictures = list(itertools.islice(pictures_ahead, len(batch)))
        detections = counter.detect(pictures, nouns, [row.tags.get("style") for row in batch])
        counting.add_detections([(row.key, row.turn, each) for row, each in zip(batch, detections, strict=True)])
