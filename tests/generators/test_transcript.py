"""Recorded chats: read, placed on the suite's turns, and judged like any provider's replies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loopback import BLACK, PNG, draw, told

from countcheck.cards import Card
from countcheck.dialogue.session import run_conversation
from countcheck.errors import BadInput, BadSettings
from countcheck.generators.outcome import Failure
from countcheck.generators.refusals.words import claims_success
from countcheck.generators.transcript import TranscriptGenerator
from countcheck.suites.samples import plan
from countcheck.suites.suite import Conversation, Prompt, Suite, Target, Turn

PIGS = (Target(noun="pig", count=3),)
TALK = Conversation(
    id="tale", turns=tuple(Turn(say=s, targets=PIGS) for s in ("Draw three little pigs.", "Now in film noir.", "Make it rain.")), repairs=1
)  # fmt: skip


def generator_for(folder, *entries, name="chat.jsonl"):
    (folder / "a.png").write_bytes(PNG)
    (folder / "black.png").write_bytes(BLACK)
    path = folder / name
    lines = "\n".join(json.dumps(entry) for entry in entries)
    path.write_text(lines if name.endswith("jsonl") else json.dumps(list(entries)), encoding="utf-8")
    return TranscriptGenerator(Card(name=f"transcript:{path}", family="transcript", source=str(path)))


def turn(said, **more):
    return {"conversation": "tale", "said": said, **more}


def spoken(generator):
    class Seen:
        verdict = None
        counted = {}  # noqa: RUF012

    sample = next(iter(plan(Suite(name="s", conversations=(TALK,)), generator.recipe)))
    return list(run_conversation(sample, generator, lambda picture, expected: Seen()))


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.json"])
def test_turns_and_repairs_find_their_place(tmp_path, name):
    said = [
        "draw three little pigs",
        "There are two. I want three!",
        "no, three",
        "Now in Film Noir",
        "but three pigs please",
        "Make it rain.",
    ]
    turns = spoken(generator_for(tmp_path, *(turn(s, picture="a.png") for s in said), name=name))
    assert [(t.step.script, t.step.repair) for t in turns] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]
    assert [t.step.text for t in turns] == said
    assert turns[-1].closes


def test_script_says_outright_where_a_turn_belongs(tmp_path):
    turns = spoken(generator_for(tmp_path, turn("piggies", script=0), turn("darker", script=1), turn("wet", script=2)))
    assert [(t.step.script, t.step.repair) for t in turns] == [(0, 0), (1, 0), (2, 0)]


def test_what_came_back_is_read_like_any_reply(tmp_path):
    turns = spoken(
        generator_for(
            tmp_path,
            turn("Draw three little pigs.", words="Sure! Here they are.", picture="a.png"),
            turn("three!", words="I can't generate images of that."),
            turn("three, please", words="Sure, here are three pigs."),
            turn("Now in film noir.", picture="black.png"),
            turn("hello?"),
            turn("again", picture="gone.png"),
            turn("and again", error={"error": {"code": "rate_limit_exceeded", "message": "Slow down."}}),
        )
    )
    seen = [told(t.outcome) for t in turns]
    assert [one["ended"] for one in seen] == [
        "picture",
        "refusal",
        "refusal",
        "refusal",
        "refusal",
        "failure",
        "failure",
    ]
    assert [one.get("reason") or one.get("fault") for one in seen[1:]] == [
        "unexplained",
        "deflected",
        "silent",
        "silent",
        "damaged",
        "transient",
    ]
    claims = [claims_success(t.outcome.words) for t in turns if not isinstance(t.outcome, Failure)]
    assert claims == [True, False, True, False, False]
    assert [one["turn"] for one in seen] == list(range(7))


def test_prompts_are_found_by_id_and_a_missing_one_is_a_failure(tmp_path):
    generator = generator_for(tmp_path, {"prompt": "p0", "picture": "a.png", "words": "ok", "cost": 0.04})
    first, second = (told(outcome) for outcome in draw(generator, 2))
    assert (first["ended"], first["cost"], second["fault"], second["message"]) == (
        "picture",
        0.04,
        "unknown",
        "p1 was not recorded.",
    )


def test_it_knows_what_it_covers(tmp_path):
    generator = generator_for(tmp_path, {"prompt": "p0", "picture": "a.png"})
    from countcheck.suites.suite import Prompt

    suite = Suite(name="s", prompts=(Prompt(id="p0", text="x"), Prompt(id="p1", text="y")))
    assert [generator.covers(sample) for sample in plan(suite, generator.recipe, repeats=2)] == [
        True,
        False,
        False,
        False,
    ]


def test_a_changed_picture_is_another_recipe(tmp_path):
    before = generator_for(tmp_path, {"prompt": "p0", "picture": "a.png"}).recipe
    (tmp_path / "a.png").write_bytes(BLACK)
    path = tmp_path / "chat.jsonl"
    after = TranscriptGenerator(Card(name=f"transcript:{path}", family="transcript", source=str(path))).recipe
    assert before.revision != after.revision


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"conversation": "tale"}', "needs said, or script"),
        ('{"said": "x"}', "name either a conversation or a prompt"),
        ('{"prompt": "p", "pictures": "x.png"}', "no field 'pictures'. Did you mean 'picture'"),
        ("{", "not JSON"),
        ("", "holds no entry"),
        ('{"prompt": "p", "picture": "../../etc/passwd"}', "lies outside"),
    ],
)
def test_a_bad_file_says_where(tmp_path, text, says):
    path = tmp_path / "chat.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match=says):
        TranscriptGenerator(Card(name="t", family="transcript", source=str(path)))


def test_a_chat_that_starts_elsewhere_says_so(tmp_path):
    with pytest.raises(BadInput, match="not like its first turn"):
        spoken(generator_for(tmp_path, turn("What is the weather?")))


def test_without_a_file():
    with pytest.raises(BadSettings, match="no file is named"):
        TranscriptGenerator(Card(name="transcript", family="transcript"))


def test_limits_and_faults_told_in_words_are_failures(tmp_path):
    """A service's limit that its assistant words is no refusal of the prompt."""
    entries = json.loads((Path(__file__).parent / "answers" / "limits_in_words.json").read_text(encoding="utf-8"))
    generator = generator_for(tmp_path, *entries)
    prompts = tuple(Prompt(id=entry["prompt"], text=entry["said"]) for entry in entries)
    outcomes = list(generator.generate(list(plan(Suite(name="s", prompts=prompts), generator.recipe))))
    assert [type(outcome).__name__ for outcome in outcomes] == ["Failure"] * len(entries)
    assert [outcome.retry_after for outcome in outcomes] == [None, None, 720.0]
