"""Batches are handed in once, fetched when they are done and paid once, wherever a process dies."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import squares
from batch_services import FAMILIES, KEY, PRICE, serving

from countcheck.cards import read_generator_card
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.merge import merge
from countcheck.engine.progress import NullProgress
from countcheck.engine.shard import Shard
from countcheck.errors import BadSettings, GeneratorClosed
from countcheck.generators.providers.google import GoogleGenerator
from countcheck.generators.providers.openai import OpenAIGenerator
from countcheck.generators.remote.batches import BatchingGenerator
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.storage.batch_store import BatchStore
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.samples import plan
from countcheck.suites.suite import Conversation, Suite, Turn

TEXTS = ("1 square", "2 squares", "3 squares", "4 squares", "5 squares, refuse")


class Killed(BaseException):
    pass


class Messages(NullProgress):
    def __init__(self):
        self.said, self.waited = [], []

    def message(self, text):
        self.said.append(text)

    def wait(self, generator, reason, seconds):
        self.waited.append(reason)


@pytest.fixture
def family(request, monkeypatch):
    """The service; OpenAI's where a test does not name others."""
    monkeypatch.setenv(KEY, "sk-loopback-service")
    return getattr(request, "param", "openai")


every_family = pytest.mark.parametrize("family", FAMILIES, indirect=True)


@pytest.fixture
def service_and_card(family):
    with serving(family) as found:
        yield found


@pytest.fixture
def service(service_and_card):
    return service_and_card[0]


@pytest.fixture
def make(service_and_card, tmp_path):
    """Give the same command: make the run, and return its rows by text."""

    def command(texts=TEXTS, *, progress=None, settings=None, stop=None, **more):
        card = service_and_card[1]
        card = replace(card, settings={**card.settings, **(settings or {})})
        suite = more.pop("suite", None) or squares.suite(*texts)
        config = RunConfig(suite=suite, generators=[card], path=more.pop("path", tmp_path / "run"), **more)
        with engine.run(config, squares.counter(), progress=progress or NullProgress(), stop=stop) as run:
            return {row.text: row for row in run.rows()}

    return command


def outcomes(rows):
    return [row.outcome for row in rows.values()]


MADE = ["picture"] * 4 + ["refusal"]


@every_family
def test_handed_in_and_fetched_by_the_same_command(service, make, tmp_path, family):
    progress = Messages()
    assert outcomes(make(progress=progress)) == ["missing"] * 5
    (said,) = [said for said in progress.said if "wait" in said]
    assert said.startswith(f"5 samples of {family}:squares wait in a batch (")
    with RunFolder.open(tmp_path / "run") as run:
        (note,) = run.batches.waiting()
    assert note.id in said and note.sent and len(note.keys) == 5
    rows = make()
    assert outcomes(rows) == MADE
    assert set(service.asked.values()) == {1} and service.created == 1
    assert [row.cost for row in rows.values()][:4] == pytest.approx([PRICE] * 4)
    with RunFolder.open(tmp_path / "run") as run:
        assert run.batches.waiting() == []
        assert run.spent - (rows[TEXTS[4]].cost or 0.0) == pytest.approx(4 * PRICE)
    refused = rows[TEXTS[4]]  # read like one that came at once
    assert (refused.refusal, refused.category, refused.code) == REFUSED[family]
    calls = len(service.calls)
    assert outcomes(make()) == MADE
    assert len(service.calls) == calls


REFUSED = {
    "openai": ("stated", "violence", "moderation_blocked"),
    "google": ("stated", "violence", "IMAGE_SAFETY"),
    "xai": ("unexplained", "", ""),
}


@every_family
def test_a_connection_that_breaks_while_a_batch_is_taken_hands_in_nothing_twice(service, make):
    service.cut_off = 1
    assert outcomes(make(wait=True)) == MADE
    assert set(service.asked.values()) == {1} and service.created == 1


def test_waiting_looks_until_the_service_is_done(service, make):
    service.looks = 4
    progress = Messages()
    assert outcomes(make(wait=True, progress=progress)) == MADE
    assert any("of 5 answered" in reason for reason in progress.waited)
    assert set(service.asked.values()) == {1}


def test_a_batch_that_is_not_done_waits_for_the_next_command(service, make):
    make()
    service.looks = 3
    assert outcomes(make()) == ["missing"] * 5
    service.looks = 0
    assert outcomes(make()) == MADE
    assert set(service.asked.values()) == {1}


def test_ctrl_c_ends_the_wait_and_loses_nothing(service, make):
    service.looks = 1_000_000
    stop = threading.Event()

    class Stopping(Messages):
        def wait(self, generator, reason, seconds):
            stop.set()

    assert outcomes(make(wait=True, progress=Stopping(), stop=stop)) == ["missing"] * 5
    service.looks = 0
    assert outcomes(make(wait=True)) == MADE
    assert set(service.asked.values()) == {1}


# Where one process after another dies: the class and the method, on which call, before or after the method did its work.
DEATHS = {
    "before the note is stored": (BatchStore, "write", 1, "before"),
    "before the batch is handed in": (BatchStore, "write", 1, "after"),
    "handed in, and its id not stored": (BatchStore, "write", 1, "before"),
    "its id stored": (BatchStore, "write", 1, "after"),
    "known to be with the service": (BatchStore, "write", 1, "after"),
    "before the answers are read": (BatchingGenerator, "fetch", 1, "before"),
    "the first answer stored": (RemoteGenerator, "settle", 2, "before"),
    "all stored, and the note still there": (BatchStore, "remove", 1, "before"),
}


@every_family
def test_killed_between_any_two_steps_nothing_is_asked_or_paid_twice(
    service_and_card, service, make, tmp_path, monkeypatch
):
    for owner, name, number, when in DEATHS.values():
        if owner is BatchingGenerator:
            owner = type(engine.load_generator(service_and_card[1]))
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, dying(getattr(owner, name), number, when))
            with pytest.raises(Killed):
                make(wait=True)
    rows = make(wait=True)
    assert outcomes(rows) == MADE
    assert service.created == 1
    assert set(service.asked.values()) == {1}
    with RunFolder.open(tmp_path / "run") as run:
        assert run.spent - (rows[TEXTS[4]].cost or 0.0) == pytest.approx(4 * PRICE)
        assert run.batches.waiting() == []


def dying(method, number, when):
    """The method, in a process that dies before or after the call of that number."""
    calls = []

    def call(*arguments, **more):
        calls.append(1)
        if len(calls) == number and when == "before":
            raise Killed
        found = method(*arguments, **more)
        if len(calls) == number:
            raise Killed
        return found

    return call


@pytest.mark.parametrize(
    ("family", "end"),
    [*((family, "expired") for family in FAMILIES), ("openai", "cancelled"), ("google", "cancelled")],
    indirect=["family"],
)
def test_a_batch_cut_short_gives_what_it_has(service, make, end):
    texts = tuple(f"{n} squares" for n in range(1, 5))
    service.ends = [end, "completed"]
    first = make(texts, wait=True)
    if end == "expired":  # the service did not come to them: they are handed in again
        assert outcomes(first) == ["picture"] * 4
    else:  # a person ended it: nothing more is asked for until the command is given again
        assert outcomes(first) == ["picture", "picture", "missing", "missing"]
        assert outcomes(make(texts, wait=True)) == ["picture"] * 4
    assert [service.asked[text] for text in texts] == [1, 1, 2, 2]


@every_family
def test_what_passes_is_handed_in_again_and_the_rest_is_not(service, make):
    texts = ("1 square", "2 squares, busy", "3 squares, expire")
    assert outcomes(make(texts, wait=True)) == ["picture"] * 3
    assert [service.asked[text] for text in texts] == [1, 2, 2]
    assert service.created == 2


def test_there_are_no_more_rounds_than_attempts(service, make):
    service.ends = ["expired"]
    rows = make(("1 square", "2 squares"), wait=True)
    assert [row.failure for row in rows.values()] == [None, "transient"]
    assert service.asked["2 squares"] == 3 or service.asked["1 square"] == 3


def test_the_round_is_kept_when_the_process_does_not_wait(service, make, tmp_path):
    service.ends = ["expired"]
    make(("1 square", "2 squares"))
    make(("1 square", "2 squares"))
    with RunFolder.open(tmp_path / "run") as run:
        (note,) = run.batches.waiting()
    assert (note.round, note.sent, len(note.keys)) == (2, True, 1)


def test_a_closed_account_inside_a_batch_ends_it_and_keeps_the_rest(service, make):
    for _ in range(2):
        with pytest.raises(GeneratorClosed, match="quota"):
            make(("1 square", "2 squares, dead"), wait=True)
    assert service.asked == {"1 square": 1, "2 squares, dead": 2}


@pytest.mark.parametrize("family", ["openai", "xai"], indirect=True)
def test_a_batch_of_another_account_is_named(service, make, tmp_path):
    make()
    service.stranger = True
    with pytest.raises(GeneratorClosed, match=r"is not there for this account .* --forget-batches"):
        make(wait=True)
    service.stranger = False
    assert outcomes(make(wait=True)) == MADE
    assert set(service.asked.values()) == {1}


def test_forgotten_batches_are_asked_for_again(service, make):
    make()
    assert outcomes(make(forget_batches=True, wait=True)) == MADE
    assert set(service.asked.values()) == {2}


@pytest.mark.parametrize("family", ["openai", "google"], indirect=True)
def test_a_batch_that_is_turned_away_says_why(service, make):
    service.ends = ["failed", "completed"]
    with pytest.raises(GeneratorClosed, match=r"turned away: .*Enqueued token limit reached"):
        make(wait=True)
    assert outcomes(make(wait=True)) == MADE


def test_many_samples_take_many_batches(service, make, tmp_path):
    make(settings={"batch_size": 2})
    with RunFolder.open(tmp_path / "run") as run:
        assert [len(note.keys) for note in run.batches.waiting()] == [2, 2, 1]
    assert outcomes(make(settings={"batch_size": 2})) == MADE
    assert set(service.asked.values()) == {1}


def test_a_budget_hands_in_no_more_than_it_covers(service, make):
    texts = tuple(f"{n % 9} squares, take {n}" for n in range(10))
    make(texts, budget=0.10)  # a picture costs up to 0.03 USD in a batch
    assert sum(service.asked.values()) == 3
    make(texts, budget=0.10)
    assert sum(service.asked.values()) == 5  # they cost 0.02
    make(texts, budget=0.10)
    assert sum(service.asked.values()) == 5
    assert set(service.asked.values()) == {1}


def test_merged_shards_fetch_what_their_batches_hold(service, make, tmp_path):
    for part in (1, 2):
        make(shard=Shard(index=part, count=2), path=tmp_path / f"part{part}")
    merge([tmp_path / "part1", tmp_path / "part2"], tmp_path / "run").close()
    assert outcomes(make(wait=True)) == MADE
    assert set(service.asked.values()) == {1}


def test_conversations_are_not_held_in_batches(make):
    talk = Conversation(id="t", turns=(Turn(say="3 squares"), Turn(say="noir")))
    progress = Messages()
    suite = Suite(name="mixed", prompts=squares.suite("1 square").prompts, conversations=(talk,))
    assert outcomes(make(suite=suite, wait=True, progress=progress)) == ["picture"]
    assert any("1 conversations are skipped" in said for said in progress.said)


def test_without_an_engine_a_generator_waits(service_and_card, service):
    service.looks = 2
    generator = engine.load_generator(service_and_card[1])
    samples = list(plan(squares.suite("1 square", "2 squares"), generator.recipe, repeats=1))
    try:
        assert [type(outcome).__name__ for outcome in generator.generate(samples)] == ["Picture", "Picture"]
    finally:
        generator.close()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("stability-core?mode=batch", "takes no batches of pictures"),
        ("gpt-image-2?mode=bulk", "mode is 'bulk'. Give batch"),
        ("gpt-5.6?mode=batch", "batches are for image models"),
        ("gpt-image-2?mode=batch&batch_size=501", "Give a whole number up to 500"),
        ("gemini-3-pro-image?mode=batch&vertex=true", "batches go by the developer API alone"),
    ],
)
def test_what_cannot_be_a_batch_is_refused(spec, message):
    card = read_generator_card(spec)
    with pytest.raises(BadSettings, match=message):
        engine.load_generator(card)


def test_a_batch_changes_no_picture_and_no_recipe():
    for family, spec in ((OpenAIGenerator, "gpt-image-2"), (GoogleGenerator, "gemini-3-pro-image")):
        plain, batch = family(read_generator_card(spec)), family(read_generator_card(f"{spec}?mode=batch"))
        assert plain.recipe.settings == batch.recipe.settings
        assert not batch.traits.converses and not batch.traits.edits
