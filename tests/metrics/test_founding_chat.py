"""The chat this project began with: thirteen messages, three refusals, and rates worked out by hand.

Once from rows, once as a transcript, once live. Asked from the third message on: three pigs and one wolf.
"""

import json

import pytest
from verdict_rows import run_info, turn

from countcheck.cards import Card
from countcheck.counting.counter import load_counter
from countcheck.engine.config import RunConfig
from countcheck.engine.run import run
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture, Reason, Refusal
from countcheck.images.decode import encode_png
from countcheck.metrics.summary import summarize
from countcheck.scenes import compose, render
from countcheck.suites.samples import Recipe
from countcheck.suites.suite import Conversation, Noun, Suite, Target, Turn

PIGS = (Target(noun="pig", count=3),)
BOTH = (*PIGS, Target(noun="wolf", count=1))
SCRIPT = (
    ("Draw three little pigs in a detective novel.", PIGS),
    ("More noir, please.", PIGS),
    ("Add the big bad wolf.", BOTH),
    ("The wolf belongs into the same picture as the three pigs.", BOTH),
    ("The same, as if it were a crime novel.", BOTH),
    ("Another version, with rain coming down.", BOTH),
    ("Let us begin anew: the three pigs and the wolf, noir, rain.", BOTH),
    ("Once more from the beginning, please: three pigs, one wolf.", BOTH),
)
HERE = "Here is the picture of the three little pigs."
SURE = "Sure, here is a picture of the three little pigs and the big bad wolf."
HOPES = "I hope that this comes closer to what you have in mind."
NO = "I can't generate images of that. Try asking for something else."
SORRY = "I'm sorry. I am still learning. Perhaps it is a policy, or a limit, or the request is too vague."

# Scripted turn, repair, pigs and wolves drawn (None: no picture), words.
CHAT = (
    (0, 0, (3, 0), HERE),
    (1, 0, (3, 0), HERE),
    (2, 0, (3, 1), SURE),
    (3, 0, (4, 1), HOPES),
    (4, 0, (3, 1), "I've made the changes."),
    (5, 0, (2, 1), HERE),
    (5, 1, None, NO),
    (5, 2, None, SORRY),
    (6, 0, (0, 1), SURE),
    (6, 1, None, NO),
    (7, 0, (2, 1), HERE),
    (7, 1, (4, 1), "I'm sorry! Here are the three little pigs."),
    (7, 2, (3, 1), "I apologise. Here is the corrected version."),
)
RIGHT = {
    "turn_refusal_rate": (3, 13),
    "scripted_refusal_rate": (0, 8),
    "repair_refusal_rate": (3, 5),
    "repair_exact_rate": (1, 5),
    "turn_unclear_refusal_rate": (3, 13),
    "refusal_rate": (3, 13),
    "unclear_refusal_rate": (3, 13),
    "false_claim_rate": (4, 5),
    "sticky_refusal_rate": (1, 3),
    "repaired_rate": (1, 3),
    "repaired_rate_1": (0, 3),
    "repaired_rate_2": (1, 3),
    "turn_exact_rate": (4, 8),
    "kept_rate": (2, 4),
    "conversation_exact_rate": (0, 1),
}


def verdict(script, drawn):
    if drawn is None:
        return "n"
    pigs, _ = drawn
    return "e" if pigs == 3 else "m" if pigs == 0 else "o" if pigs > 3 else "u"


def assert_rates(summary, right):
    rates = summary.rates
    assert {name: (round(rates[name].value * rates[name].n), rates[name].n) for name in right} == right


@pytest.fixture(scope="module")
def counter():
    return load_counter("tiny")


@pytest.fixture(scope="module")
def pixels(counter):
    """Pictures of so many pigs and wolves that the counter gets right."""
    nouns = (Noun(name="pig"), Noun(name="wolf"))

    def find(pigs, wolves):
        counts = {noun: n for noun, n in (("pig", pigs), ("wolf", wolves)) if n}
        for seed in range(200):
            found = render(compose(counts, seed=seed), 96)
            (detections,) = counter.detect([found], nouns, [None])
            counted = counter.count(detections, nouns, None)
            if not counted.uncertain and counted.counts == {"pig": pigs, "wolf": wolves}:
                return found
        raise AssertionError(f"no picture of {pigs} pigs and {wolves} wolves that is counted right")

    return {drawn: find(*drawn) for drawn in {drawn for _, _, drawn, _ in CHAT if drawn}}


def suite(repairs):
    turns = tuple(Turn(say=say, targets=targets) for say, targets in SCRIPT)
    nouns = {name: Noun(name=name) for name in ("pig", "wolf")}
    return Suite(name="founding", conversations=(Conversation(id="chat", turns=turns, repairs=repairs),), nouns=nouns)


def test_from_rows():
    given = [
        turn(
            verdict(script, drawn),
            script,
            repair,
            turn=i,
            targets=SCRIPT[script][1],
            counted=dict(zip(("pig", "wolf"), drawn or (), strict=False)),
            claims=words in (HERE, SURE) or "Here" in words or "made" in words,
        )
        for i, (script, repair, drawn, words) in enumerate(CHAT)
    ]
    summary = summarize(given, run_info()).generators["g"]
    assert_rates(summary, RIGHT)
    assert (summary.conversations["asked"], summary.conversations["pictures"]) == (13, 10)
    assert summary.reasons == {"unexplained": 3}


def test_as_a_transcript(tmp_path, counter, pixels):
    lines = []
    for i, (script, repair, drawn, words) in enumerate(CHAT):
        said = SCRIPT[script][0] if repair == 0 else f"No. There should be three little pigs. ({i})"
        entry = {"conversation": "chat", "said": said, "script": script, "words": words}
        if drawn:
            entry["picture"] = f"{i}.png"
            (tmp_path / entry["picture"]).write_bytes(encode_png(pixels[drawn]))
        lines.append(json.dumps(entry))
    (tmp_path / "chat.jsonl").write_text("\n".join(lines))
    card = Card(name="chat", family="transcript", source=str(tmp_path / "chat.jsonl"))
    with run(RunConfig(suite=suite(2), generators=[card], path=tmp_path / "run"), counter) as done:
        summary = summarize(done.rows(), done.info).generators["chat"]
    assert_rates(summary, RIGHT)
    assert summary.reasons == {"deflected": 1, "unexplained": 2}
    assert summary.matrix == {} and "exact_rate" not in summary.rates


# Live, a repair that is refused is followed by the next turn, and every wrong picture is complained about.
LIVE = (
    *CHAT[:4],
    (3, 1, (3, 1), HERE),
    *CHAT[4:7],
    *CHAT[8:],
)
RIGHT_LIVE = {
    "turn_refusal_rate": (2, 13),
    "scripted_refusal_rate": (0, 8),
    "repair_refusal_rate": (2, 5),
    "repair_exact_rate": (2, 5),
    "turn_unclear_refusal_rate": (2, 13),
    "unclear_refusal_rate": (2, 13),
    "false_claim_rate": (4, 5),
    "sticky_refusal_rate": (0, 2),
    # Four turns were repaired, and two of these repairs were refused: never 100 %.
    "repaired_rate": (2, 4),
    "repaired_rate_1": (1, 4),
    "repaired_rate_2": (2, 4),
    "turn_exact_rate": (4, 8),
    "kept_rate": (3, 5),
}


class Speaker:
    """A model that answers as in the chat, whatever it is told."""

    name = "speaker"
    traits = Traits(converses=True)
    recipe = Recipe(name="speaker")

    def __init__(self, pixels):
        self.pixels = pixels
        self.asked = []

    def generate(self, samples):
        raise AssertionError("only conversations are asked")

    def open(self, sample):
        self.key = sample.key
        return self

    def say(self, text, turn, expected):
        _, _, drawn, words = LIVE[len(self.asked)]
        self.asked.append(text)
        if drawn is None:
            return Refusal(key=self.key, turn=turn, reason=Reason.UNEXPLAINED, words=words)
        return Picture(key=self.key, turn=turn, pixels=self.pixels[drawn], words=words)

    def rewind(self):
        raise AssertionError("nothing is rewound")


def test_live(tmp_path, counter, pixels):
    speaker = Speaker(pixels)
    config = RunConfig(suite=suite(2), generators=[Card(name="speaker", family="scenes")], path=tmp_path / "run")
    with run(config, counter, load=lambda card: speaker) as done:
        rows = done.rows()
        summary = summarize(rows, done.info).generators["speaker"]
    assert [(row.script, row.repair) for row in rows] == [(script, repair) for script, repair, _, _ in LIVE]
    assert_rates(summary, RIGHT_LIVE)
