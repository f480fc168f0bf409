"""Hold one conversation: a state machine that sends one message at a time and waits for the judgement of its outcome.

    session = ConversationSession(sample, generator)
    while not session.closed:
        turn = session.step()                     # sends the next message
        session.conclude(judge(turn.outcome))     # decides what follows

`countcheck.dialogue.script` decides what is said. Nothing here counts or stores. `run_conversation` is the loop above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from countcheck.counting.verdict import Verdict
from countcheck.dialogue.editing import EditingDialogue
from countcheck.dialogue.script import NO_NOUNS, TurnResult, first_step, next_step
from countcheck.errors import BadSettings, CountcheckError
from countcheck.generators.base import Converses, Dialogue, Edits, Generator, Recorded, Restorable, Step
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture, Refusal
from countcheck.images.types import Pixels
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Conversation, Noun, Turn

CUT_OFF = "cut_off"  # code of the failure that closes an interrupted conversation which cannot be continued


class TurnJudgement(Protocol):
    """What was counted in one picture and what it means."""

    @property
    def verdict(self) -> Verdict | None:
        """``None`` when nothing countable was asked."""
        ...

    @property
    def counted(self) -> Mapping[str, tuple[int, int, int]]:
        """Noun to (number, low, high)."""
        ...


J = TypeVar("J", bound=TurnJudgement)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredTurn:
    """One message and its outcome, not judged yet.

    Attributes:
        turn: Index of the message in the conversation, repairs included, from 0; equal to ``outcome.turn``.
        step: The message.
        expected: The script's turn, with the targets and tags that hold now.
        outcome: What came back.
        state: The dialogue's state after it, see `Restorable.state`; ``None`` when there is none.
        stored: The outcome comes from an earlier process: nothing was sent.
    """

    turn: int
    step: Step
    expected: Turn
    outcome: Outcome
    state: Any
    stored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTurn(Generic[J]):
    """One message, its outcome and its judgement.

    Attributes:
        answer: The message and its outcome.
        judgement: Of a picture; ``None`` otherwise.
        closes: Whether it is the last of its conversation.
    """

    answer: AnsweredTurn
    judgement: J | None
    closes: bool

    @property
    def step(self) -> Step:
        """The message."""
        return self.answer.step

    @property
    def outcome(self) -> Outcome:
        """What came back."""
        return self.answer.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """How far an interrupted conversation got.

    Attributes:
        turn: Index of its last message, from 0.
        step: Its last message.
        result: What that came to; not used when ``unjudged`` is given.
        unjudged: The last message's picture, when it has not been judged yet.
        state: The dialogue's state after the last message; ``None`` when it was not kept.
        read_picture: Reads the picture of a turn.
    """

    turn: int
    step: Step
    result: TurnResult
    unjudged: Picture | None
    state: Any
    read_picture: Callable[[int], Pixels]


class ConversationSession:
    """One conversation in progress: call `step`, then `conclude`, until `closed`.

    Args:
        sample: The conversation.
        generator: Answers.
        nouns: The suite's, for the words of repairs.
        resume: Continue after an interruption. A dialogue that cannot be restored ends with a failure whose code is
            `CUT_OFF`: no message is sent, and paid for, twice.

    Raises:
        BadSettings: When the generator can neither converse nor edit.
        GeneratorClosed: When the generator refuses every request.
        TypeError: When the sample is a prompt.
    """

    def __init__(
        self,
        sample: Sample,
        generator: Generator,
        *,
        nouns: Mapping[str, Noun] = NO_NOUNS,
        resume: ResumePoint | None = None,
    ) -> None:
        if not isinstance(sample.asked, Conversation):
            raise TypeError(f"{sample.asked.id} is a prompt, not a conversation")
        self._sample = sample
        self._conversation = sample.asked
        self._generator = generator
        self._nouns = nouns
        self._dialogue = open_dialogue(generator, sample)
        self._recorded = self._dialogue.steps if isinstance(self._dialogue, Recorded) else None
        self._turn = 0
        self._next: Step | None = self._recorded[0] if self._recorded else first_step(self._conversation)
        self._stored: ResumePoint | None = None  # holds the outcome that was stored and not judged
        self._pending: AnsweredTurn | None = None
        self._lost = ""
        if resume is not None:
            self._resume(resume)

    @property
    def closed(self) -> bool:
        """Whether the conversation is over."""
        return self._next is None and self._pending is None

    def step(self) -> AnsweredTurn:
        """Send the next message and return its outcome; after an interruption, first the outcome not judged yet.

        Raises:
            RuntimeError: When the conversation is closed, or the turn before is not concluded.
        """
        if self._next is None or self._pending is not None:
            raise RuntimeError(f"conclude turn {self._turn} first" if self._pending else "the conversation is over")
        step, stored = self._next, self._stored
        expected = self._conversation.turns[step.script]
        if stored is not None and stored.unjudged is not None:
            outcome: Outcome = stored.unjudged
            state = stored.state
        else:
            outcome = self._send(step, expected)
            state = None if self._lost else state_of(self._dialogue)
        self._stored = None
        self._pending = AnsweredTurn(
            turn=self._turn, step=step, expected=expected, outcome=outcome, state=state, stored=stored is not None
        )
        return self._pending

    def conclude(self, judgement: TurnJudgement | None) -> None:
        """Decide what follows the turn that `step` returned.

        Args:
            judgement: Of its picture; ``None`` when there is none.

        Raises:
            RuntimeError: When there is no such turn.
        """
        answer = self._pending
        if answer is None:
            raise RuntimeError("call step() first")
        cut_off = self._lost and isinstance(answer.outcome, Failure)
        result = turn_result(answer.outcome, judgement)
        self._next = None if cut_off else self._following(answer.turn, answer.step, result)
        self._turn, self._pending = answer.turn + 1, None

    def _send(self, step: Step, expected: Turn) -> Outcome:
        if self._lost:
            message = (
                f"cut off after turn {self._turn - 1}, and {self._generator.name} cannot go on with it: {self._lost}."
            )
            return Failure(key=self._sample.key, turn=self._turn, fault=Fault.CRASH, code=CUT_OFF, message=message)
        if step.rewind:
            self._dialogue.rewind()
        return self._dialogue.say(step.text, self._turn, expected)

    def _following(self, turn: int, step: Step, result: TurnResult) -> Step | None:
        if self._recorded:
            return self._recorded[turn + 1] if turn + 1 < len(self._recorded) else None
        return next_step(self._conversation, step, result, seed=self._sample.seed, nouns=self._nouns)

    def _resume(self, resume: ResumePoint) -> None:
        if resume.unjudged is not None:
            self._turn, self._next, self._stored = resume.turn, resume.step, resume
        else:
            self._turn = resume.turn + 1
            self._next = self._following(resume.turn, resume.step, resume.result)
        self._lost = _restore(self._dialogue, resume)


def run_conversation(
    sample: Sample,
    generator: Generator,
    judge: Callable[[Picture, Turn], J],
    *,
    nouns: Mapping[str, Noun] = NO_NOUNS,
    resume: ResumePoint | None = None,
) -> Iterator[JudgedTurn[J]]:
    """Hold one conversation, turn by turn; the next message is sent only when the next turn is asked for.

    Args:
        sample: The conversation.
        generator: Answers.
        judge: Counts and judges one picture against a turn's targets.
        nouns: The suite's, for the words of repairs.
        resume: Continue after an interruption, see `ConversationSession`.

    Raises:
        BadSettings: When the generator can neither converse nor edit.
        GeneratorClosed: When the generator refuses every request.
    """
    session = ConversationSession(sample, generator, nouns=nouns, resume=resume)
    while not session.closed:
        answer = session.step()
        judgement = judge(answer.outcome, answer.expected) if isinstance(answer.outcome, Picture) else None
        session.conclude(judgement)
        yield JudgedTurn(answer=answer, judgement=judgement, closes=session.closed)


def turn_result(outcome: Outcome, judgement: TurnJudgement | None) -> TurnResult:
    """Return what an outcome and its judgement came to."""
    if isinstance(outcome, Refusal):
        return TurnResult(outcome="refusal")
    if not isinstance(outcome, Picture):
        return TurnResult(outcome="failure")
    if judgement is None or judgement.verdict is None:
        return TurnResult(outcome="picture")
    counted = {noun: numbers[0] for noun, numbers in judgement.counted.items()}
    return TurnResult(outcome="picture", verdict=judgement.verdict.kind, counted=counted)


def open_dialogue(generator: Generator, sample: Sample) -> Dialogue:
    """Open the generator's own dialogue, or one made of edits.

    Raises:
        BadSettings: When the generator can neither converse nor edit.
    """
    if generator.traits.converses and isinstance(generator, Converses):
        return generator.open(sample)
    if generator.traits.edits and isinstance(generator, Edits):
        return EditingDialogue(generator, generator, sample)
    raise BadSettings(f"{generator.name} can neither converse nor edit, so it cannot hold {sample.asked.id}.")


def state_of(dialogue: Dialogue) -> Any:
    """Return a dialogue's state; ``None`` when it has none or cannot give it."""
    if not isinstance(dialogue, Restorable):
        return None
    try:
        return dialogue.state()
    except Exception:  # an adapter's own code: the outcome is kept all the same, and the lack is reported
        return None


def _restore(dialogue: Dialogue, resume: ResumePoint) -> str:
    """Restore a dialogue; returns why that is not possible, or an empty string."""
    if not isinstance(dialogue, Restorable):
        return "it keeps nothing to go on from"
    if resume.state is None:
        return "what it needs to go on was not kept"
    try:
        dialogue.restore(resume.state, resume.read_picture)
    except CountcheckError as error:
        return str(error).rstrip(".")
    except Exception as error:  # an adapter's own code may raise anything
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""
