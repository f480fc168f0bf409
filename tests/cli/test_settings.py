"""Defaults from a configuration file, variables and ``.env``."""

import os

import pytest
from typer.main import get_command

from countcheck.cli.main import app, execute
from countcheck.cli.settings import defaults_of, load_env_file, read_env_file
from countcheck.errors import BadSettings, UnknownName


@pytest.fixture
def folder(tmp_path, monkeypatch):
    execute(["--version"])  # registers the commands
    monkeypatch.chdir(tmp_path)
    return tmp_path


def defaults(folder, text, name="countcheck.toml"):
    (folder / name).write_text(text, encoding="utf-8")
    return defaults_of(get_command(app), folder)


def test_a_table_sets_one_command_and_the_top_level_every_command_with_the_option(folder):
    found = defaults(
        folder, 'counter = "owlv2"\n[run]\nrepeats = 4\ngenerator = ["tiny"]\n[suite.check]\ncounter = "tiny"\n'
    )
    assert found["run"] == {"counter": "owlv2", "repeats": 4, "generators": ["tiny"]}
    assert found["score"] == {"counter": "owlv2"}
    assert found["suite"]["check"]["counter"] == "owlv2" or found["suite"]["check"]["counter"] == "tiny"


def test_a_commands_own_table_goes_before_the_top_level(folder):
    assert defaults(folder, '[run]\ncounter = "tiny"\n')["run"] == {"counter": "tiny"}
    text = 'counter = "owlv2"\n[suite.check]\ncounter = "tiny"\n'
    assert defaults(folder, text)["suite"]["check"] == {"counter": "tiny"}


def test_pyproject_and_folders_above_are_read(folder):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[tool.countcheck.run]\nrepeats = 3\n")
    assert defaults_of(get_command(app), folder / "a" / "b") == {"run": {"repeats": 3}}
    (folder / "a" / "countcheck.toml").write_text("[run]\nrepeats = 5\n")
    assert defaults_of(get_command(app), folder / "a" / "b") == {"run": {"repeats": 5}}


def test_a_flag_goes_before_a_variable_and_a_variable_before_the_file(folder, capsys, monkeypatch):
    (folder / "countcheck.toml").write_text('[run]\ngenerator = ["scenes"]\nlimit = 1\n')

    def samples(*flags):
        assert execute(["run", "demo", "--dry-run", "--json", *flags]) == 0
        return capsys.readouterr().out

    assert '"samples": 1,' in samples()
    monkeypatch.setenv("COUNTCHECK_RUN_LIMIT", "2")
    assert '"samples": 2,' in samples()
    assert '"samples": 3,' in samples("--limit", "3")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("repeets = 3\n", UnknownName, r"countcheck\.toml:1.*Did you mean 'repeats'"),
        ("\n[run]\nrepeets = 3\n", UnknownName, r"countcheck\.toml:3.*Did you mean 'repeats'"),
        ("[runn]\nrepeats = 3\n", UnknownName, r"countcheck\.toml:1.*Did you mean 'run'"),
        ("[suite.chek]\n", UnknownName, r"Did you mean 'check'"),
        ('[run]\nrepeats = "many"\n', BadSettings, r"countcheck\.toml:2.*'many'\. Give a whole number"),
        ("[run]\nrepeats = true\n", BadSettings, "Give a whole number"),
        ('[run]\ngenerator = "tiny"\n', BadSettings, "Give a list of texts"),
        ("[run]\ndry-run = 1\n", BadSettings, "Give true or false"),
        ("[run\n", BadSettings, "is not TOML"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_line(folder, text, error, message):
    with pytest.raises(error, match=message):
        defaults(folder, text)


def test_a_file_that_is_a_folder_or_not_text_is_refused(folder):
    (folder / "countcheck.toml").mkdir()
    with pytest.raises(BadSettings, match="cannot be read"):
        defaults_of(get_command(app), folder)
    (folder / "countcheck.toml").rmdir()
    (folder / "countcheck.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="is not TOML"):
        defaults_of(get_command(app), folder)


def test_an_unknown_key_ends_a_command_in_one_sentence(folder, capsys):
    (folder / "countcheck.toml").write_text("repeets = 3\n")
    assert execute(["list", "suites"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_env_files_hold_assignments_comments_and_quotes(tmp_path):
    (tmp_path / ".env").write_text(
        "# keys\nexport A=1\nB='two words'\nC=\"x # y\"\nD=z # note\n\n", encoding="utf-8-sig"
    )
    assert read_env_file(tmp_path / ".env") == {"A": "1", "B": "two words", "C": "x # y", "D": "z"}


def test_the_environment_goes_before_the_env_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TEST_SET", "outer")
    monkeypatch.delenv("COUNTCHECK_TEST_NEW", raising=False)
    (tmp_path / ".env").write_text("COUNTCHECK_TEST_SET=inner\nCOUNTCHECK_TEST_NEW=inner\n")
    load_env_file(tmp_path / ".env")
    try:
        assert (os.environ["COUNTCHECK_TEST_SET"], os.environ["COUNTCHECK_TEST_NEW"]) == ("outer", "inner")
    finally:
        os.environ.pop("COUNTCHECK_TEST_NEW")


def test_a_virtual_environment_called_env_holds_no_settings(tmp_path):
    (tmp_path / ".env").mkdir()
    assert read_env_file(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("data", "message"), [(b"just words\n", r"\.env:1: the line is no assignment"), (b"A=\xff", "UTF-8")]
)
def test_a_damaged_env_file_is_refused(tmp_path, data, message):
    (tmp_path / ".env").write_bytes(data)
    with pytest.raises(BadSettings, match=message):
        read_env_file(tmp_path / ".env")
