"""The conversations of one generator in one run: several at once, and continued where an interruption cut them off.

A turn's picture is on disk, and the dialogue's state beside it, before the picture is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from countcheck.counting.judging import JudgedPicture
from countcheck.dialogue import state as dialogue_state
from countcheck.dialogue.script import TurnResult
from countcheck.dialogue.session import CUT_OFF, AnsweredTurn, ConversationSession, ResumePoint
from countcheck.engine.context import GeneratorPlan, RunContext
from countcheck.engine.scoring import cost_of, with_judgement
from countcheck.errors import BadInput, GeneratorClosed
from countcheck.generators.base import AsksAdmission, Step
from countcheck.generators.outcome import Failure, Fault, Picture, is_interrupted
from countcheck.storage.records import OutcomeRecord
from countcheck.suites.samples import Sample


class ConversationRunner:
    """The conversations of one generator in one run.

    Args:
        context: What the run shares.
        plan: The generator and its samples.
    """

    def __init__(self, context: RunContext, plan: GeneratorPlan) -> None:
        self._context = context
        self._card = plan.card
        self._generator = plan.generator
        self._broken = threading.Event()
        self._closed_message = ""
        self._warned: set[bool] = set()
        self._warning_lock = threading.Lock()

    def make(self, conversations: Sequence[Sample]) -> None:
        """Hold these conversations, several at once where the generator can.

        Raises:
            GeneratorClosed: When the generator refuses every request; the turns so far are kept.
        """
        concurrency = max(1, self._generator.traits.concurrency)
        with ThreadPoolExecutor(concurrency, thread_name_prefix="conversations") as pool:
            tasks = [pool.submit(self._hold, sample) for sample in conversations]
            try:
                for task in as_completed(tasks):
                    task.result()
            except BaseException:
                self._broken.set()
                for task in tasks:
                    task.cancel()
                raise
        if self._closed_message:
            raise GeneratorClosed.by(self._card.name, self._closed_message)

    def _stopped(self) -> bool:
        return self._broken.is_set() or self._context.stopped()

    def _hold(self, sample: Sample) -> None:
        """Hold one conversation, from where it was cut off if it was; each turn is written before the next is sent."""
        if self._stopped():
            return
        resume, stored = self._resume_point(sample)
        session = ConversationSession(sample, self._generator, nouns=self._context.suite.nouns, resume=resume)
        while not session.closed:
            answer = session.step()
            if is_interrupted(answer.outcome):
                self._context.forget(answer.outcome)
                return
            entry = stored if answer.stored and stored is not None else self._store(answer)
            judgement = self._judge(sample, answer, entry)
            session.conclude(judgement)
            entry = replace(with_judgement(entry, judgement), closes=session.closed)
            self._context.write([(self._card.name, entry)], {sample.key: answer.state})
            if self._stopped():
                return

    def _store(self, answer: AnsweredTurn) -> OutcomeRecord:
        """Pay for an outcome and put its picture and the dialogue's state safely on disk."""
        if not isinstance(self._generator, AsksAdmission):
            self._context.budget.add(cost_of(answer.outcome, self._card.price))

        resume = self._context.folder.resume

        def complete(entry: OutcomeRecord) -> OutcomeRecord:
            return replace(
                entry,
                turn=answer.turn,
                script=answer.step.script,
                repair=answer.step.repair,
                detail={**entry.detail, **answer.step.wording},
            )

        def note(entry: OutcomeRecord) -> None:
            if isinstance(answer.outcome, Picture):
                resume.note_answer(complete(entry), answer.state)

        def keep(entry: OutcomeRecord) -> OutcomeRecord:
            entry = complete(entry)
            if isinstance(answer.outcome, Picture):
                resume.save_uncounted(entry, answer.state)
            return entry

        entry = self._context.save_picture(answer.outcome, self._card.price, answer.step.text, keep, note)
        self._warn_of_lost_state(answer)
        if isinstance(answer.outcome, Failure) and answer.outcome.fault is Fault.CLOSED:
            self._closed_message = answer.outcome.message
        return entry

    def _judge(self, sample: Sample, answer: AnsweredTurn, entry: OutcomeRecord) -> JudgedPicture | None:
        if not isinstance(answer.outcome, Picture):
            return None
        pictures = self._context.folder.pictures
        pixels = answer.outcome.pixels if pictures.format.lossless else pictures.decode(entry.picture)
        tags = {**sample.asked.tags, **answer.expected.tags}
        (judgement,) = self._context.count_and_judge([pixels], [(answer.expected.targets, tags)])
        return judgement

    def _resume_point(self, sample: Sample) -> tuple[ResumePoint | None, OutcomeRecord | None]:
        """How far the conversation got before it was cut off; and its last entry, when that is not judged yet."""
        folder = self._context.folder
        interrupted = folder.resume.interrupted(sample.key)
        if interrupted is None:
            return None, None
        if interrupted.state is None and not self._generator.traits.remote:  # nothing was paid for it
            folder.resume.forget([sample.key])
            return None, None
        last = interrupted.last
        try:
            unjudged = None if interrupted.counted else self._stored_picture(last)
        except BadInput as error:
            self._context.progress.message(
                f"a picture that was paid for is gone, so its conversation begins anew: {error}"
            )
            folder.resume.forget([sample.key])
            return None, None
        counted = {noun: int(numbers[0]) for noun, numbers in last.counted.items()}
        resume = ResumePoint(
            turn=last.turn,
            step=Step(script=last.script, repair=last.repair, text=last.text),
            result=TurnResult(outcome=last.outcome, verdict=last.verdict, counted=counted),
            unjudged=unjudged,
            state=interrupted.state,
            read_picture=lambda turn: folder.pictures.decode(folder.pictures.path_of(sample.key, turn)),
        )
        return resume, None if interrupted.counted else last

    def _stored_picture(self, entry: OutcomeRecord) -> Picture:
        pixels = self._context.folder.pictures.decode(entry.picture)
        return Picture(key=entry.key, turn=entry.turn, pixels=pixels, words=entry.detail.get("words", ""))

    def _warn_of_lost_state(self, answer: AnsweredTurn) -> None:
        """Say once a run what an interruption costs where a dialogue has no state."""
        name = self._card.name
        lost = isinstance(answer.outcome, Failure) and answer.outcome.code == CUT_OFF
        if not (lost or self._generator.traits.remote) or dialogue_state.is_packable(answer.state):
            return
        with self._warning_lock:
            if lost in self._warned:
                return
            self._warned.add(lost)
        self._context.progress.message(
            f"{name} cannot go on with conversations that were cut off: they are closed as failed, and only "
            "--retry-failed begins them anew, at their full price"
            if lost
            else f"{name} cannot go on with a conversation once it is cut off: what was paid for in it would be lost"
        )
