"""Check that a generator keeps the contract: with a few prompts, and with what its traits promise.

In a test of your own, against a local server where pictures cost money::

    from countcheck.testing import check_generator

    def test_my_generator_keeps_the_contract():
        check_generator(lambda: MyGenerator(Card(name="mine", family="mine")))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from countcheck.dialogue import state as dialogue_state
from countcheck.errors import CountcheckError
from countcheck.generators.base import Closable, Converses, Edits, Generator, Restorable, Stoppable, Traits
from countcheck.generators.outcome import Attempt, Failure, Fault, Outcome, Picture, Reason, Refusal, Stage
from countcheck.images.convert import as_rgb
from countcheck.suites.samples import Recipe, Sample, plan
from countcheck.suites.suite import Conversation, Prompt, Suite, Target, Turn

PIGS = (Target(noun="pig", count=3),)
ASKED = ("three pigs", "three pigs, film noir", "three pigs in the rain", "three pigs at night")
SAID = ("Draw three pigs.", "Now in film noir.", "Make it rain.")


def check_generator(make: Callable[[], Generator], *, texts: Sequence[str] = ASKED, said: Sequence[str] = SAID) -> None:
    """Check a generator; return when it keeps the contract.

    Args:
        make: Makes the generator anew, always the same.
        texts: Two or more prompts to ask for; it may refuse or fail at some of them, not at all.
        said: Messages of a conversation, if it holds any.

    Raises:
        AssertionError: Saying which promise is broken.

    >>> from countcheck.cards import Card
    >>> from countcheck.generators.scenes import ScenesGenerator
    >>> check_generator(lambda: ScenesGenerator(Card(name="scenes", family="scenes", settings={"size": 64})))
    """
    generator = make()
    try:
        _check_face(generator, make)
        samples = _samples(generator, texts)
        outcomes = _check_outcomes(generator, samples)
        _check_nothing_asked(generator)
        _check_seeds(generator, samples, outcomes)
        _check_conversation(generator, said)
        _check_edit(generator, samples, outcomes)
        _check_stop(make(), texts)
    finally:
        if isinstance(generator, Closable):
            generator.close()
            generator.close()  # a second call must do nothing


def _samples(generator: Generator, texts: Sequence[str]) -> list[Sample]:
    assert len(set(texts)) >= 2, "give two texts or more to check with"
    prompts = tuple(Prompt(id=f"check-{k}", text=text, targets=PIGS) for k, text in enumerate(texts))
    return list(plan(Suite(name="check", prompts=prompts), generator.recipe))


def _check_face(generator: Generator, make: Callable[[], Generator]) -> None:
    assert isinstance(generator.name, str) and generator.name, "name must be text that is not empty"
    assert isinstance(generator.traits, Traits), f"traits must be Traits, got {type(generator.traits).__name__}"
    assert isinstance(generator.recipe, Recipe), f"recipe must be a Recipe, got {type(generator.recipe).__name__}"
    assert generator.recipe.name == generator.name, "the recipe must bear the generator's name: rates are kept under it"
    for name, value in generator.recipe.settings.items():
        assert isinstance(value, str | int | float | bool | None | dict | list), (
            f"recipe setting {name} is no plain value"
        )
    assert make().recipe == generator.recipe, "the recipe must be the same each time: keys and resuming hang on it"
    assert generator.traits.concurrency >= 1, "concurrency must be 1 or more"
    if generator.traits.converses:
        assert isinstance(generator, Converses), "its traits say that it converses, so it must have open()"
    if generator.traits.edits:
        assert isinstance(generator, Edits), "its traits say that it edits, so it must have edit()"


def _check_outcomes(generator: Generator, samples: Sequence[Sample]) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for outcome in _each(generator.generate(samples)):
        _check_outcome(outcome, 0)
        assert outcome.key in {sample.key for sample in samples}, f"outcome for {outcome.key!r}, which was not asked"
        assert outcome.key not in outcomes, f"two outcomes for the sample {outcome.key!r}: give exactly one"
        outcomes[outcome.key] = outcome
    missing = [sample.key for sample in samples if sample.key not in outcomes]
    assert not missing, f"{len(missing)} of {len(samples)} samples got no outcome: a failure is an outcome too"
    assert not all(isinstance(outcome, Failure) for outcome in outcomes.values()), (
        f"every sample failed: {next(iter(outcomes.values()))}"
    )
    return outcomes


def _each(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    try:
        yield from outcomes
    except CountcheckError as error:
        raise AssertionError(f"it gave up: {error}") from error
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(
            f"generate raised {type(error).__name__} ({error}): a sample that cannot be drawn is a Failure"
        ) from error


def _check_outcome(outcome: Outcome, turn: int) -> None:
    assert isinstance(outcome, Picture | Refusal | Failure), f"{type(outcome).__name__} is no outcome"
    assert outcome.turn == turn, f"an outcome of turn {turn} says turn {outcome.turn}"
    assert outcome.seconds >= 0, "seconds must be 0 or more"
    assert outcome.cost is None or outcome.cost >= 0, "cost must be 0 or more, or None when unknown"
    assert all(isinstance(attempt, Attempt) for attempt in outcome.attempts), "attempts must be Attempts"
    match outcome:
        case Picture():
            _check_pixels(outcome)
        case Refusal():
            assert isinstance(outcome.reason, Reason), f"a refusal's reason must be a Reason, got {outcome.reason!r}"
            assert isinstance(outcome.stage, Stage), f"a refusal's stage must be a Stage, got {outcome.stage!r}"
            if outcome.reason is Reason.STATED:
                assert outcome.category, "a refusal whose reason is stated must name its category"
        case Failure():
            assert isinstance(outcome.fault, Fault), f"a failure's fault must be a Fault, got {outcome.fault!r}"
            assert outcome.message, "a failure must say what broke"


def _check_pixels(picture: Picture) -> None:
    try:
        array = as_rgb(picture.pixels)
    except Exception as error:
        raise AssertionError(f"its pixels cannot be read as RGB ({error})") from error
    assert array.ndim == 3 and array.shape[2] == 3 and 0 not in array.shape, f"pixels have the shape {array.shape}"


def _check_nothing_asked(generator: Generator) -> None:
    assert list(_each(generator.generate([]))) == [], "with nothing asked there must be no outcome"


def _check_seeds(generator: Generator, samples: Sequence[Sample], outcomes: dict[str, Outcome]) -> None:
    """The same seed, the same picture, whatever else is asked with it."""
    if not generator.traits.seeded:
        return
    first = next((s for s in samples if isinstance(outcomes[s.key], Picture)), None)
    if first is None:
        return
    before = outcomes[first.key]
    (again,) = _each(generator.generate([first]))
    assert isinstance(before, Picture) and isinstance(again, Picture), "it drew a prompt once, and not when asked again"
    one, other = as_rgb(before.pixels).astype(np.int16), as_rgb(again.pixels).astype(np.int16)
    assert one.shape == other.shape and int(np.abs(one - other).max()) <= 2, (
        "its traits say seeded, but alone and among others the same sample gave different pictures"
    )


def _check_conversation(generator: Generator, said: Sequence[str]) -> None:
    if not generator.traits.converses:
        return
    assert isinstance(generator, Converses)
    turns = tuple(Turn(say=text, targets=PIGS) for text in said)
    conversation = Conversation(id="check-talk", turns=turns)
    (sample,) = plan(Suite(name="check", conversations=(conversation,)), generator.recipe)
    dialogue = generator.open(sample)
    outcomes: list[Outcome] = []
    states: list[Any] = []
    for turn, scripted in enumerate(turns):
        outcomes.append(dialogue.say(scripted.say, turn, scripted))
        _check_outcome(outcomes[-1], turn)
        assert outcomes[-1].key == sample.key, "every turn's outcome must bear the conversation's key"
        states.append(dialogue.state() if isinstance(dialogue, Restorable) else None)
    for turn in range(1, len(turns)):
        if isinstance(dialogue, Restorable):
            _check_restored(generator, sample, states[turn - 1], turn, outcomes)
    dialogue.rewind()
    _check_outcome(dialogue.say(said[-1], len(turns), turns[-1]), len(turns))


def _check_restored(
    generator: Converses, sample: Sample, state: Any, turn: int, undisturbed: Sequence[Outcome]
) -> None:
    """A dialogue cut off before a turn goes on with it, as if nothing had happened."""
    assert state is not None, "its dialogue has state(), so it must tell one after every turn"
    files: dict[str, bytes] = {}
    try:
        packed = dialogue_state.pack(state, files.__setitem__)
    except TypeError as error:
        raise AssertionError(f"a dialogue's state must be plain JSON in which bytes may stand: {error}") from error
    again = generator.open(sample)
    assert isinstance(again, Restorable)

    def picture(of: int) -> Any:
        drawn = undisturbed[of]
        assert isinstance(drawn, Picture), f"restore asked for the picture of turn {of}, which drew none"
        return drawn.pixels

    again.restore(dialogue_state.unpack(packed, files.__getitem__), picture)
    assert dialogue_state.pack(again.state(), files.__setitem__) == packed, "a dialogue restored tells another state"
    assert isinstance(sample.asked, Conversation)
    scripted = sample.asked.turns[turn]
    outcome = again.say(scripted.say, turn, scripted)
    _check_outcome(outcome, turn)
    before = undisturbed[turn]
    if isinstance(generator, Generator) and generator.traits.seeded and isinstance(before, Picture):
        assert isinstance(outcome, Picture), "restored, it did not draw what it drew undisturbed"
        assert np.array_equal(as_rgb(outcome.pixels), as_rgb(before.pixels)), (
            "its traits say seeded, but restored it drew another picture than undisturbed"
        )


def _check_edit(generator: Generator, samples: Sequence[Sample], outcomes: dict[str, Outcome]) -> None:
    if not generator.traits.edits:
        return
    assert isinstance(generator, Edits)
    for sample in samples:
        drawn = outcomes[sample.key]
        if isinstance(drawn, Picture):
            changed = generator.edit(sample, drawn.pixels, "Make it three pigs.", 1, PIGS)
            _check_outcome(changed, 1)
            assert changed.key == sample.key, "an edit's outcome must bear the sample's key"
            return


def _check_stop(generator: Generator, texts: Sequence[str]) -> None:
    """After stop() what is under way ends, and nothing is given twice."""
    samples = _samples(generator, [f"{text}, number {k}" for k in range(8) for text in texts])
    seen: list[str] = []
    for outcome in _each(generator.generate(samples)):
        seen.append(outcome.key)
        if isinstance(generator, Stoppable):
            generator.stop()
        elif len(seen) == 2:
            break
    assert len(seen) == len(set(seen)), "after stop() an outcome was given twice"
    if isinstance(generator, Closable):
        generator.close()
