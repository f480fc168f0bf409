import numpy as np
import pytest

from countcheck.cards import Card, read_generator_card
from countcheck.errors import BadSettings
from countcheck.generators.base import Converses, Edits, Generator
from countcheck.generators.outcome import Failure, Fault, Picture
from countcheck.generators.scenes import ScenesGenerator, numbers_for
from countcheck.suites.samples import plan
from countcheck.suites.suite import Conversation, Prompt, Relation, Suite, Target, Turn


def scenes(**settings):
    return ScenesGenerator(Card(name="scenes", family="scenes", settings=settings))


def samples(generator, *asked, repeats=1):
    prompts = tuple(one for one in asked if isinstance(one, Prompt))
    talks = tuple(one for one in asked if isinstance(one, Conversation))
    suite = Suite(name="s", prompts=prompts, conversations=talks)
    return list(plan(suite, generator.recipe, repeats=repeats))


def prompt(*targets, **tags):
    return Prompt(id="p", text="draw", targets=targets, tags=tags)


def target(noun, relation, count=None, upper=None, other=None):
    return Target(noun=noun, relation=Relation(relation), count=count, upper=upper, other=other)


THREE_PIGS = target("pig", "exactly", 3)


def test_it_stands_behind_the_seam():
    assert isinstance(scenes(), Generator)
    assert isinstance(scenes(), Converses)
    assert isinstance(scenes(), Edits)


@pytest.mark.parametrize(
    ("targets", "drawn"),
    [
        ([THREE_PIGS], {"pig": 3}),
        ([target("pig", "at_least", 2)], {"pig": 2}),
        ([target("pig", "at_most", 4)], {"pig": 4}),
        ([target("pig", "at_least", 2), target("pig", "at_most", 4)], {"pig": 2}),
        ([target("pig", "between", 3, 5)], {"pig": 3}),
        ([THREE_PIGS, target("wolf", "none")], {"pig": 3, "wolf": 0}),
        ([THREE_PIGS, target("wolf", "more_than", other="pig")], {"pig": 3, "wolf": 4}),
        ([THREE_PIGS, target("pig", "more_than", other="wolf")], {"pig": 3, "wolf": 1}),
        ([THREE_PIGS, target("wolf", "as_many_as", other="pig")], {"pig": 3, "wolf": 3}),
        ([target("cat", "more_than", other="dog")], {"cat": 2, "dog": 1}),
        ([target("cat", "as_many_as", other="dog")], {"cat": 1, "dog": 1}),
        (
            [target("cat", "more_than", other="dog"), target("dog", "more_than", other="pig"), THREE_PIGS],
            {"cat": 5, "dog": 4, "pig": 3},
        ),
        ([], {}),
    ],
)
def test_numbers_meet_the_targets(targets, drawn):
    assert numbers_for(targets) == drawn


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([target("unicorn", "exactly", 1)], "no art for 'unicorn'"),
        ([target("pig", "exactly", 40)], "cannot be drawn"),
        ([THREE_PIGS, target("pig", "exactly", 2)], "cannot be drawn"),
        ([target("cat", "more_than", other="dog"), target("dog", "more_than", other="cat")], "cannot be drawn"),
    ],
)
def test_what_cannot_be_drawn_is_a_failure_never_a_wrong_picture(targets, words):
    generator = scenes()
    (outcome,) = generator.generate(samples(generator, prompt(*targets)))
    assert isinstance(outcome, Failure)
    assert outcome.fault is Fault.BAD_REQUEST
    assert words in outcome.message


def test_a_picture_is_the_same_whatever_the_batch():
    generator = scenes()
    several = samples(generator, prompt(THREE_PIGS, style="noir-rain"), repeats=4)
    together = [outcome.pixels for outcome in generator.generate(several)]
    alone = [next(generator.generate([sample])).pixels for sample in several]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))
    assert not np.array_equal(together[0], together[1])


def test_error_rate_miscounts_in_that_share_of_pictures():
    generator = scenes(error_rate=0.3, size=32)
    asked = prompt(THREE_PIGS, target("wolf", "at_least", 1))
    outcomes = list(generator.generate(samples(generator, asked, repeats=400)))
    wrong = [o for o in outcomes if not all(t.holds(o.extra["drawn"]) for t in asked.targets)]
    assert 0.22 < len(wrong) / 400 < 0.38
    assert {o.extra["drawn"]["pig"] for o in outcomes} >= {1, 2, 3, 4, 5}


def test_a_look_it_does_not_know_is_drawn_plain():
    generator = scenes()
    (outcome,) = generator.generate(samples(generator, prompt(THREE_PIGS, style="photo")))
    assert isinstance(outcome, Picture)
    assert outcome.extra["style"] == "plain"


def test_a_conversation_keeps_its_look_and_draws_each_turns_numbers():
    wolf = target("wolf", "exactly", 1)
    turns = (
        Turn(say="three pigs", targets=(THREE_PIGS,)),
        Turn(say="noir", targets=(THREE_PIGS,), tags={"style": "noir"}),
        Turn(say="a wolf joins", targets=(THREE_PIGS, wolf)),
    )
    generator = scenes()
    (sample,) = samples(generator, Conversation(id="c", turns=turns))
    dialogue = generator.open(sample)
    said = [dialogue.say(turn.say, k, turn) for k, turn in enumerate(turns)]
    assert [outcome.extra["style"] for outcome in said] == ["plain", "noir", "noir"]
    assert said[-1].extra["drawn"] == {"pig": 3, "wolf": 1}
    assert "3 pig" in said[0].words
    dialogue.rewind()
    dialogue.rewind()
    assert dialogue.say("again", 3, turns[0]).extra["style"] == "plain"


def test_an_edit_draws_what_must_hold_now():
    generator = scenes()
    (sample,) = samples(generator, prompt(THREE_PIGS))
    first = next(generator.generate([sample]))
    edited = generator.edit(sample, first.pixels, "one more", 1, [target("pig", "exactly", 4)])
    assert edited.turn == 1
    assert edited.extra["drawn"] == {"pig": 4}


@pytest.mark.parametrize("settings", [{"size": 8}, {"size": "big"}, {"error_rate": 2}, {"eror_rate": 0.1}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(BadSettings):
        scenes(**settings)


def test_a_setting_behind_a_colon_is_refused_and_not_ignored():
    with pytest.raises(BadSettings, match=r"scenes\?error_rate"):
        ScenesGenerator(read_generator_card("scenes:error_rate=0.3"))
