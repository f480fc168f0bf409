"""The contract checks pass what keeps the contract, and say which promise is broken by what does not."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from loopback import Answer, Loopback, draw, told
from outside_provider import EaselGenerator

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Picture, Reason, Refusal
from countcheck.images.decode import encode_png
from countcheck.suites.samples import Recipe
from countcheck.testing import check_generator


@pytest.fixture(scope="module")
def server():
    with Loopback() as running:
        yield running


@pytest.fixture
def easel(server, monkeypatch):
    monkeypatch.setenv("EASEL_KEY", "sk-loopback-easeleasel")
    server.answers(paint)
    return lambda: EaselGenerator(
        Card(name="easel:oil", family="easel", source="oil", settings={"base_url": server.url, "first_wait": 0.001})
    )


def paint(request):
    seed, n = request.json["seed"], request.json["n"]
    picture = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    return Answer(200, {"pictures": [base64.b64encode(encode_png(picture)).decode()] * n, "conversation": "c1"})


def test_a_provider_of_one_file_keeps_the_contract(easel):
    check_generator(easel)


def test_its_troubles_are_told_apart_like_everybodys(easel, server):
    for answer, wanted in (
        (Answer(401, {"error": "Invalid token"}), "closed"),
        (Answer(400, {"error": {"code": "moderation_blocked", "message": "No."}}), "unexplained"),
        (Answer(200, {"pictures": [], "words": "I can't create violent images."}), "stated"),
        (Answer(200, "<html><title>Proxy</title></html>"), "damaged"),
    ):
        server.answers(answer)
        generator = easel()
        seen = told(draw(generator)[0])
        generator.close()
        assert (seen.get("fault") or seen.get("reason")) == wanted


class Plain:
    """Keeps the contract; each test below breaks one promise of it."""

    name = "plain"
    traits = Traits(seeded=True)
    recipe = Recipe(name="plain")

    def generate(self, samples):
        for sample in samples:
            yield self.one(sample)

    def one(self, sample):
        return Picture(key=sample.key, pixels=np.full((8, 8, 3), sample.seed % 250, np.uint8))


@pytest.mark.parametrize("kind", ["plain", "talks"])
def test_a_plain_generator_keeps_the_contract(kind):
    check_generator({"plain": Plain, "talks": Talks}[kind])


class Twice(Plain):
    def generate(self, samples):
        for sample in samples:
            yield self.one(sample)
            yield self.one(sample)


class Forgets(Plain):
    def generate(self, samples):
        return (self.one(sample) for sample in samples[1:])


class Raises(Plain):
    def one(self, sample):
        raise ValueError("oil ran out")


class Unseeded(Plain):
    def one(self, sample):
        return Picture(key=sample.key, pixels=np.random.default_rng().integers(0, 255, (8, 8, 3), dtype=np.uint8))


class Flat(Plain):
    def one(self, sample):
        return Picture(key=sample.key, pixels=np.zeros((8, 8), np.uint8))


class Silent(Plain):
    def one(self, sample):
        return Refusal(key=sample.key, reason=Reason.STATED)


class Breaks(Plain):
    def one(self, sample):
        return Failure(key=sample.key, fault=Fault.CRASH, message="no")


class Talks(Plain):
    """Speaks, and can be gone on with; the tests below break what that promises."""

    traits = Traits(seeded=True, converses=True)

    def open(self, sample):
        return Talk(sample)


class Talk:
    def __init__(self, sample):
        self.sample, self.said = sample, []

    def state(self):
        return {"said": list(self.said), "blob": b"\x00" * 9}

    def restore(self, state, picture):
        self.said = list(state["said"])
        assert state["blob"] == b"\x00" * 9

    def say(self, text, turn, expected):
        self.said.append(text)
        shade = sum(map(len, self.said)) % 250
        return Picture(key=self.sample.key, turn=turn, pixels=np.full((8, 8, 3), shade, np.uint8))

    def rewind(self):
        self.said = self.said[:-1]


class ForgetsItsState(Talks):
    def open(self, sample):
        talk = Talk(sample)
        talk.restore = lambda state, picture: None
        return talk


class KeepsThings(Talks):
    def open(self, sample):
        talk = Talk(sample)
        talk.state = lambda: {"said": object()}
        return talk


class Mute(Talks):
    def open(self, sample):
        talk = Talk(sample)
        talk.state = lambda: None
        return talk


class Boasts(Plain):
    traits = Traits(converses=True)


class Nameless(Plain):
    recipe = Recipe(name="somebody else")


class Restless(Plain):
    def __init__(self):
        self.recipe = Recipe(name="plain", revision=str(id(self)))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Twice, "two outcomes"),
        (Forgets, "got no outcome"),
        (Raises, "generate raised ValueError"),
        (Unseeded, "different pictures"),
        (Flat, "cannot be read as RGB"),
        (Silent, "must name its category"),
        (Breaks, "every sample failed"),
        (Boasts, "must have open"),
        (ForgetsItsState, "tells another state"),
        (KeepsThings, "must be plain JSON"),
        (Mute, "must tell one after every turn"),
        (Nameless, "bear the generator's name"),
        (Restless, "recipe must be the same"),
    ],
)
def test_a_broken_promise_is_named(kind, says):
    held = []

    def make():
        held.append(kind())  # kept alive, so that identities differ
        return held[-1]

    with pytest.raises(AssertionError, match=says):
        check_generator(make)
