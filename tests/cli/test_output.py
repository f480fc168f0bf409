"""Results as tables and JSON, printed or written whole."""

import json

import pytest
from rich.table import Table

from countcheck.cli.output import json_text, show_result
from countcheck.errors import BadInput


def table():
    grid = Table()
    grid.add_column("pigs [red]")
    grid.add_row("three :pig:")
    return grid


def test_a_table_is_printed_with_its_text_as_it_is(capsys):
    show_result(dict, table, as_json=False)
    assert "three :pig:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "as_json", "is_json"), [("a.json", False, True), ("a.txt", True, True), ("a.txt", False, False)]
)
def test_a_file_gets_json_when_asked_for_or_by_its_name(tmp_path, capsys, name, as_json, is_json):
    show_result(lambda: {"pigs": 3}, table, as_json=as_json, output=tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert capsys.readouterr().out == ""
    assert (json.loads(text) == {"pigs": 3}) if is_json else "three :pig:" in text


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(BadInput):
        show_result(dict, table, as_json=False, output=tmp_path / "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize("text", ["##vso[x]", "\x9b31m", "\u202egip", "half \ud83d", "\x7f"])
def test_json_holds_the_text_and_nothing_active(text):
    document = json_text({"text": text, text: 1})
    assert not any(mark in document for mark in ("##vso[", "\x9b", "\u202e", "\x7f"))
    assert text.replace("\ud83d", "\ufffd") == json.loads(document)["text"]
