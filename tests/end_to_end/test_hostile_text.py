"""Words of suites and models that give orders to terminals, CI services, spreadsheets and pages stay words everywhere."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from made_up import a_run, a_suite

from countcheck.cli.main import execute

ORDERS = "\n::error::stop\n##vso[task.complete]x\r=1+1\n##[group]\x1b[2J\x9b31m\u202eevil\u2066\x7f ::add-mask::a"
ACTIVE = re.compile(r"##(?=\w*\[)|^\s*::|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", re.MULTILINE)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run whose prompts, tags, generator and model words all give orders."""
    folder = tmp_path_factory.mktemp("hostile")
    suite = a_suite(8, 1, hostile=ORDERS)
    for prompt in suite.prompts:
        prompt.tags[f"tag{ORDERS}"] = f"::warning::value{ORDERS}"
    for name in ("a", "b"):
        generators = ((f"::error::bad{ORDERS}", 0.4 if name == "a" else 0.9, 0.4),)
        a_run(folder / name, suite=suite, generators=generators, words=ORDERS, size=32).close()
    (folder / "suite.csv").write_text(
        f'prompt,targets,style\n"three pigs{ORDERS}","pig: 3","noir{ORDERS}"\n', encoding="utf-8", newline=""
    )
    (folder / "policy.yaml").write_text("rules:\n- {rate: exact_rate, at_least: 0.99}\n")
    return folder


COMMANDS = {
    "summary": ("summary", "a", "--full"),
    "summary json": ("summary", "a", "--json"),
    "compare": ("compare", "a", "b"),
    "compare json": ("compare", "a", "b", "--json"),
    "gate": ("gate", "a", "--policy", "policy.yaml"),
    "gate json": ("gate", "a", "--policy", "policy.yaml", "--json"),
    "report json": ("report", "a", "--json"),
    "export jsonl": ("export", "a"),
    "export csv": ("export", "a", "-f", "csv"),
    "export geneval": ("export", "a", "-f", "geneval"),
    "suite show": ("suite", "show", "suite.csv"),
    "suite show json": ("suite", "show", "suite.csv", "--json"),
    "suite check": ("suite", "check", "suite.csv"),
    "suite read": ("suite", "read", f"three pigs{ORDERS}"),
    "suite read json": ("suite", "read", f"three pigs{ORDERS}", "--json"),
    "dry run": ("run", "suite.csv", "-g", "scenes", "--dry-run"),
    "runs list": ("runs", "list", "."),
    "unknown name": ("list", "generators", "--family", ORDERS),
    "unknown file": ("suite", "show", f"none{ORDERS}.yaml"),
}


@pytest.mark.parametrize("width", ["40", "120"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_prints_an_order(hostile, capsys, monkeypatch, name, width):
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("COLUMNS", width)
    assert execute(list(COMMANDS[name])) != 4
    out, err = capsys.readouterr()
    assert out + err
    assert ACTIVE.search(out) is None
    assert ACTIVE.search(err) is None


def test_json_carries_the_words_as_they_are(hostile, capsys, monkeypatch):
    monkeypatch.chdir(hostile)
    assert execute(["export", "a"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(row["words"].endswith(ORDERS) for row in rows)


def test_files_for_ci_hold_no_order(hostile, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(hostile)
    files = [tmp_path / name for name in ("j.xml", "m.md", "c.md", "r.md", "card.md")]
    assert execute(["gate", "a", "--policy", "policy.yaml", "--junit", str(files[0]), "--markdown", str(files[1])]) in (
        1,
        3,
    )
    assert execute(["compare", "a", "b", "--markdown", str(files[2])]) == 0
    assert execute(["report", "a", "-o", str(files[3])]) == 0
    assert execute(["report", "a", "-o", str(files[4]), "-f", "model-card"]) == 0
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), file.name


def test_a_spreadsheet_gets_whole_rows_and_no_formula(hostile, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(hostile)
    assert execute(["export", "a", "-f", "csv", "-o", str(tmp_path / "r.csv")]) == 0
    assert execute(["review", "a", "--export", str(tmp_path / "l.csv")]) == 0
    for name in ("r.csv", "l.csv"):
        text = (tmp_path / name).read_bytes().decode()
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len(rows) > 2 and len({len(row) for row in rows}) == 1
        assert "\r" not in text
        assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row)
