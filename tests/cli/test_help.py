"""Every command's help: grouped, with metavars that people know, examples and exit codes."""

import re

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from countcheck.cli.main import app, execute


def commands():
    execute(["--version"])

    def walk(group, prefix):
        for name, command in group.commands.items():
            if isinstance(command, TyperGroup):
                yield from walk(command, f"{prefix}{name} ")
            else:
                yield f"{prefix}{name}", command

    return dict(walk(get_command(app), ""))


COMMANDS = commands()


def help_of(capsys, name):
    capsys.readouterr()
    assert execute([*name.split(), "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_no_python_in_it_and_ends_in_exit_codes(capsys, name):
    text = help_of(capsys, name)
    assert not re.search(r"<\w+|\blist\[|None|Raises:|rich_help_panel", text)
    assert re.search(r"\nExit codes: 0 ", text)
    assert f"Usage: countcheck {name}" in text
    assert "General options:" in text and "--log-file FILE" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described_and_takes_a_value_with_a_name(name):
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{name} {parameter.name}"
        if not getattr(parameter, "is_flag", True):
            assert parameter.metavar or parameter.type_descriptor.is_choice, f"{name} {parameter.name}"


def test_the_commands_are_listed_by_topic_with_one_sentence_each(capsys):
    text = help_of(capsys, "")
    for topic in ("Make and judge:", "Read the results:", "Suites, models and settings:"):
        assert topic in text
    assert "Examples" not in text and "Exit codes" not in text


def test_defaults_and_repeatable_options_are_marked(capsys):
    text = " ".join(help_of(capsys, "run").split())
    assert "[default: auto]" in text and "[repeatable; required]" in text


def test_an_unknown_command_or_option_is_a_usage_error_with_a_hint(capsys):
    assert execute(["sumary"]) == 2
    assert "'summary'" in capsys.readouterr().err
    assert execute(["run", "demo", "-g", "tiny", "--repeat", "2"]) == 2
    assert "--repeats" in capsys.readouterr().err
