from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from countcheck.cli.help import App


class Colour(StrEnum):
    RED = "red"


app = App(add_completion=False)


@app.command()
def paint(
    places: Annotated[list[Path], typer.Argument()],
    name: str = "pig",
    tag: Annotated[list[str] | None, typer.Option()] = None,
    n: Annotated[int, typer.Option(min=1, max=9)] = 3,
    share: float = 0.5,
    colour: Colour | None = None,
    loud: bool = False,
) -> None:
    typer.echo(repr((places, name, tag, n, share, colour, loud)))


def said(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_values_arrive_as_their_types():
    assert said("a", "b", "--tag", "x", "--loud") == (
        0,
        f"{([Path('a'), Path('b')], 'pig', ['x'], 3, 0.5, None, True)!r}\n",
    )
    assert said("a", "--n", "9", "--share", "1", "--colour", "red", "--name", "")[1] == (
        f"{([Path('a')], '', None, 9, 1.0, Colour.RED, False)!r}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a", "--n", "10"], "--n"),
        (["a", "--n", "x"], "--n"),
        (["a", "--colour", "blue"], "--colour"),
        (["a", "--share", "much"], "--share"),
        ([], "Missing argument"),
    ],
)
def test_other_values_are_validated(arguments, complaint):
    code, text = said(*arguments)
    assert code == 2 and complaint in text
