"""``run``: suites to generators, pictures to the counter, verdicts to a run folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from countcheck.cli.main import MAKE, app
from countcheck.cli.options import OUTPUT, CounterOption, JsonOption, RunFolderOption, SuitesArgument
from countcheck.cli.output import note, show_result
from countcheck.cli.running import EngineOptions, default_name, make_run, note_left_out, show_finished
from countcheck.errors import BadSettings
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from rich.table import Table

    from countcheck.cards import Card
    from countcheck.engine.config import RunConfig
    from countcheck.engine.context import GeneratorPlan
    from countcheck.engine.shard import Shard
    from countcheck.suites.samples import Sample
    from countcheck.suites.suite import Suite

_EXTENT = "How much"
_LOCAL = "free: made on this machine"
_MACHINES = "Where"
_NAMED = re.compile(r"([^?:/=\s][^?:/=]*)?=(.*)", re.DOTALL)


_Generators: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "-g",
        "--generator",
        metavar="GENERATOR",
        help="Generator: a card's name, a card's file or a spec; NAME=SPEC names it.",
    ),
]
_Repeats: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, rich_help_panel=_EXTENT, help="Pictures of every prompt.")
]
_Limit: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, rich_help_panel=_EXTENT, help="Make at most N samples of each generator."),
]
_Only: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="TAG=VALUE", rich_help_panel=_EXTENT, help="Use the prompts with this tag alone."),
]
_Budget: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="USD", min=0, rich_help_panel=_EXTENT, help="Stop before more than this is spent."),
]
_UntilDecided: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="POLICY", rich_help_panel=_EXTENT, help="Stop as soon as this gate policy is decided."),
]
_Shard: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", rich_help_panel=_EXTENT, help="Make the I-th of N parts, in a folder of its own; see merge."
    ),
]
_RetryFailed: TypeAlias = Annotated[
    bool, typer.Option("--retry-failed", rich_help_panel=_EXTENT, help="Make failed samples again.")
]
_Wait: TypeAlias = Annotated[
    bool, typer.Option("--wait", help="Wait for the answers of batches (mode=batch) instead of ending.")
]
_ForgetBatches: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--forget-batches", rich_help_panel=_EXTENT, help="Ask again for what waits in batches; it is paid for again."
    ),
]
_Truncated: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="WHAT",
        rich_help_panel=_EXTENT,
        help="Prompts longer than a model reads: leave-out of the rates, or judge.",
    ),
]
_ImageFormat: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FORMAT",
        rich_help_panel=OUTPUT,
        help="Saved pictures: png, webp-lossless (smaller), or jpeg-95 (a quarter, not lossless).",
    ),
]
_Pictures: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="URL",
        rich_help_panel=OUTPUT,
        help="Save pictures there instead of in the run folder: s3://..., gs://..., file://... (extra: remote).",
    ),
]
_Engine: TypeAlias = Annotated[
    str, typer.Option(metavar="ENGINE", rich_help_panel=_MACHINES, help="local, or ray for many machines.")
]
_Device: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="DEVICES",
        rich_help_panel=_MACHINES,
        help="One worker process on each device of this machine: cuda:0,cuda:1, all, or cpu,cpu.",
    ),
]
_Workers: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="N|MIN-MAX",
        rich_help_panel=_MACHINES,
        help="On Ray: workers of each model; one a GPU, or one per two cores, if left out.",
    ),
]
_GpusPerWorker: TypeAlias = Annotated[
    float | None, typer.Option(metavar="N", rich_help_panel=_MACHINES, help="On Ray: GPUs of each worker.")
]
_DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Make nothing; show what would be made, and its price.")
]


@app.command(rich_help_panel=MAKE)
def run(
    suites: SuitesArgument,
    generators: _Generators,
    counter: CounterOption = "auto",
    out: RunFolderOption = None,
    repeats: _Repeats = 1,
    limit: _Limit = None,
    only: _Only = None,
    budget: _Budget = None,
    until_decided: _UntilDecided = None,
    shard: _Shard = None,
    retry_failed: _RetryFailed = False,
    forget_batches: _ForgetBatches = False,
    truncated: _Truncated = "leave-out",
    wait: _Wait = False,
    image_format: _ImageFormat = "png",
    pictures: _Pictures = "",
    device: _Device = "",
    engine: _Engine = "local",
    workers: _Workers = "",
    gpus_per_worker: _GpusPerWorker = None,
    dry_run: _DryRun = False,
    as_json: JsonOption = False,
) -> None:
    """Make pictures, count them, judge them.

    The same command continues after an interruption; a larger --repeats adds to a run that has no --limit.

    Examples:
        countcheck run three-little-pigs -g sdxl-turbo -g flux-schnell -d owlv2 --repeats 4
        countcheck run farm.yaml -g 'openai:gpt-image-2?quality=low' --budget 5 --dry-run
        countcheck run farm.yaml -g 'gpt-image-2?mode=batch' --wait
        countcheck run farm.yaml -g 'fast=diffusers:org/model?steps=4' --device cuda:0,cuda:1

    Exit codes:
        0 done · 2 bad usage, settings or input · 3 the counter failed its self-test · 4 bug · 130 interrupted
    """
    from countcheck.engine.config import RunConfig

    where = EngineOptions(engine=engine, devices=device, workers=workers, gpus_per_worker=gpus_per_worker)
    part, suite, cards = _part(shard, until_decided, where), _asked(suites), read_generators(generators)
    config = RunConfig(
        suite=suite,
        generators=cards,
        path=_path(out, [suite.name, *(card.name for card in cards)], part),
        shard=part,
        repeats=repeats,
        limit=limit,
        only=_tags(only or []),
        budget=budget,
        retry_failed=retry_failed,
        truncated=_truncated(truncated),
        wait=wait,
        forget_batches=forget_batches,
        image_format=image_format,
        pictures_url=_pictures_url(pictures),
    )
    if dry_run:
        return _show_plan(config, as_json)
    show_finished(make_run(config, counter, where, until_decided), as_json=as_json)


def _asked(names: list[str]) -> Suite:
    """Load the suites, and say what of them is left out."""
    from countcheck.suites.merge import load_suites

    suite = load_suites(names)
    note_left_out(suite)
    return suite


def _path(out: Path | None, parts: list[str], shard: Shard | None) -> Path:
    from countcheck.engine.shard import shard_path

    path = out or Path("runs") / default_name(parts)
    return path if shard is None else shard_path(path, shard)


def read_generators(specs: Sequence[str]) -> list[Card]:
    """Read the cards behind generator specs, each once; ``NAME=SPEC`` gives a card a name of its own.

    Raises:
        BadSettings: When a name or a spec is empty, or two generators have one name.
        UnknownName: When there is no such card or family.
    """
    from countcheck.cards import read_generator_card

    cards: dict[str, Card] = {}
    for spec in dict.fromkeys(specs):
        match = _NAMED.fullmatch(spec)
        if match is None:
            card = read_generator_card(spec)
        else:
            name = (match[1] or "").strip()
            if not name or not match[2]:
                raise BadSettings(f"-g {spec!r} names a generator without a name or a spec. Write -g NAME=SPEC.")
            card = replace(read_generator_card(match[2]), name=name)
        if card.name in cards:
            raise BadSettings(f"two generators are called {card.name!r}. Name one of them otherwise: -g NAME=SPEC.")
        cards[card.name] = card
    return list(cards.values())


def _part(text: str | None, until_decided: Path | None, options: EngineOptions) -> Shard | None:
    """Return the part of the run to make, once the options go together.

    Raises:
        BadSettings: For --shard together with --until-decided, --workers without Ray, or --device with it.
    """
    part = _shard(text)
    if part is not None and until_decided is not None:
        raise BadSettings("--until-decided needs a whole run. Leave it out, or --shard.")
    options.check()
    return part


def _pictures_url(text: str) -> str:
    from countcheck.storage.picture_files import is_url

    if text and not is_url(text):
        raise BadSettings(f"--pictures {text!r} is no URL. Write s3://BUCKET/PATH, gs://BUCKET/PATH or file:///PATH.")
    return text


def _truncated(text: str) -> Literal["leave out", "judge"]:
    if text not in ("leave-out", "judge"):
        raise BadSettings(f"--truncated {text!r} is not known. Give leave-out or judge.")
    return "judge" if text == "judge" else "leave out"


def _shard(text: str | None) -> Shard | None:
    """Return the part that is asked for, or that torchrun or SLURM give this process, which is noted."""
    from countcheck.engine.shard import Shard, shard_from_environment

    if text is not None:
        shard = Shard.parse(text)
        return None if shard.count == 1 else shard
    given = shard_from_environment(os.environ)
    if given is None:
        return None
    shard, variables = given
    note(f"{variables}: this process makes part {shard} of the run; --shard 1/1 makes all of it")
    return shard


def _tags(pairs: list[str]) -> dict[str, str]:
    tags = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadSettings(f"--only {pair!r} is not a tag with a value. Write --only style=noir.")
        tags[name] = value
    return tags


def _show_plan(config: RunConfig, as_json: bool) -> None:
    """Show how many samples each generator would make, their price, and what must be known of the models.

    Raises:
        BadSettings: When a model has ended, after the plan was shown.
    """
    from countcheck.engine.model_remarks import remarks_on, require_all_served, rewriting_of_card
    from countcheck.engine.run import load_generator, plan_generator
    from countcheck.generators.lifetime import today

    for sentence in remarks_on(config.generators, today()):
        note(sentence)
    lines = []
    for card in config.generators:
        plan = plan_generator(config, card, load_generator(card))
        lines.append(
            {
                "generator": card.name,
                "samples": len(plan.samples),
                "skipped_conversations": plan.skipped,
                **_cost_fields(plan),
                "first": plan.samples[0].text if plan.samples else "",
                "rewrites": str(rewriting_of_card(card)),
                "ends": None if card.ends is None else card.ends.isoformat(),
                "replaced_by": card.replaced_by,
            }
        )
    body = {"suite": config.suite.name, "run": str(config.path), "generators": lines}
    show_result(lambda: body, lambda: _plan_table(config, lines), as_json=as_json)
    require_all_served(config.generators, today())


def _cost_fields(plan: GeneratorPlan) -> dict[str, Any]:
    """Return what the pictures of a plan cost: one number where it is known, else least and most, and why."""
    from countcheck.generators.price import price_of

    price = price_of(plan.card, plan.generator.recipe.settings)
    if not plan.generator.traits.remote and price.flat is None:
        return {"price": None, "priced": "", "cost": None, "price_range": None, "cost_range": None, "why": _LOCAL}
    fewest, most = _fewest_and_most_pictures(plan.samples)
    known = price.known_range
    return {
        "price": price.flat,
        "priced": price.priced,
        "cost": None if price.flat is None else round(price.flat * most, 4),
        "price_range": None if known is None else [round(end, 6) for end in known],
        "cost_range": None if known is None else [round(known[0] * fewest, 4), round(known[1] * most, 4)],
        "price_bound": price.bound,
        "cost_bound": None if price.bound is None else round(price.bound * most, 4),
        "price_formula": price.formula(),
        "price_source": price.source,
        "why": price.in_words(),
    }


def _plan_table(config: RunConfig, lines: list[dict[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table

    title = f"{terminal_text(config.suite.name)} would be made in {terminal_text(str(config.path))}"
    table = Table(box=box.SIMPLE_HEAD, title=title)
    for heading in ("generator", "samples", "USD a picture", "USD in all", "first prompt"):
        table.add_column(heading, justify="right" if "USD" in heading or heading == "samples" else "left")
    for line in lines:
        known = line["price_range"] is not None
        dated = f" ({line['priced'] or 'undated'})" if known else ""
        table.add_row(
            terminal_text(str(line["generator"])),
            str(line["samples"]),
            terminal_text(_range(line["price_range"], "{:.3g}") + dated if known else line["why"]),
            _range(line["cost_range"], "{:.2f}") if known else _at_most(line.get("cost_bound")),
            terminal_text(str(line["first"])),
        )
    return table


def _at_most(usd: float | None) -> str:
    return "" if usd is None else f"up to {usd:.2f}"


def _range(ends: list[float], form: str) -> str:
    """Write the least and the most, or the one number that both are."""
    low, high = (form.format(end) for end in ends)
    return low if low == high else f"{low} to {high}"


def _fewest_and_most_pictures(samples: tuple[Sample, ...]) -> tuple[int, int]:
    """Count the pictures that the samples need: every turn of a conversation may need all its repairs."""
    from countcheck.suites.suite import Conversation

    talks = [sample.asked for sample in samples if isinstance(sample.asked, Conversation)]
    prompts = len(samples) - len(talks)
    fewest = sum(len(talk.turns) for talk in talks)
    return prompts + fewest, prompts + sum(len(talk.turns) * (1 + talk.repairs) for talk in talks)
