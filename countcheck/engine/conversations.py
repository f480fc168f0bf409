"""One generator's conversations: held turn by turn, several at once, and gone on with where they were cut off.

A turn's picture is on disk, and the dialogue's state beside it, before anybody looks at the picture.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

from countcheck.dialogue import state as states
from countcheck.dialogue.session import CUT_OFF, Past, Said, Showing, run_conversation
from countcheck.engine.context import GeneratorPlan, RunContext
from countcheck.engine.scoring import JudgedPicture, judged
from countcheck.errors import BadInput, GeneratorClosed
from countcheck.generators.base import Step
from countcheck.generators.outcome import Failure, Fault, Picture
from countcheck.images.decode import read_picture
from countcheck.storage.records import OutcomeRecord
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Turn


class ConversationRunner:
    """The conversations of one generator in one run."""

    def __init__(self, context: RunContext, plan: GeneratorPlan) -> None:
        self._context = context
        self._card = plan.card
        self._generator = plan.generator
        self._broken = threading.Event()
        self._closed = ""
        self._told: set[bool] = set()
        self._telling = threading.Lock()

    def hold_all(self, owed: Sequence[Sample]) -> None:
        """Hold conversations, several at once where the generator can.

        Raises:
            GeneratorClosed: When the generator serves nobody any more; what was said is kept.
        """
        concurrency = max(1, self._generator.traits.concurrency)
        with ThreadPoolExecutor(concurrency, thread_name_prefix="talks") as pool:
            talks = [pool.submit(self._hold, sample) for sample in owed]
            try:
                for talk in as_completed(talks):
                    talk.result()
            except BaseException:
                self._broken.set()
                for talk in talks:
                    talk.cancel()
                raise
        if self._closed:
            raise GeneratorClosed.by(self._card.name, self._closed)

    def _over(self) -> bool:
        return self._broken.is_set() or self._context.stopped()

    def _hold(self, sample: Sample) -> None:
        """Hold one conversation to its end, from where it was cut off if it was; each turn is kept before the next."""
        if self._over():
            return
        past, kept = self._past(sample)
        said: list[tuple[OutcomeRecord, Any]] = [] if kept is None else [kept]

        def look_at(picture: Picture, turn: Turn) -> JudgedPicture:
            (seen,) = self._context.count_and_judge(
                [picture.pixels], [(turn.targets, {**sample.asked.tags, **turn.tags})]
            )
            return seen

        def heard(one: Said) -> None:
            self._context.budget.pay(one.outcome, self._card.price)

            def note(entry: OutcomeRecord) -> OutcomeRecord:
                entry = replace(
                    entry,
                    turn=one.outcome.turn,
                    script=one.step.script,
                    repair=one.step.repair,
                    detail={**entry.detail, **one.step.wording},
                )
                if isinstance(one.outcome, Picture):
                    self._context.folder.unfinished.keep(entry, one.state)
                return entry

            entry = self._context.save_picture(one.outcome, self._card.price, one.step.text, note)
            self._say_of(one)
            if isinstance(one.outcome, Failure) and one.outcome.fault is Fault.CLOSED:
                self._closed = one.outcome.message
            said.append((entry, one.state))

        for spoken in run_conversation(
            sample, self._generator, look_at, nouns=self._context.suite.nouns, past=past, heard=heard
        ):
            entry, state = said.pop()
            entry = replace(judged(entry, spoken.seen), closes=spoken.closes)
            self._context.write(self._card.name, [entry], {sample.key: state})
            if self._over():
                return

    def _past(self, sample: Sample) -> tuple[Past | None, tuple[OutcomeRecord, Any] | None]:
        """How far the conversation got before it was cut off; and its last entry, when nobody has looked at it."""
        run = self._context.folder
        cut = run.unfinished.cut_off(sample.key)
        if cut is None:
            return None, None
        if cut.state is None and not self._generator.traits.remote:  # nothing was paid for it
            run.unfinished.forget([sample.key])
            return None, None
        try:
            unseen = None if cut.counted else self._unseen(cut.last)
        except BadInput as error:
            self._context.progress.says(
                f"a picture that was paid for is gone, so its conversation begins anew: {error}"
            )
            run.unfinished.forget([sample.key])
            return None, None
        last = cut.last
        past = Past(
            turn=last.turn,
            step=Step(script=last.script, repair=last.repair, text=last.text),
            shown=Showing(
                ended=last.outcome, kind=last.verdict, counted={noun: n[0] for noun, n in last.counted.items()}
            ),
            unseen=unseen,
            state=cut.state,
            picture=lambda turn: read_picture(run.path / run.picture_path(sample.key, turn)),
        )
        return past, None if cut.counted else (last, cut.state)

    def _unseen(self, last: OutcomeRecord) -> Picture:
        pixels = read_picture(self._context.folder.path / last.picture)
        return Picture(key=last.key, turn=last.turn, pixels=pixels, words=last.detail.get("words", ""))

    def _say_of(self, one: Said) -> None:
        """Once a run, aloud: what being cut off costs where a dialogue tells no state."""
        name, lost = self._card.name, getattr(one.outcome, "code", "") == CUT_OFF
        if not (lost or self._generator.traits.remote) or states.tells(one.state):
            return
        with self._telling:
            if lost in self._told:
                return
            self._told.add(lost)
        self._context.progress.says(
            f"{name} cannot go on with conversations that were cut off: they are closed as failed, and only "
            "--retry-failed begins them anew, at their full price"
            if lost
            else f"{name} cannot go on with a conversation once it is cut off: what was paid for in it would be lost"
        )
