import json
from pathlib import Path

import jsonschema
import pytest
import tiny_pipelines

import countcheck
from countcheck.cli.main import execute

SCHEMAS = Path(countcheck.__file__).parent / "schemas"


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = execute(list(arguments))
    out = capsys.readouterr()
    return code, out.out, out.err


def valid(name: str, text: str) -> dict:
    body = json.loads(text)
    jsonschema.validate(body, json.loads((SCHEMAS / f"{name}.json").read_text()))
    return body


def test_read(capsys):
    code, out, _ = run(capsys, "suite", "read", "two red apples and a dozen eggs on a table, 3 cups, a 4", "--json")
    body = valid("suite-read", out)
    assert code == 0
    assert [(t["noun"], t["count"], t["phrase"], t["words"]) for t in body["targets"]] == [
        ("apple", 2, "red apple", "two red apples"),
        ("egg", 12, "egg", "a dozen eggs"),
        ("cup", 3, "cup", "3 cups"),
    ]


def test_read_with_options(capsys):
    _, out, _ = run(capsys, "suite", "read", "a dog and several cats", "--article", "one", "--approximate")
    assert "exactly 1 dog" in out
    assert "at least 3 cat" in out


def test_show(capsys):
    code, out, _ = run(capsys, "suite", "show", "three-little-pigs", "--json")
    body = valid("suite-show", out)
    assert code == 0
    assert body["conversations"][0]["turns"][2]["targets"][1]["noun"] == "wolf"
    assert "the-tale" in run(capsys, "suite", "show", "three-little-pigs")[1]


def test_check_states_the_numbers(capsys):
    code, out, _ = run(capsys, "suite", "check", "demo", "three-little-pigs", "--json")
    body = valid("suite-check", out)
    assert code == 0
    assert [(s["name"], s["prompts"], s["conversations"]) for s in body["suites"]] == [
        ("demo", 48, 0),
        ("three-little-pigs", 63, 4),
    ]
    assert "48 prompts" in run(capsys, "suite", "check", "demo")[1]


def test_check_names_what_is_wrong(capsys, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("prompts:\n  - text: a\n    targets: {pig: -3}\n")
    code, out, err = run(capsys, "suite", "check", str(bad))
    assert (code, out) == (2, "")
    assert f"{bad}:3: prompts.0.targets.pig: pig is -3" in err


def test_import_states_and_writes(capsys, tmp_path):
    source, out = tmp_path / "p.txt", tmp_path / "s.yaml"
    source.write_text("three pigs\nthree pigs\n2 cats and 3 dog\n")
    code, printed, _ = run(capsys, "suite", "import", "text", str(source), "-o", str(out), "--json")
    body = valid("suite-import", printed)
    assert (code, body["prompts"], body["targets"]) == (0, 2, 2)
    assert [one["line"] for one in body["skipped"]] == [2]
    assert [one["line"] for one in body["remarks"]] == [3]
    assert run(capsys, "suite", "check", str(out))[0] == 0


def test_import_writes_over_nothing_and_nothing_half(capsys, tmp_path):
    source, out = tmp_path / "p.txt", tmp_path / "s.yaml"
    source.write_text("three pigs\n")
    out.write_text("mine")
    assert run(capsys, "suite", "import", "text", str(source), "-o", str(out))[0] == 2
    assert out.read_text() == "mine"
    assert run(capsys, "suite", "import", "geneval", str(source), "-o", str(tmp_path / "t.yaml"))[0] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.txt", "s.yaml"]


@pytest.mark.parametrize("text", ["\x1b[2J three pigs", "three \u202epigs"])
def test_text_cannot_command_the_terminal(capsys, text):
    out = run(capsys, "suite", "read", text)[1]
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_check_names_the_nouns_a_counter_lacks_and_the_counters_that_know_them(capsys, monkeypatch):
    import countcheck.counting.counter

    class OnlyPigs:
        def unsupported(self, nouns):
            return sorted({noun.name for noun in nouns} - {"pig"})

    monkeypatch.setattr(countcheck.counting.counter, "load_counter", lambda spec: OnlyPigs())
    code, _, err = run(capsys, "suite", "check", "three-little-pigs", "-d", "tiny")
    assert code == 2
    assert "the counter tiny does not know 'wolf'" in err
    assert "grounding-dino" in err


def test_what_looks_like_an_emoji_stays_text(capsys, tmp_path):
    (tmp_path / "p.txt").write_text("three pigs :x:\n")
    assert "three pigs :x:" in run(capsys, "suite", "show", str(tmp_path / "p.txt"))[1]


def test_a_run_says_what_it_leaves_out(capsys, tmp_path):
    (tmp_path / "p.csv").write_text("prompt,targets\nthree pigs,pig: 3\ntwo cows,cow: lots\n")
    code, _, err = run(capsys, "run", str(tmp_path / "p.csv"), "-g", "scenes", "--dry-run")
    assert (code, err) == (0, "p: 1 line left out; `countcheck suite show` lists them\n")


def test_foreign_tags_and_names_are_neither_colours_nor_charts(capsys, tmp_path):
    (tmp_path / "p.csv").write_text(
        "prompt,targets,style,number\nthree pigs [/b],pig: 3,[/red]noir,few\ntwo pigs,pig: 2,plain,many\n"
    )
    made = tmp_path / "made"
    assert run(capsys, "run", str(tmp_path / "p.csv"), "-g", "scenes?error_rate=0.9", "-o", str(made))[0] == 0
    assert "[/red]noir" in run(capsys, "summary", str(made), "--by", "style")[1]
    assert run(capsys, "compare", str(made), str(made))[0] == 0
    assert run(capsys, "report", str(made))[0] == 0
    assert "few" in (made / "report.html").read_text()


def test_a_run_says_that_its_budget_is_spent(capsys, tmp_path):
    code, _, err = run(capsys, "run", "demo", "-g", "scenes", "--budget", "0", "-o", str(tmp_path / "r"))
    assert code == 0
    assert "the budget of 0 USD is spent: no more pictures are made" in err


def test_what_was_not_understood_is_said_by_check_run_and_report_after_an_import_too(capsys, tmp_path):
    (tmp_path / "p.txt").write_text("three pigs\n2 cats and 3 dog\n")
    suite, made = tmp_path / "s.yaml", tmp_path / "made"
    assert run(capsys, "suite", "import", "text", str(tmp_path / "p.txt"), "-o", str(suite))[0] == 0
    assert "1 line not wholly understood" in " ".join(run(capsys, "suite", "check", str(suite))[1].split())
    body = valid("suite-show", run(capsys, "suite", "show", str(suite), "--json")[1])
    assert [remark["why"] for remark in body["remarks"]] == ["not understood: '3 dog'"]
    assert "not wholly understood" in run(capsys, "run", str(suite), "-g", "scenes", "-o", str(made))[2]
    assert run(capsys, "report", str(made))[0] == 0
    assert "1 prompt not wholly understood" in (made / "report.html").read_text()


@pytest.fixture(scope="module")
def clip_pipeline(tmp_path_factory):
    """A Stable Diffusion of which only the index and the tokenizer are there."""
    folder = tiny_pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))
    for weights in folder.rglob("*.safetensors"):
        weights.unlink()
    return folder


def test_check_lists_the_prompts_that_a_generator_does_not_read_to_their_end(capsys, tmp_path, clip_pipeline):
    suite = tmp_path / "farm.yaml"
    meadow = "a wide quiet meadow with low morning fog " * 3
    suite.write_text(
        f"name: farm\nprompts:\n  - id: short\n    text: three pigs\n  - id: long\n    text: {meadow}and three pigs\n"
        f"conversations:\n  - id: talk\n    turns:\n      - say: two pigs\n      - say: {meadow}and a wolf\n"
    )
    spec = f"diffusers:{clip_pipeline}"
    code, out, _ = run(capsys, "suite", "check", str(suite), "-g", spec, "--json")
    cut = valid("suite-check", out)["truncated"]
    assert code == 0
    assert [(row["id"], row["turn"], row["limit"]) for row in cut] == [("long", None, 77), ("talk", 2, 77)]
    assert cut[0]["unseen"].endswith("and three pigs") and cut[0]["generator"] == spec
    code, out, _ = run(capsys, "suite", "check", str(suite), "-g", spec)
    assert code == 0
    assert "2 prompts longer than the 77 tokens that it reads" in out
    assert "farm, long: " in out and "farm, talk [2]: " in out


def test_check_says_where_nothing_is_cut_and_where_a_generator_cannot_tell(capsys, clip_pipeline):
    _, out, _ = run(capsys, "suite", "check", "demo", "-g", f"diffusers:{clip_pipeline}")
    assert "no prompt is longer" in out
    code, out, err = run(capsys, "suite", "check", "demo", "-g", "scenes")
    assert code == 0 and "no prompt is longer" not in out
    assert "scenes does not say how much of a prompt its model reads" in err
    code, out, _ = run(capsys, "suite", "check", "demo", "-g", "scenes", "--json")
    assert valid("suite-check", out)["truncated"] == []
    code, _, err = run(capsys, "suite", "check", "demo", "-g", "sd-1.55")
    assert code == 2 and "Did you mean" in err
