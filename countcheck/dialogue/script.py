"""What to say next in a conversation: the scripted turns and the repairs. Nothing here generates, counts or waits.

>>> from countcheck.suites.suite import Conversation, Target, Turn
>>> pigs = (Target(noun="pig", count=3),)
>>> turns = (Turn(say="Three pigs.", targets=pigs), Turn(say="At night.", targets=pigs))
>>> conversation = Conversation(id="pigs", turns=turns, repairs=1)
>>> first = first_step(conversation)
>>> first.text
'Three pigs.'
>>> repair = next_step(conversation, first, TurnResult(outcome="picture", verdict=Kind.OVER, counted={"pig": 4}), seed=1)
>>> repair.script, repair.repair
(0, 1)
>>> next_step(conversation, repair, TurnResult(outcome="picture", verdict=Kind.EXACT, counted={"pig": 3}), seed=1).text
'At night.'
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countcheck.counting.verdict import WRONG, Kind
from countcheck.generators.base import Step
from countcheck.suites.language.nouns import plural_of
from countcheck.suites.language.numbers import MOST, spell
from countcheck.suites.suite import Conversation, Noun, Relation, Target

NO_NOUNS: Mapping[str, Noun] = {}

# How a person complains about a wrong picture: tone, explicitness, template. {seen}: "there are four pigs"; {wanted}:
# "three pigs"; {not_seen}: "not four". A capital letter begins a sentence. By explicitness: ``wanted`` says only what
# should be there, ``both`` also what is there, ``contrast`` also what must not be there.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """What one turn came to.

    Attributes:
        outcome: ``picture``, ``refusal`` or ``failure``.
        verdict: Of a picture; ``None`` when nothing countable was asked.
        counted: Of a picture: noun to number, 0 or more.
    """

    outcome: str
    verdict: Kind | None = None
    counted: Mapping[str, int] = field(default_factory=dict)


def first_step(conversation: Conversation) -> Step:
    """Return the message that opens a conversation."""
    return Step(script=0, repair=0, text=conversation.turns[0].say)


def next_step(
    conversation: Conversation,
    step: Step,
    result: TurnResult,
    *,
    seed: int,
    nouns: Mapping[str, Noun] = NO_NOUNS,
) -> Step | None:
    """Return the message after a step, or ``None`` when the conversation is over.

    A picture with a wrong count is followed by a repair, up to the conversation's number of them; an uncertain one is
    not complained about. A refusal is answered as ``on_refusal`` says. A failure ends the conversation: what would have
    followed cannot be known.

    Args:
        conversation: The script.
        step: The message that was sent.
        result: What it came to.
        seed: The sample's; it chooses the words of repairs.
        nouns: The suite's, for their plurals.
    """
    if result.outcome == "failure":
        return None
    refused = result.outcome == "refusal"
    if refused and conversation.on_refusal == "stop":
        return None
    if not refused and result.verdict in WRONG and step.repair < conversation.repairs:
        return _repair(conversation, step, result.counted, seed, nouns)
    script = step.script + 1
    if script >= len(conversation.turns):
        return None
    rewind = refused and conversation.on_refusal == "rewind"
    return Step(script=script, repair=0, text=conversation.turns[script].say, rewind=rewind)


def _repair(
    conversation: Conversation, step: Step, counted: Mapping[str, int], seed: int, nouns: Mapping[str, Noun]
) -> Step:
    """The next repair: the seed shuffles the templates, so that no repair of a turn uses the words of another."""
    targets = conversation.turns[step.script].targets
    failing = [t for t in targets if all(noun in counted for noun in t.nouns) and not t.holds(counted)]
    # A verdict may rest on more than counts, on colours say: then there is no wrong number to speak of.
    templates = REPAIRS if failing else [template for template in REPAIRS if template[1] == "wanted"]
    order = sorted(range(len(templates)), key=lambda place: _digest(seed, conversation.id, step.script, place))
    tone, explicitness, template = templates[order[step.repair % len(order)]]
    words = {
        "wanted": _joined([wanted_words(target, nouns) for target in failing or targets]),
        "seen": _joined([seen_words(target, counted, nouns) for target in failing]),
        "not_seen": _joined([_not_seen(target, counted, nouns) for target in failing]),
    }
    words |= {name.capitalize(): text[:1].upper() + text[1:] for name, text in words.items()}
    return Step(
        script=step.script,
        repair=step.repair + 1,
        text=template.format(**words),
        wording={"tone": tone, "explicitness": explicitness},
    )


def wanted_words(target: Target, nouns: Mapping[str, Noun] = NO_NOUNS) -> str:
    """Say a target as a person asks for it.

    >>> wanted_words(Target(noun="pig", count=3)), wanted_words(Target(noun="wolf", relation=Relation.NONE))
    ('exactly three pigs', 'no wolves')
    """
    if target.relation is Relation.EXACTLY and not target.count:
        return f"no {plural_of(target.noun, nouns)}"
    return target.sentence(
        number=_spelled,
        things=lambda n, noun: _number(noun, n, nouns),
        many=lambda noun: plural_of(noun, nouns),
    )


def seen_words(target: Target, counted: Mapping[str, int], nouns: Mapping[str, Noun] = NO_NOUNS) -> str:
    """Say how many of a target's nouns are in a picture.

    >>> seen_words(Target(noun="pig", count=3), {"pig": 4})
    'there are four pigs'
    """
    parts = [_number(noun, counted.get(noun, 0), nouns) for noun in target.nouns]
    verb = "is" if counted.get(target.noun, 0) == 1 else "are"
    return f"there {verb} {_joined(parts)}"


def _not_seen(target: Target, counted: Mapping[str, int], nouns: Mapping[str, Noun]) -> str:
    """What must not be: "not four", "not two, not four" for an exact number missed by one, "not two cats and four dogs"."""
    if len(target.nouns) > 1:
        return f"not {_joined([_number(noun, counted[noun], nouns, _numeral) for noun in target.nouns])}"
    n = counted[target.noun]
    if target.relation is Relation.EXACTLY and target.count and abs(n - target.count) == 1:
        return f"not {_numeral(target.count - 1)}, not {_numeral(target.count + 1)}"
    return f"not {_numeral(n)}"


def _number(noun: str, n: int, nouns: Mapping[str, Noun], word: Callable[[int], str] | None = None) -> str:
    return f"{(word or _spelled)(n)} {noun if n == 1 else plural_of(noun, nouns)}"


def _spelled(n: int) -> str:
    return "no" if n == 0 else spell(n) if 0 < n <= MOST else str(n)


def _numeral(n: int) -> str:
    """A number that stands alone, where "no" would be no English: "exactly three pigs, not zero"."""
    return "zero" if n == 0 else _spelled(n)


def _joined(parts: Sequence[str]) -> str:
    unique = list(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else ", ".join(unique[:-1]) + " and " + unique[-1] if unique else ""


def _digest(*parts: Any) -> bytes:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
