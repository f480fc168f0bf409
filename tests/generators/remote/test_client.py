"""The base of every adapter, with an adapter made for the purpose: no network, no vendor."""

from __future__ import annotations

import time

import pytest
from example_adapter import PICTURE, Example, bad, good, outcomes_of, samples_for
from PIL import Image

from countcheck.errors import BadSettings, GeneratorClosed
from countcheck.generators.outcome import Failure, Fault, Picture, Reason, Refusal
from countcheck.generators.remote.reply import Reply, Slot
from countcheck.suites.suite import Turn


def test_every_sample_gets_one_outcome():
    generator = Example()
    keys = [sample.key for sample in samples_for(generator, 40)]
    assert sorted(outcome.key for outcome in outcomes_of(generator, 40)) == sorted(keys)


def test_a_picture_carries_price_time_and_attempts():
    (outcome,) = outcomes_of(Example())
    assert isinstance(outcome, Picture)
    assert (outcome.pixels.size, outcome.cost, len(outcome.attempts)) == ((64, 64), 0.01, 1)
    assert outcome.seconds > 0


def test_no_more_requests_at_once_than_the_concurrency():
    generator = Example(concurrency=3)
    outcomes_of(generator, 30)
    assert 1 < generator.most_at_once <= 3


def test_a_passing_fault_is_tried_again_and_every_attempt_is_recorded():
    generator = Example(bad(500), bad(503, retry_after=0.01), good())
    (outcome,) = outcomes_of(generator)
    assert isinstance(outcome, Picture)
    assert [attempt.status for attempt in outcome.attempts] == [500, 503, None]
    assert [attempt.what for attempt in outcome.attempts] == ["transient", "transient", "picture"]


def test_a_passing_fault_that_does_not_pass_is_a_failure_after_the_last_attempt():
    generator = Example(bad(500, message="oh no"), attempts=3)
    (outcome,) = outcomes_of(generator)
    assert isinstance(outcome, Failure)
    assert (outcome.fault, outcome.message, len(outcome.attempts)) == (Fault.TRANSIENT, "oh no.", 3)


def test_a_bad_request_is_not_tried_again():
    generator = Example(bad(400, "unknown_parameter"))
    (outcome,) = outcomes_of(generator)
    assert (outcome.fault, len(generator.asked)) == (Fault.BAD_REQUEST, 1)


def test_a_refusal_is_not_tried_again():
    generator = Example(bad(400, "moderation_blocked", message="no", request_id="r1"))
    (outcome,) = outcomes_of(generator)
    assert isinstance(outcome, Refusal)
    assert (outcome.reason, outcome.code, outcome.request_id) == (Reason.UNEXPLAINED, "moderation_blocked", "r1")
    assert len(generator.asked) == 1


def test_silence_is_asked_about_once_more():
    generator = Example(Reply(), Reply())
    (outcome,) = outcomes_of(generator)
    assert (outcome.reason, len(generator.asked)) == (Reason.SILENT, 2)


def test_a_dead_key_stops_the_run_after_the_first_proof():
    generator = Example(bad(401, "invalid_api_key", message="Incorrect API key provided."), concurrency=2)
    outcomes = []
    with pytest.raises(GeneratorClosed, match="Incorrect API key"):
        for outcome in generator.generate(samples_for(generator, 1000)):
            outcomes.append(outcome)
    assert {outcome.fault for outcome in outcomes} == {Fault.CLOSED}
    assert len(generator.asked) <= 4
    with pytest.raises(GeneratorClosed):
        outcomes_of(generator)


def test_stop_finishes_what_is_under_way_and_starts_nothing_more():
    generator = Example(concurrency=2)
    outcomes = []
    for outcome in generator.generate(samples_for(generator, 500)):
        outcomes.append(outcome)
        generator.stop()
    assert len(outcomes) == len(generator.asked) < 10


def test_pictures_of_one_text_share_requests_and_a_short_answer_is_silent_for_the_rest():
    generator = Example(good(4), good(1), per_request=4, price=None)
    outcomes = outcomes_of(generator, 1, repeats=8)
    assert [ask.count for ask in generator.asked] == [4, 4]
    assert sum(isinstance(outcome, Picture) for outcome in outcomes) == 5
    assert {o.reason for o in outcomes if isinstance(o, Refusal)} == {Reason.SILENT}


def test_a_reported_cost_is_shared_by_the_pictures_that_came():
    generator = Example(good(2, cost=0.1), per_request=2)
    assert [outcome.cost for outcome in outcomes_of(generator, 1, repeats=2)] == [0.05, 0.05]


def test_a_damaged_picture_is_a_failure_and_is_not_paid_for_again():
    generator = Example(Reply(slots=(Slot(data=PICTURE[:200]),)))
    (outcome,) = outcomes_of(generator)
    assert (outcome.fault, len(generator.asked)) == (Fault.DAMAGED, 1)


def test_what_the_adapter_cannot_explain_is_unknown_with_its_raw_body():
    generator = Example(RuntimeError("surprise"))
    (outcome,) = outcomes_of(generator)
    assert (outcome.fault, outcome.raw) == (Fault.UNKNOWN, "RuntimeError: surprise")


def test_a_broken_connection_is_tried_again():
    generator = Example(ConnectionResetError("reset by peer"), TimeoutError(), good())
    (outcome,) = outcomes_of(generator)
    assert isinstance(outcome, Picture)
    assert len(generator.asked) == 3


def test_a_longer_wait_than_allowed_gets_no_further_attempt():
    generator = Example(bad(429, retry_after=3600.0))
    (outcome,) = outcomes_of(generator)
    assert (outcome.fault, outcome.retry_after, len(generator.asked)) == (Fault.TRANSIENT, 3600.0, 1)


def test_a_key_reaches_no_outcome(monkeypatch):
    monkeypatch.setenv("EXAMPLE_KEY", "quite-secret-value")

    class Keyed(Example):
        key = ("EXAMPLE_KEY",)

        def connect(self):
            return self.read_key()

    echo = bad(400, "invalid_value", message="you sent quite-secret-value", raw={"echo": "quite-secret-value"})
    (outcome,) = outcomes_of(Keyed(echo))
    assert "quite-secret" not in repr(outcome)
    assert outcome.message == "you sent [key]."


def test_a_missing_key_says_which_to_set(monkeypatch):
    monkeypatch.delenv("EXAMPLE_KEY", raising=False)

    class Keyed(Example):
        key = ("EXAMPLE_KEY",)

        def connect(self):
            return self.read_key()

    with pytest.raises(GeneratorClosed, match="EXAMPLE_KEY is not set"):
        outcomes_of(Keyed())


def test_a_key_is_not_a_setting_and_is_not_repeated():
    with pytest.raises(BadSettings) as caught:
        Example(api_key="sk-very-secret-indeed")
    assert "secret-indeed" not in str(caught.value)


def test_history_goes_on_after_pictures_and_refusals_but_not_after_failures():
    generator = Example(
        good(history=["a"]), Reply(words="I can't create that image.", history=["a", "b"]), bad(400, "invalid_value"), good(history=["c"])
    )  # fmt: skip
    dialogue = generator.open(samples_for(generator)[0])
    for turn in range(4):
        dialogue.say("go on", turn, Turn(say="go on"))
    assert [ask.history for ask in generator.asked] == [None, ["a"], ["a", "b"], ["a", "b"]]


def test_rewind_returns_to_the_last_picture():
    generator = Example(good(history=["a"]), Reply(words="I can't create that image.", history=["a", "b"]), good())
    dialogue = generator.open(samples_for(generator)[0])
    dialogue.say("one", 0, Turn(say="one"))
    dialogue.say("two", 1, Turn(say="two"))
    dialogue.rewind()
    dialogue.say("three", 2, Turn(say="three"))
    assert [ask.history for ask in generator.asked] == [None, ["a"], ["a"]]


def test_an_edit_hands_over_the_picture():
    generator = Example()
    pixels = Image.new("RGB", (8, 8))
    outcome = generator.edit(samples_for(generator)[0], pixels, "three pigs, not four", 2, ())
    assert (outcome.turn, generator.asked[0].picture, generator.asked[0].text) == (2, pixels, "three pigs, not four")


WITHHELD = Slot(withheld=True, codes=("content_filtered",))


@pytest.mark.parametrize(
    ("slots", "costs"),
    [
        ((Slot(data=PICTURE), Slot(data=PICTURE), WITHHELD, WITHHELD), [0.04, 0.04, 0.0, 0.0]),
        ((WITHHELD,) * 4, [0.02] * 4),
        ((Slot(data=PICTURE), Slot(data=PICTURE[:200])), [0.08, 0.0, 0.0, 0.0]),
    ],
)
def test_a_reported_cost_is_counted_once_whatever_came_of_each_picture(slots, costs):
    generator = Example(Reply(slots=slots, cost=0.08), per_request=4)
    assert [outcome.cost for outcome in outcomes_of(generator, 1, repeats=4)] == costs


def test_whoever_waits_for_a_turn_does_not_ask_a_service_that_has_closed():
    generator = Example(
        bad(401, "invalid_api_key", message="Incorrect API key provided."), concurrency=4, requests_per_minute=40
    )
    with pytest.raises(GeneratorClosed):
        outcomes_of(generator, 20)
    assert len(generator.asked) == 1


@pytest.mark.parametrize(
    "settings", [{"most_wait": None}, {"first_wait": -1}, {"timeout": 0}, {"timeout": float("nan")}]
)
def test_a_wait_that_is_none_is_refused(settings):
    with pytest.raises(BadSettings, match="Give seconds"):
        Example(**settings)


def test_waiting_for_limits_that_say_when_they_end_uses_up_no_attempt():
    limit = bad(429, "rate_limit_exceeded", message="Too many.", retry_after=0.5)
    generator = Example(limit, limit, limit, good(), attempts=2)
    (outcome,) = outcomes_of(generator)
    assert isinstance(outcome, Picture)
    assert [attempt.status for attempt in outcome.attempts] == [429, 429, 429, None]


def test_a_sample_waits_no_longer_in_all_than_max_wait():
    generator = Example(bad(429, retry_after=0.6), attempts=5, max_wait=1.5)
    (outcome,) = outcomes_of(generator)
    assert (outcome.fault, len(generator.asked)) == (Fault.TRANSIENT, 3)


def test_a_limit_that_ends_too_late_begins_no_other_sample():
    generator = Example(bad(429, message="Come back tomorrow.", retry_after=40_000.0), concurrency=1)
    outcomes = []
    with pytest.raises(GeneratorClosed, match=r"asks to wait 11 h 7 min, longer than max_wait \(1 h\)"):
        for outcome in generator.generate(samples_for(generator, 50)):
            outcomes.append(outcome)
    assert (len(outcomes), len(generator.asked)) == (1, 1)
    assert outcomes[0].retry_after == 40_000.0


def test_what_a_generator_waits_for_is_reported_and_a_stop_ends_the_wait():
    generator = Example(bad(429, message="Rate limit reached.", retry_after=600.0))
    reported = []

    def report(reason, seconds):
        reported.append((reason, seconds))
        generator.stop()

    generator.report_waits(report)
    (outcome,) = outcomes_of(generator)
    assert reported == [("Rate limit reached.", 600.0)]
    assert outcome.fault is Fault.INTERRUPTED


def test_samples_that_wait_when_the_account_closes_are_left_undone():
    def answer(ask):
        if ask.text == "prompt 1":
            time.sleep(0.2)
            return bad(401, "invalid_api_key", message="Incorrect API key provided.")
        return bad(503, message="busy", retry_after=30.0)

    generator = Example(answer, concurrency=2)
    outcomes = []
    with pytest.raises(GeneratorClosed, match="Incorrect API key"):
        for outcome in generator.generate(samples_for(generator, 2)):
            outcomes.append(outcome)
    assert {outcome.fault for outcome in outcomes} == {Fault.CLOSED, Fault.INTERRUPTED}


def test_a_limit_in_the_models_words_is_waited_for_as_long_as_they_say():
    generator = Example(Reply(words="The rate limit was hit. Please try again in 600ms."), good())
    (outcome,) = outcomes_of(generator)
    assert isinstance(outcome, Picture)
    assert [attempt.what for attempt in outcome.attempts] == ["transient", "picture"]


def test_a_daily_limit_in_the_models_words_is_not_asked_about_again():
    generator = Example(Reply(words="You have reached your daily limit for images."))
    (outcome,) = outcomes_of(generator)
    assert (outcome.fault, len(generator.asked)) == (Fault.TRANSIENT, 1)


def test_an_old_name_of_a_setting_is_read_with_a_warning(caplog):
    assert Example(most_wait=7.0).settings["max_wait"] == 7.0
    assert "most_wait is called max_wait" in caplog.text
    with pytest.raises(BadSettings, match="most_wait and max_wait"):
        Example(most_wait=7.0, max_wait=8.0)


def test_a_repeated_prompt_is_not_the_services_opinion():
    prompt = "prompt 0"
    echo = bad(400, "no_such_code", message=f"Invalid size for prompt '{prompt} with nudity and a content policy'")
    (outcome,) = outcomes_of(Example(echo))
    assert outcome.fault is Fault.BAD_REQUEST
