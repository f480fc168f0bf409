"""Judge a run again: from stored detections when the detector is the same, from its pictures when it is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

import numpy as np

from countcheck.counting.counter import Counter
from countcheck.counting.judging import judge_detections
from countcheck.counting.rule_settings import under_rule
from countcheck.engine.batching import BATCH
from countcheck.engine.counter_check import check_counter, fit_counter, try_counter
from countcheck.engine.provenance import describe_counter
from countcheck.engine.scoring import nouns_of, verdict_record
from countcheck.files import exclusive_lock
from countcheck.images.read_ahead import read_ahead
from countcheck.storage.countings import same_counting
from countcheck.storage.forked import forked_map, spare_processes
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.records import VerdictRecord
from countcheck.storage.recount import Recount
from countcheck.storage.result_table import PICTURE, ResultTable, RowFinder
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import SelfTestInfo
from countcheck.storage.run_results import RunResults
from countcheck.suites.suite import Noun, Suite

_AT_A_TIME = 1000  # pictures
_OF_PART = 2000  # pictures that one process judges at a time
_MANY_PARTS = 10  # from so many on, other processes help


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
        results = folder.results()
        pictures = _Pictures(results.table)
        counting = folder.recount(now, self_test)
        _detect_files(folder, counting, results, pictures, counter, nouns, message)
        return counting.finish(_verdicts(folder, counting, pictures, counter, nouns), make_default=make_default)


class _Pictures:
    """The pictures of a run, found by key and turn.

    Args:
        table: The run's rows.
    """

    def __init__(self, table: ResultTable) -> None:
        self._table = table
        self._finder = RowFinder(table)
        self.drawn = table.outcome == PICTURE

    def places(self, names: Sequence[tuple[str, int]]) -> list[int]:
        """Return where each picture is in the table; -1 for what is none."""
        return [place if place >= 0 and self.drawn[place] else -1 for place in self._finder.find(names)]

    def asked(self, place: int) -> PromptFields:
        """Return what was asked for at a place of the table."""
        return self._table.places[self._table.place[place]].fields


def _verdicts(
    folder: RunFolder, counting: Recount, pictures: _Pictures, counter: Counter, nouns: Sequence[Noun]
) -> Iterator[VerdictRecord]:
    """Yield the verdicts on all pictures that were detected, some thousand of them in memory at a time.

    Those of a large run are made in several processes.
    """

    def of_part(number: int) -> list[VerdictRecord]:
        detected = list(counting.part(number, _OF_PART))
        verdicts = []
        places = pictures.places([(key, turn) for key, turn, _ in detected])
        for (key, turn, detections), place in zip(detected, places, strict=True):
            if place >= 0:
                asked = pictures.asked(place)
                judgement = judge_detections(counter, detections, asked.targets, asked.tags, nouns)
                verdict = verdict_record(key, turn, judgement)
                if verdict is not None:
                    verdicts.append(verdict)
        return verdicts

    n = counting.parts(_OF_PART)
    if n < _MANY_PARTS:
        yield from chain.from_iterable(map(of_part, range(n)))
        return
    yield from of_part(0)  # here, so that what judging loads is not loaded by every process
    yield from chain.from_iterable(forked_map(lambda number: of_part(number + 1), n - 1, spare_processes([folder])))


def _under_foreign_rule(counter: Counter, suite: Suite, message: Callable[[str], None]) -> SelfTestInfo:
    """Try a counter under a rule that it was not made for; a failure is said, and does not end the recount."""
    result = try_counter(counter, suite)
    if result.plain is not None and not result.plain.passed:
        message(
            f"under the {counter.rule.name} rule the counter {counter.name} fails its self-test: {result.plain.right} of "
            f"{result.plain.total} control pictures right, {result.plain.needed} are needed"
        )
    return SelfTestInfo.from_json(result.to_json())


def _detect_files(
    folder: RunFolder,
    counting: Recount,
    results: RunResults,
    pictures: _Pictures,
    counter: Counter,
    nouns: Sequence[Noun],
    message: Callable[[str], None],
) -> None:
    """Run the detector on every picture file that it has not seen: not in the run, and not before an interruption."""
    unseen = pictures.drawn.copy()
    detected = counting.detected()
    while part := list(islice(detected, _AT_A_TIME)):
        unseen[[place for place in pictures.places(part) if place >= 0]] = False
    left = np.flatnonzero(unseen).tolist()
    folder.pictures.demand_all(results.rows_at(left))
    n = int(pictures.drawn.sum())
    if left and len(left) < n:
        message(f"{n - len(left)} of {n} pictures were counted by this detector before")
    images_ahead = read_ahead(results.rows_at(left), lambda row: (row, folder.pictures.read(row)))
    while batch := list(islice(images_ahead, BATCH)):
        styles = [row.tags.get("style") for row, _ in batch]
        detections = counter.detect([image for _, image in batch], nouns, styles)
        counting.add_detections([(row.key, row.turn, each) for (row, _), each in zip(batch, detections, strict=True)])
