"""What a person reads in a terminal."""

import pytest
from rich.console import Console
from verdict_rows import row, rows, run_info, turn

from countcheck.metrics.rates import RATES
from countcheck.metrics.summary import summarize
from countcheck.reports.terminal.summary import render_summary


def shown(given, width=100, *, full=False, by=None, **changes):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render_summary(summarize(given, run_info(**changes)), full=full, by=by))
    return capture.get()


def two_generators():
    return [
        row(letter, f"{noun}-{n}-{s}", i, noun=noun, asked=n, generator=g, tags={"style": s}, cost=0.01)
        for g in ("sdxl-turbo?steps=4&dtype=bf16", "flux-schnell")
        for noun in ("pig", "wolf")
        for n in range(1, 7)
        for s in ("plain", "noir")
        for i, letter in enumerate("eeeouxmn")
    ]


def test_lost_samples_are_said_in_the_first_line():
    given = [row("e", f"p{i}") for i in range(544)] + [row("f", f"q{i}") for i in range(9)]
    assert shown(given).splitlines()[0].startswith("scored 544 of 553 · 9 failed")


def test_a_whole_run_says_so():
    assert shown(rows("ee eo")).startswith("scored all 4")


def test_one_generator_is_summed_up_in_a_few_lines():
    lines = shown(rows("ee eo"), 120).splitlines()
    assert len(lines) <= 7
    assert next(line for line in lines if line.startswith("g: ")).startswith("g: 75 % exactly as asked [")
    assert "of 4 tries" in shown(rows("ee eo"), 120)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("full", [False, True])
def test_nothing_is_wider_than_the_terminal_and_no_figure_is_cut(width, full):
    text = shown(two_generators(), width, full=full)
    assert max(map(len, text.splitlines())) <= width
    assert "%" in text and "…" not in text


def test_the_full_summary_has_every_rate_by_title_and_name_with_its_denominator_and_every_split():
    text = shown(two_generators(), 120, full=True)
    assert all(word in text for word in ("by number", "by style", "asked (down)"))
    for name in ("exact_rate", "exact_rate_given_picture", "over_rate", "cost_per_exact"):
        assert RATES[name].title in text and name in text
    assert " of " in text and " 192 " in text


def test_a_split_is_shown_on_demand_alone():
    assert "by style" not in shown(two_generators())
    text = shown(two_generators(), by=("style",))
    assert "exactly as asked by style" in text and "by number" not in text


def test_conversations_have_a_line_of_their_own():
    text = shown([turn("e", 0, turn=0), turn("n", 1, turn=1)])
    assert "g, 1 conversation: " in text and "count kept 0" in text


def test_all_failures_end_in_one_sentence():
    assert "nothing was scored" in shown(rows("ff ff"))


def test_names_from_outside_cannot_drive_the_terminal():
    given = [row("e", generator="evil\x1b[31m\nname", tags={"[red]tag": "[bold]x\u202e"}), row("e", "q")]
    text = shown(given, full=True)
    assert "\x1b" not in text and "\u202e" not in text and "evil [31m name" in text


def test_the_reasons_of_failures_are_shown_even_when_nothing_was_scored():
    given = [row("f", f"p{i}", message="Connection refused\x1b[31m", failure="transient") for i in range(3)]
    text = shown(given)
    assert "failed 3 × Connection refused" in text and "\x1b[31m" not in text
    assert "nothing was scored" in text
