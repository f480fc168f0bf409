"""Commands and their help: grouped, with defaults, examples and exit codes, in plain text.

Typer's own help draws boxes, which doubles the time to start, and shows Python types.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from countcheck.cli.plain_values import take_plain_values

Function = TypeVar("Function", bound=Callable[..., Any])

EXIT_CODES = "0 done · 2 bad usage, settings or input · 4 bug · 130 interrupted"
_GENERAL = "General options"
_HIDDEN_SECTION = re.compile(r"\n\n(?:Raises|Returns|Args):\n.*?(?=\n\n\S|\Z)", re.DOTALL)
_EXAMPLES = re.compile(r"\n\nExamples?:\n(.*?)(?=\n\n\S|\Z)", re.DOTALL)
_CODES = re.compile(r"\n\nExit codes:\n(.*?)(?=\n\n\S|\Z)", re.DOTALL)


class Command(TyperCommand):
    """A command whose help has groups of options, examples and exit codes.

    Its docstring may end in the sections ``Examples:`` and ``Exit codes:``; ``Raises:`` is not shown. An option's group
    is its ``rich_help_panel``.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        take_plain_values(self.params)

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``."""
        return _plain(super().get_help_option(ctx))

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence of the docstring."""
        return " ".join(re.split(r"\.(?:\s|$)", (self.help or "").partition("\n\n")[0], maxsplit=1)[0].split())

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the arguments and ``[OPTIONS]`` for the usage line."""
        return [*(_argument_usage(a) for a in self.params if isinstance(a, TyperArgument)), "[OPTIONS]"]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the whole help."""
        text = inspect.cleandoc(self.help or "")
        examples, codes = _EXAMPLES.search(text), _CODES.search(text)
        prose = _CODES.sub("", _EXAMPLES.sub("", _HIDDEN_SECTION.sub("", text)))
        self.format_usage(ctx, formatter)
        for paragraph in prose.split("\n\n"):
            formatter.write_paragraph()
            formatter.write_text(" ".join(paragraph.split()))
        for title, rows in self._groups(ctx):
            with formatter.section(title):
                formatter.write_dl(rows)
        if examples:
            formatter.write(
                "\nExamples:\n" + inspect.cleandoc("\n" + examples[1]).replace("\n", "\n  ").join(("  ", "\n"))
            )
        codes_text = " ".join(codes[1].split()) if codes else EXIT_CODES
        formatter.write_paragraph()
        formatter.write_text(f"Exit codes: {codes_text}")

    def _groups(self, ctx: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        arguments = [a for a in self.params if isinstance(a, TyperArgument) and not a.hidden]
        if arguments:
            yield "Arguments", [(_argument_name(a), _described(a)) for a in arguments]
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        for option in self.params:
            if isinstance(option, TyperOption) and not option.hidden:
                rows = groups.setdefault(option.rich_help_panel or "Options", [])
                rows.append((_option_name(option), _described(option)))
        general = groups.pop(_GENERAL, [])
        groups["Output"] = groups.pop("Output", [])  # behind the others
        general.append((", ".join(sorted(ctx.help_option_names, key=len)), "Show this help."))
        for title, rows in groups.items():
            if rows:
                yield title, rows
        yield _GENERAL, general


class Group(TyperGroup):
    """A group of commands whose help lists them by topic."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``."""
        return _plain(super().get_help_option(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their topics, then the options."""
        self.format_commands(ctx, formatter)
        rows = [(_option_name(option), _described(option)) for option in self.params if isinstance(option, TyperOption)]
        with formatter.section("Options"):
            formatter.write_dl([*rows, (", ".join(sorted(ctx.help_option_names, key=len)), "Show this help.")])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, under a heading each topic."""
        by_topic: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                topic = getattr(command, "rich_help_panel", None)
                topic = topic if isinstance(topic, str) else "Commands"
                by_topic.setdefault(topic, []).append((name, command.get_short_help_str(200)))
        for topic, rows in by_topic.items():
            with formatter.section(topic):
                formatter.write_dl(rows)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the group's help."""
        return (self.help or "").rstrip(".")

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return ``COMMAND`` and what may follow for the usage line."""
        return ["COMMAND ..."]


class App(typer.Typer):
    """A Typer application whose commands have our help and the general options of `countcheck.cli.logs`."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Function], Function]:  # type: ignore[override]
        """Register a function as a command; the function itself stays as it is."""
        from countcheck.cli.logs import with_general_options

        register = super().command(name, cls=Command, **settings)

        def decorate(function: Function) -> Function:
            register(with_general_options(function, panel=_GENERAL))
            return function

        return decorate


def _plain(option: Any) -> Any:
    take_plain_values([option])
    return option


def _argument_name(argument: TyperArgument) -> str:
    return argument.metavar or (argument.name or "").upper()


def _argument_usage(argument: TyperArgument) -> str:
    name = _argument_name(argument) + ("..." if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def _option_name(option: TyperOption) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.secondary_opts:
        names += f" / {', '.join(option.secondary_opts)}"
    return names if option.is_flag or option.count else f"{names} {_value_name(option)}"


def _value_name(option: TyperOption) -> str:
    if option.metavar:
        return option.metavar
    kind = option.type_descriptor
    if kind.is_choice:
        return "|".join(str(getattr(choice, "value", choice)) for choice in kind.choices or ())
    if kind.is_path:
        return "FILE"
    return "N" if kind.annotation in (int, float) or kind.is_ranged else "TEXT"


def _described(parameter: TyperArgument | TyperOption) -> str:
    notes = []
    default = parameter.default
    if isinstance(parameter, TyperOption) and parameter.multiple:
        notes.append("repeatable")
    if parameter.required and isinstance(parameter, TyperOption):
        notes.append("required")
    elif default not in (None, False, "", (), []) and not callable(default) and default is not True:
        notes.append(f"default: {getattr(default, 'value', default)}")
    help_text = (parameter.help or "").strip()
    return f"{help_text} [{'; '.join(notes)}]" if notes else help_text
