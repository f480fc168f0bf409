"""``run``: suites to generators, pictures to the counter, verdicts to a run folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, say, stdout_console
from countcheck.errors import BadSettings
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from countcheck.engine.config import RunConfig
    from countcheck.engine.shard import Shard
    from countcheck.storage.run_folder import RunFolder
    from countcheck.suites.samples import Sample
    from countcheck.suites.suite import Suite


@app.command()
def run(
    suites: Annotated[list[str], typer.Argument(metavar="SUITE", help="Suites, by name or file.")],
    generators: Annotated[
        list[str],
        typer.Option("-g", "--generator", metavar="GENERATOR", help="Who draws: a card or a spec; repeatable."),
    ],
    counter: Annotated[str, typer.Option("-d", "--counter", metavar="COUNTER", help="Who counts.")] = "tiny",
    repeats: Annotated[int, typer.Option(min=1, help="Pictures of every prompt.")] = 1,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="RUN", help="The run's folder.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many samples of each generator.")] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="TAG=VALUE", help="Only prompts with this tag.")] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="Stop before more than this is spent.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray for many machines.")] = "local",
    until_decided: Annotated[
        Path | None, typer.Option(metavar="POLICY", help="Stop as soon as this gate policy is decided.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Make the I-th of N parts, in a folder of its own; see merge.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Make failed samples again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made, and its price.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Make pictures, count them, judge them. The same command goes on after an interruption."""
    from countcheck.cards import read_generator_card
    from countcheck.engine.config import RunConfig
    from countcheck.engine.shard import shard_path
    from countcheck.suites.merge import load_suites

    suite = load_suites(suites)
    tell_left_out(suite)
    cards = [read_generator_card(spec) for spec in dict.fromkeys(generators)]
    path = out or Path("runs") / default_name([suite.name, *(card.name for card in cards)])
    part = _shard(shard)
    if part is not None and until_decided is not None:
        raise BadSettings("--until-decided looks at a whole run. Leave it out, or --shard.")
    order = RunConfig(
        suite=suite,
        generators=cards,
        path=path if part is None else shard_path(path, part),
        shard=part,
        repeats=repeats,
        limit=limit,
        only=_tags(only or []),
        budget=budget,
        retry_failed=retry_failed,
    )
    if dry_run:
        _dry_run(order, as_json)
        return
    finished = carry_out(order, counter, engine, until_decided)
    tell(finished, as_json)


def tell_left_out(suite: Suite) -> None:
    """How much of somebody else's file is not asked, or not counted; aloud, before anything is made."""
    from countcheck.reports.format import quantity

    if suite.skipped:
        say(f"{quantity(len(suite.skipped), 'line')} of {suite.name} left out; `countcheck suite show` says why")
    if suite.remarks:
        say(
            f"{quantity(len(suite.remarks), 'line')} of {suite.name} not wholly understood; `countcheck suite show` says"
        )


def default_name(parts: list[str]) -> str:
    """A folder name from what runs: letters, digits, dots and dashes; the same command gives the same name."""
    from hashlib import sha256

    readable = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-.") for part in parts)
    if len(readable) <= 80 and all(re.fullmatch(r"[A-Za-z0-9.\-]+", part) for part in parts):
        return readable
    return f"{readable[:72]}-{sha256('|'.join(parts).encode()).hexdigest()[:7]}"


def _shard(text: str | None) -> Shard | None:
    """The part that is asked for, or that torchrun or SLURM give this process, which is said."""
    import os

    from countcheck.engine.shard import Shard, shard_from_environment

    if text is not None:
        shard = Shard.parse(text)
        return None if shard.count == 1 else shard
    found = shard_from_environment(os.environ)
    if found is None:
        return None
    shard, variables = found
    say(f"{variables}: this process makes part {shard} of the run; --shard 1/1 makes all of it")
    return shard


def _tags(pairs: list[str]) -> dict[str, str]:
    tags = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadSettings(f"--only {pair!r} is no tag with a value. Write --only style=noir.")
        tags[name] = value
    return tags


def carry_out(order: RunConfig, counter: str, engine: str = "local", until_decided: Path | None = None) -> RunFolder:
    """The finished run, made under a progress bar that Ctrl-C stops cleanly."""
    from countcheck.cli.interruption import stopping_on_interrupt
    from countcheck.cli.progress import LiveProgress
    from countcheck.counting.counter import load_counter
    from countcheck.engine.run import run

    if engine not in ("local", "ray"):
        raise BadSettings(f"--engine {engine!r} is unknown. Choose local or ray.")
    decided = None if until_decided is None else _decided_by(until_decided)
    with LiveProgress() as progress, stopping_on_interrupt() as stopping:
        if engine == "ray":
            from countcheck.engine.ray import run_on_ray

            finished = run_on_ray(order, counter, progress=progress, stop=stopping, decide=decided)
        else:
            finished = run(order, load_counter(counter), progress=progress, stop=stopping, decide=decided)
        if stopping.is_set() and stopping.interrupted:
            finished.close()
            raise KeyboardInterrupt
    return finished


def _decided_by(policy: Path) -> Callable[[RunFolder], str | None]:
    """A question put to the run after every batch: is the gate decided?"""
    from time import monotonic

    from countcheck.cli.commands.gate import read_evidence
    from countcheck.gate.early_stop import SequentialGate
    from countcheck.gate.policy import read_policy

    read = read_policy(policy)
    before = None if read.baseline is None else read_evidence(read.baseline, read.level).sides
    gate = SequentialGate(read, before)
    rested = 0.0

    def decided(run: RunFolder) -> str | None:
        nonlocal rested
        begun = monotonic()
        if begun < rested:
            return None
        decision = gate.update(run.rows(), run.info)
        rested = monotonic() + 10 * (monotonic() - begun)  # looking costs at most a tenth of the run
        return None if decision is None else f"the gate {policy.name} is decided: {decision}; no more pictures are made"

    return decided


def tell(finished: RunFolder, as_json: bool) -> None:
    """Print a finished run's summary, and close it. Raises `CannotDecide` when every sample failed."""
    from countcheck.engine.run import require_success
    from countcheck.metrics.summary import summarize

    with finished:
        rows = finished.rows()
        summary = summarize(rows, finished.info, finished.labels())
        if as_json:
            print_json(summary.to_json())
            require_success(rows)
            return
        from countcheck.reports.terminal.summary import render_summary

        stdout_console().print(render_summary(summary))
        require_success(rows)
        say(f"kept in {finished.path}; see it with: countcheck report {finished.path}")


def _dry_run(order: RunConfig, as_json: bool) -> None:
    from countcheck.engine.run import load_generator, plan_generator

    lines = []
    for card in order.generators:
        each = plan_generator(order, card, load_generator(card))
        lines.append(
            {
                "generator": card.name,
                "samples": len(each.samples),
                "skipped_conversations": each.skipped,
                "price": card.price,
                "priced": card.priced,
                "cost": None if card.price is None else round(card.price * _pictures(each.samples), 4),
                "first": each.samples[0].text if each.samples else "",
            }
        )
    if as_json:
        print_json({"suite": order.suite.name, "run": str(order.path), "generators": lines})
        return
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{terminal_text(order.suite.name)} would be made in {terminal_text(str(order.path))}",
    )
    for heading in ("generator", "samples", "USD a picture", "USD in all", "begins with"):
        table.add_column(heading, justify="right" if "USD" in heading or heading == "samples" else "left")
    for line in lines:
        known = line["cost"] is not None
        table.add_row(
            terminal_text(str(line["generator"])),
            str(line["samples"]),
            f"{line['price']} ({line['priced'] or 'undated'})" if known else "unknown",
            f"{line['cost']:.2f}" if known else "unknown",
            terminal_text(str(line["first"])),
        )
    stdout_console().print(table)


def _pictures(samples: tuple[Sample, ...]) -> int:
    """How many pictures the samples need at most: every turn of a conversation may need all its repairs."""
    from countcheck.suites.suite import Conversation

    return sum(len(s.asked.turns) * (1 + s.asked.repairs) if isinstance(s.asked, Conversation) else 1 for s in samples)
