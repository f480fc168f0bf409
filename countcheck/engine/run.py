"""Make a run: check the counter, plan the samples, open the run folder, and generate, count and keep what is missing.

>>> import tempfile
>>> from pathlib import Path
>>> from countcheck.cards import read_generator_card
>>> from countcheck.counting.counter import load_counter
>>> from countcheck.suites.catalog import load_suite
>>> with tempfile.TemporaryDirectory() as path:
...     config = RunConfig(
...         suite=load_suite("three-little-pigs"),
...         generators=[read_generator_card("scenes")],
...         path=Path(path) / "run",
...         limit=2,
...     )
...     with run(config, load_counter("tiny")) as folder:
...         outcomes = [row.outcome for row in folder.rows()]
>>> outcomes
['picture', 'picture']
"""

from __future__ import annotations

import collections
import contextlib
import functools
import threading
from collections.abc import Callable, Sequence

import numpy as np

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.counting.self_test import SelfTest
from countcheck.engine.batching import BackgroundBatcher, PendingOutcome
from countcheck.engine.budget import Account, Budget
from countcheck.engine.config import RunConfig
from countcheck.engine.context import Decide, GeneratorPlan, RunContext, run_ending
from countcheck.engine.conversations import ConversationRunner
from countcheck.engine.counter_check import prepare_counter
from countcheck.engine.lanes import lanes_of, run_lanes, stopped_with_the_run
from countcheck.engine.model_remarks import remarks_on, require_all_served
from countcheck.engine.pipeline import GeneratorPipeline, ReportsWorkers
from countcheck.engine.progress import NullProgress, Progress
from countcheck.engine.provenance import describe_counter, open_or_create, with_begun_version
from countcheck.errors import BadInput, BadSettings, CannotDecide, GeneratorClosed
from countcheck.files import exclusive_lock
from countcheck.generators.base import (
    AsksAdmission,
    Closable,
    CoversSamples,
    Generator,
    ReportsCost,
    ReportsWaits,
)
from countcheck.generators.batch_notes import KeepsBatches
from countcheck.generators.lifetime import today
from countcheck.generators.price import Price, price_of
from countcheck.registry import load_generator_class
from countcheck.storage.result_table import FAILURE, MISSING, OUTCOMES, Results, first_seen, table_of
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import SelfTestInfo
from countcheck.suites.samples import Sample, shuffle_prompts
from countcheck.suites.samples import plan as plan_samples
from countcheck.suites.suite import Conversation, Prompt


def load_generator(card: Card) -> Generator:
    """Return the generator of a card, its weights loaded.

    Raises:
        CountcheckError: What its adapter has against the card.
    """
    generator: Generator = load_generator_class(card.family)(card)
    return generator


def run(
    config: RunConfig,
    counter: Counter,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    decide: Decide | None = None,
    load: Callable[[Card], Generator] | None = None,
) -> RunFolder:
    """Generate what is missing, count it, judge it and keep it; return the run folder, still open.

    Args:
        config: What to make.
        counter: Counts.
        progress: Receives what happens.
        stop: Set it from another thread or a signal handler, and the run ends with what is in progress.
        decide: Called after every batch; a sentence ends the run (``--until-decided``).
        load: Makes a generator from its card; `load_generator` by default.

    Raises:
        CannotDecide: When the counter fails its self-test.
        RunMismatch: When the folder was begun with something else.
        BadInput: When the counter does not know a noun of the suite, nothing is left to make, or another process is
            making this run.
        BadSettings: When there is a budget and a generator without a price, or a model that is asked has ended.
        GeneratorClosed: When a generator refuses every request; what was made is kept.
        DiskFull: When there is no room; what was made is kept.
    """
    progress = progress or NullProgress()
    suite = config.selected_suite()
    _introduce(config, progress)
    counter, self_test = prepare_counter(counter, suite, progress.message)
    with contextlib.ExitStack() as stack:
        plans = _load(config, load or load_generator, stack)
        stack.enter_context(exclusive_lock(config.path))
        counter = with_begun_version(counter, config.path)
        folder = open_or_create(config, plans, counter)
        with run_ending(folder, counter, progress):
            counting = _resume(folder, config, plans, counter, self_test, progress)
            context = RunContext(
                folder=folder,
                counting=counting,
                counter=counter,
                suite=suite,
                progress=progress,
                budget=Budget(config.budget, folder.spent + _undecided(folder, plans)),
                stop=stop or threading.Event(),
                decide=decide,
            )
            _make(context, plans)
            folder.resume.remove_finished()
            if any(isinstance(plan.generator, ReportsWorkers) and plan.generator.lost_workers for plan in plans):
                folder.resume.remove_strays(folder.pictures.writer.files)
    return folder


def _introduce(config: RunConfig, progress: Progress) -> None:
    """Say what must be known of the models; a new run asks none that has ended."""
    for sentence in remarks_on(config.generators, today()):
        progress.message(sentence)
    if not RunFolder.exists(config.path):
        require_all_served(config.generators, today())


def require_success(results: Results) -> None:
    """Accept a run of which at least one sample ended in a picture or a refusal, or none was made yet.

    Raises:
        CannotDecide: When every sample that was made failed; names the commonest reason.
    """
    table = table_of(results)
    counts = np.bincount(table.outcome, minlength=len(OUTCOMES))
    made = int(counts.sum() - counts[MISSING])
    if not made or made > counts[FAILURE]:
        return
    messages: collections.Counter[str] = collections.Counter()
    codes, which = first_seen(table.ending[table.outcome == FAILURE])
    for code, n in zip(codes.tolist(), np.bincount(which).tolist(), strict=True):
        messages[table.endings[code].message] += n
    (message, times), *_ = messages.most_common(1)
    share = "every time" if times == made else f"{times} times"
    raise CannotDecide(
        f"all {made} samples that were made failed, so no rate can be given. The commonest reason, {share}: "
        f"{message.rstrip('.')[:300]}. Fix that; the same command with --retry-failed asks again."
        if made > 1
        else f"the only sample that was made failed, so no rate can be given: {message.rstrip('.')[:300]}. "
        "Fix that; the same command with --retry-failed asks again."
    )


def plan_generator(config: RunConfig, card: Card, generator: Generator) -> GeneratorPlan:
    """Return the samples that a generator owes a run; conversations only when it can hold them.

    Raises:
        BadInput: When the generator is a recording that holds nothing of the suite, or the suite is empty.
    """
    suite = config.selected_suite()
    converses = generator.traits.converses or generator.traits.edits
    samples = list(plan_samples(suite, generator.recipe, repeats=config.repeats))
    possible = [sample for sample in samples if converses or isinstance(sample.asked, Prompt)]
    # A recording owes what was recorded and nothing else.
    owed = [sample for sample in possible if not isinstance(generator, CoversSamples) or generator.covers(sample)]
    if possible and not owed:
        raise BadInput(f"{card.name} holds nothing of {suite.name}: none of its ids is a prompt or conversation of it.")
    samples_of_run = owed[: config.limit]
    if config.shard is not None:
        place = {asked.id: number for number, asked in enumerate(suite.asked)}
        samples_of_run = [sample for sample in samples_of_run if config.shard.holds(place[sample.asked.id])]
    return GeneratorPlan(
        card=card,
        generator=generator,
        samples=tuple(samples_of_run),
        skipped=len(samples) - len(possible),
        absent=len(possible) - len(owed),
    )


def _load(config: RunConfig, load: Callable[[Card], Generator], stack: contextlib.ExitStack) -> list[GeneratorPlan]:
    """Load and plan every generator; the stack closes them."""
    plans = []
    for card in config.generators:
        generator = load(card)
        if isinstance(generator, Closable):
            stack.callback(generator.close)
        plan = plan_generator(config, card, generator)
        if config.budget is not None:
            _require_price(plan)
        plans.append(plan)
    return plans


def _resume(
    folder: RunFolder,
    config: RunConfig,
    plans: Sequence[GeneratorPlan],
    counter: Counter,
    self_test: SelfTest,
    progress: Progress,
) -> int:
    """Bring an old or new run folder to where making can begin; return the id of the counting."""
    if config.retry_failed:
        folder.resume.reopen_failed()
    folder.resume.remove_finished()
    counting = folder.begin_counting(describe_counter(counter), SelfTestInfo.from_json(self_test.to_json()))
    for each in plans:
        folder.add_planned(each.samples)
        if isinstance(each.generator, KeepsBatches):
            each.generator.batch_notes = folder.batches
            each.generator.waits_for_batches = config.wait
    if config.forget_batches and (forgotten := folder.batches.forget()):
        progress.message(f"{forgotten} batches are forgotten; what they asked for is asked for again")
    _tidy(folder, progress)
    done = folder.completed_keys()  # a complete run needs its models no more
    require_all_served([plan.card for plan in plans if any(s.key not in done for s in plan.samples)], today())
    return counting


def _tidy(folder: RunFolder, progress: Progress) -> None:
    """Adopt pictures whose rows were cut off, and remove those of which nothing is known."""
    files = folder.pictures.writer.files
    adopted = folder.resume.adopt_answers(files)
    if adopted:
        progress.message(
            "the run was cut off between a picture and its entry in the ledger: "
            f"{adopted} paid {'answer was' if adopted == 1 else 'answers were'} found again"
        )
    strays = folder.resume.remove_strays(files)
    if strays:
        progress.message(
            "the run was cut off between a picture and its entry in the ledger: "
            f"{strays} {'picture is' if strays == 1 else 'pictures are'} made again"
        )


def _make(context: RunContext, plans: Sequence[GeneratorPlan]) -> None:
    """Make what is missing: each lane of generators in a thread of its own, all counted by one counter.

    Raises:
        GeneratorClosed: When a generator refuses every request, once all others are done.
    """
    closed: list[GeneratorClosed] = []

    def count(batch: Sequence[PendingOutcome]) -> None:
        try:
            context.count_batch(batch)
        except BaseException:
            context.stop.set()  # the generators are not to go on for nothing
            raise

    with BackgroundBatcher(count) as batcher:

        def make_lane(lane: Sequence[GeneratorPlan]) -> None:
            for plan in lane:
                try:
                    _make_generator(context, plan, batcher)
                except GeneratorClosed as error:
                    closed.append(error)

        run_lanes([functools.partial(make_lane, lane) for lane in lanes_of(plans)], context.stop)
    planned = sum(len(each.samples) for each in plans)
    _tell_batches(context)
    if context.budget.ended() and len(context.folder.completed_keys()) < planned:
        context.progress.message(context.budget.ended())
    if closed:
        raise closed[0]


def _tell_batches(context: RunContext) -> None:
    """Say what waits at services, and how to go on."""
    context.folder.batches.remove_finished()
    by_generator = collections.defaultdict(list)
    for note in context.folder.batches.waiting():
        by_generator[note.generator].append(note)
    for name, notes in by_generator.items():
        pictures = sum(len(note.keys) for note in notes)
        named = ", ".join(note.id for note in notes if note.id) or "not handed in yet"
        context.progress.message(
            f"{pictures} samples of {name} wait in {'a batch' if len(notes) == 1 else f'{len(notes)} batches'} ({named}): "
            "give the same command later, or with --wait now"
        )


def _make_generator(context: RunContext, plan: GeneratorPlan, batcher: BackgroundBatcher) -> None:
    """Count what an earlier process stored, then make prompts, then conversations."""
    missing = _missing(context, plan)
    context.progress.start(plan.card.name, len(plan.samples), len(plan.samples) - len(missing))
    if plan.skipped:
        context.progress.message(
            f"{plan.card.name} can neither converse nor edit: {plan.skipped} conversations are skipped"
        )
    if plan.absent:
        context.progress.message(
            f"{plan.card.name} holds nothing for {plan.absent} other samples of the suite: they are left out"
        )
    if not missing or context.stop.is_set():
        return
    if isinstance(plan.generator, ReportsWaits):
        plan.generator.report_waits(functools.partial(context.report_wait, plan.card.name))
    account: Account | None = None
    if isinstance(plan.generator, AsksAdmission):
        account = context.budget.account(plan.card.name, _price(plan).bound)
        plan.generator.admission = account
    if isinstance(plan.generator, ReportsWorkers):
        made = functools.partial(context.report_workers, plan.card.name)
        plan.generator.report_workers(context.report_message, made)
    with stopped_with_the_run(plan.generator, context.stop):
        pipeline = GeneratorPipeline(context, plan, batcher)
        counted = pipeline.count_uncounted({sample.key: sample for sample in missing})
        prompts = [sample for sample in missing if isinstance(sample.asked, Prompt) and sample.key not in counted]
        conversations = [sample for sample in missing if isinstance(sample.asked, Conversation)]
        if prompts and not context.stopped() and not batcher.broken:
            pipeline.make(prompts)
        if conversations and not context.stopped() and not batcher.broken:
            ConversationRunner(context, plan).make(conversations)
    if account is not None and account.undecided and context.budget.limit is not None:
        context.progress.message(
            f"{plan.card.name}: the replies of {account.undecided} pictures do not say what they cost; the budget counts "
            f"each as {account.each or 0.0:.3g} USD"
        )


def _missing(context: RunContext, plan: GeneratorPlan) -> list[Sample]:
    """The samples that are not done, in the order of making: at random when the run may end early."""
    done = context.folder.completed_keys()
    ordered = plan.samples if context.decide is None else shuffle_prompts(plan.samples)
    return [sample for sample in ordered if sample.key not in done]


def _price(plan: GeneratorPlan) -> Price:
    return price_of(plan.card, plan.generator.recipe.settings)


def _undecided(folder: RunFolder, plans: Sequence[GeneratorPlan]) -> float:
    """Return the USD that pictures of earlier processes may have cost whose replies did not say it."""
    unpriced = folder.unpriced_pictures()
    return sum(unpriced.get(plan.card.name, 0) * (_price(plan).bound or 0.0) for plan in plans)


def _require_price(plan: GeneratorPlan) -> None:
    """Raise `BadSettings` when a budget cannot be kept because nothing says what a picture costs."""
    price = _price(plan)
    reports_cost = isinstance(plan.generator, ReportsCost) and plan.generator.reports_cost
    if plan.generator.traits.remote and price.bound is None and not price.rates and not reports_cost:
        why = f" ({price.note})" if price.note else ""
        raise BadSettings(
            f"no price is known for {plan.card.name}{why}, so a budget cannot be kept. Write price, or price_bound for "
            "what it costs at most, into a card of its own and name the card's file, or leave --budget out."
        )
