"""A chat of thirteen turns that somebody held by hand: refusals without a reason, wrong counts, a boast over nothing."""

from __future__ import annotations

import json

import pytest
from test_served import COUNTER, Album, countcheck

from countcheck.suites.merge import load_suites

SURE = "Sure! Here are your three pigs."
NO = "I'm sorry, but I can't generate images of that."

# Said, pigs and wolves drawn (None: no picture), words beside it; what it must be found to be.
CHAT = [
    ("Draw exactly three pigs, not two, not four.", (3, 0), "", "exact"),
    ("The same three pigs, film noir.", (4, 0), "", "over"),
    ("There are four. There should be three.", None, NO, "refused"),
    ("Three pigs: not two, not four, three.", (2, 0), "", "under"),
    ("Please. Three pigs.", (3, 0), SURE, "exact"),
    ("Add one wolf, so that there are three pigs and one wolf.", (0, 1), "Sure! Three pigs and a wolf.", "missing"),
    ("There is no pig in it at all.", (3, 1), "", "exact"),
    ("The same three pigs and one wolf, film noir, in the rain.", None, NO, "refused"),
    ("It is only rain.", (4, 1), "I've added the rain.", "over"),
    ("Three pigs, not four.", (2, 1), "", "under"),
    ("No, three!", None, "Should the pigs wear hats?", "refused"),
    ("No hats. Three pigs.", (3, 1), "", "exact"),
    ("Once more, please, the same picture.", (3, 1), "", "exact"),
]


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    album = Album(load_suites(["three-little-pigs"]))
    lines = []
    for place, (said, drawn, words, _) in enumerate(CHAT):
        entry = {"conversation": "the-tale-with-numbers-said-again", "said": said, "words": words}
        if drawn is not None:
            entry["picture"] = f"{place:02}.png"
            (folder / entry["picture"]).write_bytes(album.png(*drawn))
        lines.append(json.dumps(entry))
    (folder / "chat.jsonl").write_text("\n".join(lines))
    run = folder / "run"
    done = countcheck(
        "run", "three-little-pigs", "-g", f"transcript:{folder}/chat.jsonl", "-d", COUNTER, "-o", str(run), "--json"
    )
    told = countcheck("export", str(run), "--format", "jsonl")
    return done, told


def test_every_turn_is_found_to_be_what_it_is(scored):
    done, told = scored
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["verdict"] for row in rows] == [verdict for *_, verdict in CHAT]
    assert [row["refusal"] for row in rows if row["refusal"]] == ["unexplained", "unexplained", "deflected"]
    assert [row["text"] for row in rows] == [said for said, *_ in CHAT]
    assert rows[5]["counted"]["pig"] == 0


def test_the_rates_are_the_ones_worked_out_by_hand(scored):
    done, _ = scored
    (summary,) = json.loads(done.stdout)["generators"].values()
    found = {name: estimate["value"] for name, estimate in summary["rates"].items()}
    # Wrong pictures: turns 1, 3, 5, 8, 9; announced as done: 5 and 8.
    assert found["false_claim_rate"] == pytest.approx(2 / 5)
    # After a refused turn: 3 drawn, 8 drawn, 11 drawn.
    assert found["sticky_refusal_rate"] == 0.0
    # Told of a wrong picture in the turns 1 and 5, and both were fixed in the end.
    assert found["repaired_rate"] == 1.0


def test_a_refusal_that_sticks_is_found_to(tmp_path):
    album = Album(load_suites(["three-little-pigs"]))
    (tmp_path / "a.png").write_bytes(album.png(3, 0))
    turns = [
        ("Draw three little pigs.", "a.png", ""),
        ("Now the same picture in film noir. Keep three pigs.", "", NO),
        ("One wolf joins them.", "", NO),
        ("Make it rain.", "", NO),
    ]
    entries = [
        {"conversation": "the-tale", "said": said, "picture": picture, "words": words} for said, picture, words in turns
    ]
    (tmp_path / "chat.json").write_text(json.dumps(entries))
    done = countcheck(
        "run",
        "three-little-pigs",
        "-g",
        f"transcript:{tmp_path}/chat.json",
        "-d",
        COUNTER,
        "-o",
        str(tmp_path / "run"),
        "--json",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (summary,) = json.loads(done.stdout)["generators"].values()
    assert summary["rates"]["sticky_refusal_rate"]["value"] == 1.0
    assert summary["rates"]["kept_rate"]["value"] == 0.0
