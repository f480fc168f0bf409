"""Conversations: what to say next, and what a turn showed. Nothing here draws, counts, stores or waits.

`next_step` is pure: from a conversation, the step before and what it showed, the next step or the end. `run_conversation` walks
the steps with a generator, one at a time, and hands over each turn before the next is asked::

    for spoken in run_conversation(sample, generator, look):     # look(picture, turn) -> Seen: counts and judges one picture
        write(spoken.outcome, spoken.seen, spoken.step, closes=spoken.closes)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar, cast

from countcheck.counting.verdict import WRONG, Kind, Verdict
from countcheck.errors import BadSettings, CountcheckError
from countcheck.generators.base import Converses, Dialogue, Edits, Generator, Recorded, Restorable, Step
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture, Refusal
from countcheck.generators.refusals.classify import claims_success
from countcheck.images.types import Pixels
from countcheck.suites.language.nouns import plural_of
from countcheck.suites.language.numbers import MOST, spell
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Conversation, Noun, Prompt, Relation, Target, Turn

NO_NOUNS: Mapping[str, Noun] = {}


class TurnJudgement(Protocol):
    """What was found in a picture."""

    @property
    def verdict(self) -> Verdict | None:
        """``None`` when nothing countable was asked."""
        ...

    @property
    def counted(self) -> Mapping[str, tuple[int, int, int]]:
        """Noun to (number, low, high)."""
        ...


S = TypeVar("S", bound=TurnJudgement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken(Generic[S]):
    """One turn that was held.

    Attributes:
        turn: The how-maniest thing said, from 0; equal to ``outcome.turn``.
        expected: The script's turn, with the targets and tags that hold now.
        outcome: What came back.
        seen: What ``look`` found, of a picture.
        claims: The words announce success.
        closes: Nothing more will be said in this conversation.
    """

    turn: int
    step: Step
    expected: Turn
    outcome: Outcome
    seen: S | None
    claims: bool
    closes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing said, and what came back, before anybody has looked at it.

    Attributes:
        state: Where the dialogue stands now, as `Restorable.state` tells it; ``None`` when it cannot.
    """

    step: Step
    outcome: Outcome
    state: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A conversation that was cut off, as far as it got.

    Attributes:
        turn: Of its last turn, from 0.
        step: What was said then.
        shown: What that showed; not needed where ``unseen`` is there.
        unseen: The last turn's picture, when nobody has looked at it yet.
        state: The dialogue's, after that turn; ``None`` when it was not kept.
        picture: Reads the picture of a turn.
    """

    turn: int
    step: Step
    shown: Showing
    unseen: Picture | None
    state: Any
    picture: Callable[[int], Pixels]


CUT_OFF = "cut_off"  # the code of the failure that closes a conversation which cannot be gone on with


def run_conversation(
    sample: Sample,
    generator: Generator,
    look: Callable[[Picture, Turn], S],
    *,
    nouns: Mapping[str, Noun] = NO_NOUNS,
    past: Past | None = None,
    heard: Callable[[Said], None] = lambda said: None,
) -> Iterator[Spoken[S]]:
    """One conversation, turn by turn; the next thing is said only when the next turn is asked for.

    A picture with a wrong count is answered with a repair, up to the conversation's number of them; an uncertain one
    is not complained about. A refusal is answered as ``on_refusal`` says. A failure ends the conversation: what would
    have followed cannot be known.

    Args:
        sample: The conversation.
        generator: Who answers.
        look: Counts and judges one picture.
        nouns: Of the suite, for the words of repairs.
        past: Goes on after what was said before the conversation was cut off. A dialogue that cannot be restored ends
            it with a failure whose code is `CUT_OFF`: nothing is said, and paid for, twice.
        heard: Told of each outcome as soon as it is there, before anybody looks.

    Raises:
        BadSettings: If the generator can neither converse nor edit.
        GeneratorClosed: If it serves nobody any more.
    """
    talk = sample.asked
    if not isinstance(talk, Conversation):
        raise TypeError(f"{talk.id} is a prompt, not a conversation")
    dialogue = open_dialogue(generator, sample)
    recorded = dialogue.steps if isinstance(dialogue, Recorded) else None

    def following(turn: int, step: Step, shown: Showing) -> Step | None:
        if recorded:
            return recorded[turn + 1] if turn + 1 < len(recorded) else None
        return next_step(talk, step, shown, seed=sample.seed, nouns=nouns)

    turn, unseen, lost = 0, None, ""
    step: Step | None = recorded[0] if recorded else first_step(talk)
    if past is not None:
        turn, step, unseen = past.turn, past.step, past.unseen
        if unseen is None:
            step, turn = following(turn, past.step, past.shown), turn + 1
        lost = _restore(dialogue, past)
    while step is not None:
        expected = talk.turns[step.script]
        if unseen is not None:
            outcome, unseen = cast(Outcome, unseen), None
        else:
            if lost:
                message = f"cut off after turn {turn - 1}, and {generator.name} cannot go on with it: {lost}."
                outcome = Failure(key=sample.key, turn=turn, fault=Fault.CRASH, code=CUT_OFF, message=message)
            else:
                if step.rewind:
                    dialogue.rewind()
                outcome = dialogue.say(step.text, turn, expected)
            heard(Said(step=step, outcome=outcome, state=None if lost else state_of(dialogue)))
        seen = look(outcome, expected) if isinstance(outcome, Picture) else None
        ended = bool(lost) and isinstance(outcome, Failure)
        after = None if ended else following(turn, step, shown_by(outcome, seen))
        yield Spoken(
            turn=turn,
            step=step,
            expected=expected,
            outcome=outcome,
            seen=seen,
            claims=not isinstance(outcome, Failure) and claims_success(outcome.words),
            closes=after is None,
        )
        step, turn = after, turn + 1


def state_of(dialogue: Dialogue) -> Any:
    """Where a dialogue stands; ``None`` when it cannot tell."""
    if not isinstance(dialogue, Restorable):
        return None
    try:
        return dialogue.state()
    except Exception:  # an adapter's own packing: what was drawn is kept all the same, and the lack is told
        return None


def _restore(dialogue: Dialogue, past: Past) -> str:
    """Bring a dialogue to where it stood; why that cannot be, when it cannot."""
    if not isinstance(dialogue, Restorable):
        return "it keeps nothing to go on from"
    if past.state is None:
        return "what it needs to go on was not kept"
    try:
        dialogue.restore(past.state, past.picture)
    except CountcheckError as error:
        return str(error).rstrip(".")
    except Exception as error:  # whatever an adapter's own reading of its state raises
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


def open_dialogue(generator: Generator, sample: Sample) -> Dialogue:
    """The generator's own dialogue, or one made of edits. Raises `BadSettings` when it can do neither."""
    if generator.traits.converses and isinstance(generator, Converses):
        return generator.open(sample)
    if generator.traits.edits and isinstance(generator, Edits):
        return EditingDialogue(generator, sample)
    raise BadSettings(f"{generator.name} can neither converse nor edit, so it cannot hold {sample.asked.id}.")


class EditingDialogue:
    """A conversation with a generator that only edits: each turn changes the last picture as the user says."""

    def __init__(self, generator: Generator, sample: Sample) -> None:
        self._generator = generator
        self._sample = sample
        self._last: Pixels | None = None
        self._drawn: int | None = None

    def state(self) -> Any:
        """The turn that drew the last picture."""
        return {"drawn": self._drawn}

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Go on with the last picture, as it lies in the run."""
        self._drawn = state["drawn"]
        self._last = None if self._drawn is None else picture(self._drawn)

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """The last picture changed; a new picture while there is none yet."""
        if self._last is None:
            outcome = self._draw(text, turn, expected)
        else:
            editor = cast(Edits, self._generator)
            outcome = editor.edit(self._sample, self._last, text, turn, expected.targets)
        if isinstance(outcome, Picture):
            self._last, self._drawn = outcome.pixels, turn
        return outcome

    def rewind(self) -> None:
        """Nothing to forget: only the last picture is ever shown."""

    def _draw(self, text: str, turn: int, expected: Turn) -> Outcome:
        asked = Prompt(id=self._sample.asked.id, text=text, targets=expected.targets, tags=expected.tags)
        for outcome in self._generator.generate([replace(self._sample, asked=asked)]):
            return replace(outcome, turn=turn)
        return Failure(key=self._sample.key, turn=turn, fault=Fault.TRANSIENT, message="stopped before it was asked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What one turn showed.

    Attributes:
        ended: ``picture``, ``refusal`` or ``failure``.
        kind: A picture's verdict.
        counted: Noun to number.
    """

    ended: str
    kind: Kind | None = None
    counted: Mapping[str, int] = field(default_factory=dict)


def shown_by(outcome: Outcome, seen: TurnJudgement | None) -> Showing:
    """What an outcome and what was found in it showed."""
    if isinstance(outcome, Refusal):
        return Showing(ended="refusal")
    if not isinstance(outcome, Picture):
        return Showing(ended="failure")
    if seen is None or seen.verdict is None:
        return Showing(ended="picture")
    return Showing(
        ended="picture", kind=seen.verdict.kind, counted={noun: found[0] for noun, found in seen.counted.items()}
    )


def first_step(talk: Conversation) -> Step:
    """What opens the conversation."""
    return Step(script=0, repair=0, text=talk.turns[0].say)


def next_step(
    talk: Conversation, step: Step, shown: Showing, *, seed: int, nouns: Mapping[str, Noun] = NO_NOUNS
) -> Step | None:
    """What to say after a step and what it showed; ``None`` when the conversation is over."""
    if shown.ended == "failure":
        return None
    refused = shown.ended == "refusal"
    if refused and talk.on_refusal == "stop":
        return None
    rewind = refused and talk.on_refusal == "rewind"
    if not refused and shown.kind in WRONG and step.repair < talk.repairs:
        return _repair(talk, step, shown.counted, seed, nouns)
    following = step.script + 1
    if following >= len(talk.turns):
        return None
    return Step(script=following, repair=0, text=talk.turns[following].say, rewind=rewind)


# What a person says of a wrong picture. {seen}: "there are four pigs"; {wanted}: "three pigs"; {not_seen}: "not four".
# By explicitness: ``wanted`` says only what should be there, ``both`` also what is, ``contrast`` also what must not be.
REPAIRS: tuple[tuple[str, str, str], ...] = (
    ("calm", "wanted", "There should be {wanted} in the picture."),
    ("calm", "both", "{Seen}; there should be {wanted}."),
    ("calm", "contrast", "{Seen}. It should be {wanted}, {not_seen}."),
    ("polite", "wanted", "Could you please make it {wanted}?"),
    ("polite", "both", "Thank you. I think {seen}, though. Could you please make it {wanted}?"),
    ("polite", "contrast", "Lovely, but {seen}. Please draw {wanted}, {not_seen}."),
    ("curt", "wanted", "{Wanted}."),
    ("curt", "both", "{Seen}. {Wanted}."),
    ("curt", "contrast", "{Wanted}: {not_seen}."),
    ("puzzled", "wanted", "Hmm, wasn't it supposed to be {wanted}?"),
    ("puzzled", "both", "I count again and {seen}. Shouldn't there be {wanted}?"),
    ("puzzled", "contrast", "Wait, {seen}. I asked for {wanted}, {not_seen}."),
    ("pedantic", "wanted", "To be exact: {wanted}, counted one by one."),
    ("pedantic", "both", "Please count: {seen}, and the request was {wanted}."),
    ("pedantic", "contrast", "{Wanted}: {not_seen}, {wanted}."),
    ("impatient", "wanted", "Again: {wanted}!"),
    ("impatient", "both", "No, {seen}! I said {wanted}."),
    ("impatient", "contrast", "Still wrong. {Wanted}! {Not_seen}!"),
)


def _repair(talk: Conversation, step: Step, counted: Mapping[str, int], seed: int, nouns: Mapping[str, Noun]) -> Step:
    """The next repair: templates are shuffled by the seed, so that no repair of a turn is said twice in the same words."""
    order = sorted(range(len(REPAIRS)), key=lambda place: _digest(seed, talk.id, step.script, place))
    tone, explicitness, template = REPAIRS[order[step.repair % len(order)]]
    targets = [t for t in talk.turns[step.script].targets if all(noun in counted for noun in t.nouns)]
    failing = [target for target in targets if not target.holds(counted)]
    wanted = _joined([wanted_words(target, nouns) for target in failing])
    seen = _joined([seen_words(target, counted, nouns) for target in failing])
    not_seen = _joined([_not_seen(target, counted) for target in failing])
    words: dict[str, str] = {"wanted": wanted, "seen": seen, "not_seen": not_seen}
    words |= {name.capitalize(): text[:1].upper() + text[1:] for name, text in words.items()}
    return Step(
        script=step.script,
        repair=step.repair + 1,
        text=template.format(**words),
        wording={"tone": tone, "explicitness": explicitness},
    )


def wanted_words(target: Target, nouns: Mapping[str, Noun] = NO_NOUNS) -> str:
    """A target as a person asks for it: "exactly three pigs", "no wolf", "more cats than dogs"."""
    if target.relation is Relation.EXACTLY and not target.count:
        return f"no {plural_of(target.noun, nouns)}"
    return target.sentence(
        number=_spelled,
        things=lambda n, noun: _number(noun, n, nouns),
        many=lambda noun: plural_of(noun, nouns),
    )


def seen_words(target: Target, counted: Mapping[str, int], nouns: Mapping[str, Noun] = NO_NOUNS) -> str:
    """What is there of a target's nouns: "there are four pigs", "there is one pig", "there is no wolf"."""
    parts = [_number(noun, counted.get(noun, 0), nouns) for noun in target.nouns]
    verb = "is" if counted.get(target.noun, 0) == 1 else "are"
    return f"there {verb} {_joined(parts)}"


def _not_seen(target: Target, counted: Mapping[str, int]) -> str:
    """What must not be: "not four", or "not two, not four" for an exact number that was missed by one."""
    n = counted.get(target.noun, 0)
    if target.relation is Relation.EXACTLY and target.count and abs(n - target.count) == 1:
        return f"not {_spelled(target.count - 1)}, not {_spelled(target.count + 1)}"
    return f"not {_spelled(n)}"


def _number(noun: str, n: int, nouns: Mapping[str, Noun]) -> str:
    return f"{_spelled(n)} {noun if n == 1 else plural_of(noun, nouns)}"


def _spelled(n: int) -> str:
    return "no" if n == 0 else spell(n) if 0 < n <= MOST else str(n)


def _joined(parts: Sequence[str]) -> str:
    unique = list(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else ", ".join(unique[:-1]) + " and " + unique[-1] if unique else ""


def _digest(*parts: Any) -> bytes:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
