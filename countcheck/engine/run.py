"""Run and recount: where the stages meet.

What happens to one generator's outcomes is in `countcheck.engine.pipeline`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from countcheck.cards import Card, open_counters
from countcheck.counting.counter import Counter
from countcheck.counting.rule_settings import under_rule
from countcheck.counting.self_test import require_passed, run_self_test
from countcheck.counting.view_search import choose_views
from countcheck.detectors.base import Detections
from countcheck.engine.batching import BATCH
from countcheck.engine.budget import Budget
from countcheck.engine.config import RunConfig
from countcheck.engine.context import GeneratorPlan, RunContext
from countcheck.engine.conversations import ConversationRunner
from countcheck.engine.pipeline import GeneratorPipeline
from countcheck.engine.progress import NullProgress, Progress
from countcheck.engine.provenance import begin, describe, describe_generator
from countcheck.engine.scoring import judge_detections, nouns_of
from countcheck.errors import BadInput, BadSettings, CountcheckError, GeneratorClosed
from countcheck.files import exclusive_lock
from countcheck.generators.base import Closable, CoversSamples, Generator, ReportsCost
from countcheck.images.decode import read_picture
from countcheck.registry import load_generator_class
from countcheck.storage.records import Judged
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import SelfTestInfo
from countcheck.suites.samples import Sample, plan
from countcheck.suites.suite import Conversation, Noun, Prompt, Suite


def load_generator(card: Card) -> Generator:
    """The generator behind a card. Raises what its adapter has to say against the card."""
    made: Generator = load_generator_class(card.family)(card)
    return made


def planned(order: RunConfig, card: Card, generator: Generator) -> GeneratorPlan:
    """The samples that a generator owes; conversations only when it can hold them."""
    able = generator.traits.converses or generator.traits.edits
    wanted = [s for s in plan(_only(order.suite, order.only), generator.recipe, repeats=order.repeats)]
    holdable = [s for s in wanted if able or isinstance(s.asked, Prompt)]
    # Recordings hold what was recorded, and owe nothing else.
    owed = [s for s in holdable if not isinstance(generator, CoversSamples) or generator.covers(s)]
    if holdable and not owed:
        raise BadInput(
            f"{card.name} holds nothing of {order.suite.name}: none of its ids is a prompt or conversation of it."
        )
    return GeneratorPlan(
        card=card,
        generator=generator,
        samples=tuple(owed[: order.limit]),
        skipped=len(wanted) - len(holdable),
        absent=len(holdable) - len(owed),
    )


def _only(suite: Suite, only: Mapping[str, str] | None) -> Suite:
    if not only:
        return suite

    def wanted(asked: Prompt | Conversation) -> bool:
        return all(asked.tags.get(tag) == value for tag, value in only.items())

    return replace(
        suite,
        prompts=tuple(p for p in suite.prompts if wanted(p)),
        conversations=tuple(c for c in suite.conversations if wanted(c)),
    )


def run(
    order: RunConfig,
    counter: Counter,
    *,
    watch: Progress | None = None,
    stopping: threading.Event | None = None,
    decided: Callable[[RunFolder], str | None] | None = None,
    load: Callable[[Card], Generator] | None = None,
) -> RunFolder:
    """Make what is owed, count it, judge it, and keep it all; returns the run, still open.

    Args:
        order: What to do.
        counter: Who counts.
        watch: Who is told how it goes.
        stopping: Set it from elsewhere (Ctrl-C) and the run ends cleanly with what is under way.
        decided: Asked now and then; a sentence ends the run (``--until-decided``).
        load: Makes a generator from its card; `load_generator` unless somebody spreads it over machines.

    Raises:
        CannotDecide: When the counter fails its controls.
        RunMismatch: When the folder was begun with something else.
        BadInput: When the counter cannot know a noun of the suite, nothing is left to make, or another process is
            making this run.
        GeneratorClosed: When a generator would not serve anybody; what was made is kept.
    """
    watch = watch or NullProgress()
    stopping = stopping or threading.Event()
    suite = _only(order.suite, order.only)
    if not suite.asked:
        raise BadInput(f"no prompt of {order.suite.name} has the tags {dict(order.only or {})}. Nothing to make.")
    _demand_nouns(counter, suite)
    counter = choose_views(counter, suite.vocabulary, _styles(suite), says=watch.says)
    tested = run_self_test(counter, nouns=suite.vocabulary, styles=_styles(suite))
    require_passed(tested, counter.name)
    if tested.plain is None:
        watch.says(f"no control picture could be drawn in the words of {counter.name}: its count is untested")
    for style, passed in tested.by_style.items():
        if not passed.passed:
            watch.says(
                f"in the style {style} the counter got {passed.right} of {passed.total} control pictures right "
                f"({passed.needed} are needed): rates in that style are withheld"
            )
    with contextlib.ExitStack() as stack:
        plans = []
        for card in order.generators:
            generator = (load or load_generator)(card)
            if isinstance(generator, Closable):
                stack.callback(generator.close)
            plans.append(planned(order, card, generator))
        generators = {each.card.name: describe_generator(each.card, each.generator, each.skipped) for each in plans}
        stack.enter_context(exclusive_lock(order.path))
        run = begin(order, suite, generators, counter)
        try:
            if order.retry_failed:
                run.reopen_failed()
            run.unfinished.sweep()
            counting = run.begin_counting(describe(counter), SelfTestInfo.from_json(tested.to_json()))
            _make_all(run, counting, plans, counter, suite, order, watch, stopping, decided)
            run.unfinished.sweep()
        except BaseException:
            run.close()
            raise
    return run


def _make_all(
    run: RunFolder,
    counting: int,
    plans: Sequence[GeneratorPlan],
    counter: Counter,
    suite: Suite,
    order: RunConfig,
    watch: Progress,
    stopping: threading.Event,
    decided: Callable[[RunFolder], str | None] | None,
) -> None:
    closed: list[CountcheckError] = []
    if order.budget is not None:
        for each in plans:
            _demand_price(each)
    purse = Budget(order.budget, run.spent)
    context = RunContext(
        folder=run,
        counting=counting,
        counter=counter,
        suite=suite,
        nouns=tuple(nouns_of(suite)),
        progress=watch,
        budget=purse,
        stop=stopping,
        decide=decided,
    )
    for each in plans:
        run.owe(each.samples)
    for each in plans:
        done = run.done()
        order_of_making: Sequence[Sample] = each.samples
        if decided is not None:
            from countcheck.suites.samples import shuffle_prompts

            order_of_making = shuffle_prompts(each.samples)
        owed = [sample for sample in order_of_making if sample.key not in done]
        watch.begins(each.card.name, len(each.samples), len(each.samples) - len(owed))
        if each.skipped:
            watch.says(f"{each.card.name} can neither converse nor edit: {each.skipped} conversations are skipped")
        if each.absent:
            watch.says(
                f"{each.card.name} holds nothing for {each.absent} other samples of the suite: they are left out"
            )
        if not owed or stopping.is_set():
            continue
        try:
            _make(context, each, owed)
        except GeneratorClosed as error:
            closed.append(error)
    if purse.empty() and len(run.done()) < sum(len(each.samples) for each in plans):
        watch.says(f"the budget of {order.budget:g} USD is spent: no more pictures are made")
    if closed:
        raise closed[0]


def _make(context: RunContext, each: GeneratorPlan, owed: Sequence[Sample]) -> None:
    """What waits to be counted first, then prompts, then conversations."""
    pipeline = GeneratorPipeline(context, each)
    counted = pipeline.count_uncounted({sample.key: sample for sample in owed})
    prompts = [sample for sample in owed if isinstance(sample.asked, Prompt) and sample.key not in counted]
    talks = [sample for sample in owed if isinstance(sample.asked, Conversation)]
    if prompts and not context.stopped():
        pipeline.make(prompts)
    if talks and not context.stopped():
        ConversationRunner(context, each).make(talks)


def _demand_price(each: GeneratorPlan) -> None:
    """A budget can only be kept where prices are known."""
    generator = each.generator
    reports_cost = isinstance(generator, ReportsCost) and generator.reports_cost
    if generator.traits.remote and each.card.price is None and not reports_cost:
        raise BadSettings(
            f"no price is known for {each.card.name}, so a budget cannot be kept. Write price and priced into a card of "
            "its own and name the card's file, or leave --budget out."
        )


def _demand_nouns(counter: Counter, suite: Suite) -> None:
    missing = counter.unsupported(nouns_of(suite))
    if missing:
        raise BadInput(
            f"the counter {counter.name} cannot know {', '.join(repr(noun) for noun in missing)} "
            f"(asked for in {suite.name}). Use a counter that can: {', '.join(open_counters())} know any noun; "
            "`countcheck list counters` tells what the others know."
        )


def _styles(suite: Suite) -> list[str]:
    tags = [asked.tags for asked in suite.asked]
    tags += [turn.tags for talk in suite.conversations for turn in talk.turns]
    return sorted({tag["style"] for tag in tags if "style" in tag})


def recount(
    run: RunFolder, counter: Counter, *, rule: str | None = None, says: Callable[[str], None] = lambda sentence: None
) -> None:
    """Judge a run again: from stored detections when the detector is the same, from its pictures when it is not.

    The old verdicts stay in the ledger; the new ones speak from now on.

    Args:
        run: What to judge.
        counter: Who counts, with its rule.
        rule: ``geneval`` for that benchmark's own rule instead of the counter's.
        says: Told what a person should know.

    Raises:
        CannotDecide: When the counter fails its controls.
        BadInput: When the counter cannot know a noun of the suite.
    """
    if rule is not None and rule != counter.rule.name:
        counter = counter.with_rule(under_rule(counter.rule, rule))
    _demand_nouns(counter, run.suite)
    counter = choose_views(counter, run.suite.vocabulary, _styles(run.suite), says=says)
    begun, now = run.info.counter, describe(counter).stored()
    same = begun.detector == now.detector
    if same and begun.rule == now.rule:
        self_test = run.info.self_test
    else:
        tested = run_self_test(counter, nouns=run.suite.vocabulary, styles=_styles(run.suite))
        require_passed(tested, counter.name)
        self_test = SelfTestInfo.from_json(tested.to_json())
    nouns = nouns_of(run.suite)
    rows = {(row.key, row.turn): row for row in run.rows() if row.outcome == "picture"}
    looked = run.info.counting
    counting = run.begin_counting(now, self_test)
    if not same:
        run.write_detections(_detect_files(run, list(rows.values()), counter, nouns, says), counting)
        looked = counting
    judged = [
        Judged(
            key=key,
            turn=turn,
            verdict=seen.verdict.kind,
            leaning=seen.verdict.leaning,
            reason=seen.verdict.reason,
            counted=seen.counted,
        )
        for key, turn, found in run.detections(looked)
        if (seen := judge_detections(counter, found, rows[key, turn].targets, rows[key, turn].tags, nouns)).verdict
        is not None
    ]
    run.write_verdicts(judged, counting)


def _detect_files(
    run: RunFolder, rows: Sequence[ResultRow], counter: Counter, nouns: Sequence[Noun], says: Callable[[str], None]
) -> list[tuple[str, int, Detections]]:
    found: list[tuple[str, int, Detections]] = []
    there = [(row, path) for row in rows if (path := run.picture(row)) is not None]
    if len(there) < len(rows):
        says(f"{len(rows) - len(there)} picture files are gone: their old verdicts stay")
    for start in range(0, len(there), BATCH):
        part = there[start : start + BATCH]
        styles = [row.tags.get("style") for row, _ in part]
        seen = counter.detect([read_picture(path) for _, path in part], nouns, styles)
        found += [(row.key, row.turn, one) for (row, _), one in zip(part, seen, strict=True)]
    return found
