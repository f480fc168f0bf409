"""Scoring pictures that somebody else made, from the command line: squares, counted by a counter that sees them."""

import json
import os
from pathlib import Path

import pytest
import squares
from PIL import Image

import countcheck.counting.counter
from countcheck.cli.main import execute
from countcheck.storage.run_folder import RunFolder


@pytest.fixture(autouse=True)
def counting_squares(monkeypatch):
    monkeypatch.setattr(countcheck.counting.counter, "load_counter", lambda spec: squares.counter())


def draw(path: Path, n: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(squares.squares(n, 1)).save(path)


def tree(folder: Path) -> Path:
    for k, asked in enumerate((3, 2)):
        body = {"tag": "counting", "include": [{"class": "square", "count": asked}], "prompt": f"{asked} squares"}
        body["exclude"] = [{"class": "square", "count": asked + 1}]
        draw(folder / f"{k:05d}" / "samples" / "0000.png", asked)
        draw(folder / f"{k:05d}" / "samples" / "0001.png", asked + 1)
        (folder / f"{k:05d}" / "metadata.jsonl").write_text(json.dumps(body))
    (folder / "00001" / "samples" / "0001.png").unlink()
    return folder


def test_genevals_tree_needs_no_suite_and_missing_pictures_are_said(tmp_path, capsys):
    assert execute(["score", str(tree(tmp_path / "gen")), "-d", "tiny", "-o", str(tmp_path / "run"), "--json"]) == 0
    out = capsys.readouterr()
    counts = json.loads(out.out)["generators"]["gen"]["counts"]
    assert (counts["planned"], counts["pictures"], counts["missing"]) == (4, 3, 1)
    assert "3 of 4 pictures are there (geneval); missing: 1" in out.err
    with RunFolder.open(tmp_path / "run") as run:
        assert [str(row.verdict) for row in run.rows() if row.outcome == "picture"] == ["exact", "exact", "over"]


def test_the_same_run_under_genevals_rule_and_its_results_file(tmp_path, capsys):
    execute(["score", str(tree(tmp_path / "gen")), "-d", "tiny", "-o", str(tmp_path / "run")])
    assert execute(["recount", str(tmp_path / "run"), "--rule", "geneval", "--json"]) == 0
    capsys.readouterr()
    assert execute(["export", str(tmp_path / "run"), "-f", "geneval", "--counting", "squares-geneval"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(line) for line in lines] == [
        {"filename", "tag", "prompt", "correct", "reason", "metadata", "details"}
    ] * 3
    with RunFolder.open(tmp_path / "run", counting="squares-geneval") as run:
        exact = [str(row.verdict) == "exact" for row in run.rows() if row.outcome == "picture"]
    assert [line["correct"] for line in lines] == exact


def test_a_flat_folder_against_a_suite_lists_what_nobody_asked_for(tmp_path, capsys):
    suite = tmp_path / "s.yaml"
    suite.write_text("prompts:\n  - {id: a, text: three squares, targets: {square: 3}}\n")
    draw(tmp_path / "pics" / "a.png", 3)
    draw(tmp_path / "pics" / "stray.png", 3)
    arguments = [
        "score",
        str(tmp_path / "pics"),
        "-d",
        "tiny",
        "--suite",
        str(suite),
        "-o",
        str(tmp_path / "run"),
        "--json",
    ]
    assert execute(arguments) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["generators"]["pics"]["rates"]["exact_rate"]["value"] == 1.0
    assert "pictures that answer no prompt of " in out.err
    assert "stray.png" in out.err


def test_what_every_picture_shows(tmp_path, capsys):
    draw(tmp_path / "pics" / "a.png", 3)
    draw(tmp_path / "pics" / "b.png", 4)
    arguments = [
        "score",
        str(tmp_path / "pics"),
        "--of",
        "square=3",
        "-d",
        "tiny",
        "-o",
        str(tmp_path / "run"),
        "--json",
    ]
    assert execute(arguments) == 0
    assert json.loads(capsys.readouterr().out)["generators"]["pics"]["rates"]["exact_rate"]["value"] == 0.5


def test_a_manifest_of_two_models_makes_two_generators(tmp_path, capsys):
    rows = ["picture,prompt,model"]
    for model, n in (("one", 3), ("two", 4)):
        draw(tmp_path / "pics" / f"{model}.png", n)
        rows.append(f"{model}.png,three squares,{model}")
    (tmp_path / "pics" / "manifest.csv").write_text("\n".join(rows))
    assert execute(["score", str(tmp_path / "pics"), "-d", "tiny", "-o", str(tmp_path / "run"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["generators"]
    assert {name: body["rates"]["exact_rate"]["value"] for name, body in found.items()} == {"one": 1.0, "two": 0.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pics"], "Name it with --suite"),
        (["pics", "--suite", "demo"], "none of its 1 pictures answers a prompt of demo"),
        (["nowhere"], "no such folder"),
        (["pics", "--layout", "heap"], "no layout 'heap'"),
        (["pics", "--of", "square"], "is not NOUN=NUMBER"),
    ],
)
def test_what_cannot_be_scored_is_said_in_a_sentence(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "pics" / "x.png", 1)
    assert execute(["score", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_rule_that_does_not_exist_judges_nothing(tmp_path, capsys):
    execute(["score", str(tree(tmp_path / "gen")), "-d", "tiny", "-o", str(tmp_path / "run")])
    assert execute(["recount", str(tmp_path / "run"), "--rule", "genevl"]) == 2
    assert "'genevl' is not one of" in capsys.readouterr().err
    with RunFolder.open(tmp_path / "run") as run:
        assert run.info.counter.rule["name"] == "countcheck"


def test_a_folder_and_pictures_whose_names_are_not_utf8_are_scored_and_read_back(tmp_path, capsys):
    folder = tmp_path / os.fsdecode(b"f\xf6lder")
    draw(folder / os.fsdecode(b"caf\xe9.png"), 3)
    draw(folder / "plain.png", 2)
    run = tmp_path / os.fsdecode(b"r\xfcn")
    assert execute(["score", str(folder), "--of", "square=3", "-d", "tiny", "-o", str(run)]) == 0
    capsys.readouterr()
    assert execute(["summary", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["generators"]["f\\xf6lder"]["counts"]["pictures"] == 2
    assert execute(["score", str(folder), "--of", "square=3", "-d", "tiny", "-o", str(run)]) == 0


def test_what_numbers_in_names_are_taken_for_is_said(tmp_path, capsys):
    for k in (0, 1):
        draw(tmp_path / "gen" / f"{k:05d}" / "samples" / f"{1234567890 + k}.png", 3)
        body = {"tag": "counting", "include": [{"class": "square", "count": 3}], "prompt": f"3 squares, {k}"}
        (tmp_path / "gen" / f"{k:05d}" / "metadata.jsonl").write_text(json.dumps(body))
    assert execute(["score", str(tmp_path / "gen"), "-d", "tiny", "-o", str(tmp_path / "run")]) == 0
    err = capsys.readouterr().err
    assert "2 of 2 pictures are there" in err
    assert "numbers up to 1234567891 are not repeats" in err
