"""What a person reads in a terminal."""

import pytest
from rich.console import Console
from verdict_rows import row, rows, run_info, turn

from countcheck.metrics.summary import summarize
from countcheck.reports.format import mark, said
from countcheck.reports.safe_text import one_line
from countcheck.reports.terminal.summary import render_summary
from countcheck.stats.intervals import wilson


def shown(given, width=100, **changes):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render_summary(summarize(given, run_info(**changes))))
    return capture.get()


def test_lost_samples_are_said_in_the_first_line():
    given = [row("e", f"p{i}") for i in range(544)] + [row("f", f"q{i}") for i in range(9)]
    assert shown(given).splitlines()[0].startswith("scored 544 of 553 · 9 failed")


def test_a_whole_run_says_so():
    assert shown(rows("ee eo")).startswith("scored all 4")


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_the_terminal_and_no_figure_is_cut(width):
    given = [
        row(letter, f"{noun}-{n}-{s}", i, noun=noun, asked=n, generator=g, tags={"style": s}, cost=0.01)
        for g in ("sdxl-turbo?steps=4&dtype=bf16", "flux-schnell")
        for noun in ("pig", "wolf")
        for n in range(1, 7)
        for s in ("plain", "noir")
        for i, letter in enumerate("eeeouxmn")
    ]
    text = shown(given, width)
    assert max(map(len, text.splitlines())) <= width
    assert "%" in text and "…" not in text
    assert all(word in text for word in ("exact by number", "exact by style", "asked (down)"))


def test_conversations_have_their_own_table():
    text = shown([turn("e", 0, turn=0), turn("n", 1, turn=1)])
    assert "kept the count" in text and "1 talks" not in text.replace("g, 1 talks", "")


def test_all_failures_end_in_one_sentence():
    assert "nothing was scored" in shown(rows("ff ff"))


def test_names_from_outside_cannot_drive_the_terminal():
    text = shown([row("e", generator="evil\x1b[31m\nname", tags={"[red]tag": "[bold]x\u202e"}), row("e", "q")])
    assert "\x1b" not in text and "\u202e" not in text and "evil [31m name" in text


def test_figures_are_written_with_their_interval():
    assert said("exact_rate", wilson(61, 100)) == "61 % [51, 70]"
    assert said("refusal_rate", wilson(1, 500)) == "0.2 % [0.0, 1.1]"
    assert said("exact_rate", None) == "–"
    assert len(mark(wilson(1, 9), 20)) == 20
    assert mark(wilson(5, 10), 10) == "··├──●─┤··"
    assert one_line("a\tb\x07" + "c" * 100, 10) == "a b ccccc…"
