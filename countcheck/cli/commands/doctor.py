"""``doctor``: what is installed, which keys are set, where models are kept, and whether the shipped models work."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from countcheck.cli.main import SET_UP, app
from countcheck.cli.options import JsonOption, OutputOption
from countcheck.cli.output import show_result
from countcheck.errors import BadSettings, UnknownName
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

# What each extra is for. Extras of providers are described by the providers themselves.
PURPOSES = {
    "local": "making and counting pictures on this machine",
    "quantize": "models in fewer bits, and GGUF files",
    "yolo": "YOLO counters (AGPL-3.0: see the README)",
    "onnx": "exported detectors",
    "keyring": "keys from the system's keyring",
    "replicate": "nothing: Replicate needs no client any more",
    "fal": "nothing: fal needs no client any more",
    "parquet": "export as Parquet",
    "tables": "a run as a data frame",
    "datasets": "suites from Hugging Face datasets",
    "review": "the pages of review and view",
    "serve": "the reward server",
    "mlflow": "logging to MLflow",
    "wandb": "logging to Weights & Biases",
    "ray": "runs over many machines",
    "remote": "pictures of a run in a bucket or at another URL",
    "inspect": "the scorer for inspect_ai",
    "deepeval": "the metric for deepeval",
    "torchmetrics": "the metric for torchmetrics",
}
# Extras that only gather others, or serve the development of the program.
_NOT_LISTED = frozenset({"all", "apis", "docs", "release", "test", "train"})
_OF_RUN = "Of a run"
BROKEN = 1
"""Exit code when a model that is installed, or an extra that was asked about, does not work."""


_Run: TypeAlias = Annotated[
    Path | None, typer.Argument(metavar="RUN", help="Verify this run's ledger and pictures instead.")
]
_Pictures: TypeAlias = Annotated[
    bool, typer.Option(rich_help_panel=_OF_RUN, help="Read every picture and compare its digest.")
]
_Repair: TypeAlias = Annotated[
    bool,
    typer.Option("--repair", rich_help_panel=_OF_RUN, help="Fix what is derived: verdicts, indexes, thumbnails."),
]
_Need: TypeAlias = Annotated[
    list[str] | None, typer.Option("--need", metavar="EXTRA", help="Fail when this extra is not installed.")
]
_Online: TypeAlias = Annotated[
    bool, typer.Option("--online", help="Also ask services and the Hugging Face hub whether the cards are right.")
]


@app.command(rich_help_panel=SET_UP)
def doctor(
    run: _Run = None,
    pictures: _Pictures = True,
    repair: _Repair = False,
    need: _Need = None,
    online: _Online = False,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Check the installation, or verify a run.

    Of the installation: extras, keys (set or not set, never their value), device, caches, whether the shipped models load
    and count right, and which models of the cards end soon or have ended. Of a run: its ledger, pictures and thumbnails.

    Raises:
        typer.Exit: With code 1 when the installation is broken; what `verify` raises, too.
        UnknownName: When there is no such extra.
        BadSettings: For --repair without a run, or --online with one.

    Examples:
        countcheck doctor
        countcheck doctor --online
        countcheck doctor --need openai --need review
        countcheck doctor runs/demo --repair

    Exit codes:
        0 all is well · 1 a shipped model that is installed does not work, or a needed extra is missing · 2 bad usage, or
        the run is damaged · 4 bug
    """
    if run is not None:
        if online:
            raise BadSettings("--online asks about models, not about a run. Leave out the one or the other.")
        from countcheck.cli.commands.doctor_run import verify

        verify(run, pictures=pictures, repair=repair, as_json=as_json)
        return
    if repair:
        raise BadSettings("--repair fixes a run. Name the run's folder.")
    rows = _extras()
    known = {row["extra"]: row for row in rows}
    for extra in need or ():
        if extra not in known:
            raise UnknownName("extra", extra, known)
    state: dict[str, Any] = {
        "python": _versions(),
        "extras": rows,
        "keys": _keys(),
        "device": _device(),
        "caches": _caches(),
        "models": _models(),
        "ending": _ending(),
    }
    if online:
        state["online"] = _online()
    show_result(lambda: state, lambda: _table(state), as_json=as_json, output=output)
    missing = [extra for extra in need or () if not known[extra]["installed"]]
    broken = [model for model in state["models"] if model["installed"] and not model["works"]]
    if missing or broken:
        raise typer.Exit(BROKEN)


def _versions() -> str:
    import platform

    from countcheck.version import __version__

    return f"countcheck {__version__}, Python {platform.python_version()}"


def _extras() -> list[dict[str, Any]]:
    """List the extras that the installed package declares, and whether every package of each is installed."""
    from countcheck.registry import extras

    rows = []
    for extra, packages in extras().items():
        if extra in _NOT_LISTED:
            continue
        installed = all(_is_installed(package) for package in packages)
        line = "" if installed else f"pip install 'countcheck[{extra}]'"
        purpose = PURPOSES.get(extra) or ", ".join(_services(extra))
        rows.append({"extra": extra, "for": purpose, "installed": installed, "install": line})
    return rows


def _is_installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _services(extra: str) -> list[str]:
    """Name the services whose providers need an extra."""
    from countcheck.registry import load_generator_class, provider_families

    classes = [load_generator_class(family) for family in provider_families()]
    return [cls.service for cls in classes if cls.extra == extra]


def _keys() -> list[dict[str, Any]]:
    """List of each service the variables that may hold its key, and whether one of them is set."""
    from countcheck.registry import load_generator_class, provider_families

    rows = []
    for family in provider_families():
        provider = load_generator_class(family)
        if provider.key:
            names = [name for name in provider.key if os.environ.get(name, "").strip()]
            rows.append({"service": provider.service, "variables": list(provider.key), "set": bool(names)})
    return rows


def _device() -> str:
    try:
        import torch
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
        return "CPU; torch is not installed" if missing else f"CPU; torch cannot be loaded ({error})"
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return f"CUDA: {', '.join(names)} (torch {torch.__version__})"
    return f"CPU, {torch.get_num_threads()} threads (torch {torch.__version__})"


def _caches() -> list[dict[str, Any]]:
    """List the folders in which libraries keep downloaded models, and whether they exist."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folders = {
        "Hugging Face": Path(
            os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or home / "huggingface") / "hub"
        ),
        "torch": Path(os.environ.get("TORCH_HOME") or home / "torch"),
    }
    return [{"cache": name, "path": str(path), "exists": path.is_dir()} for name, path in folders.items()]


def _models() -> list[dict[str, Any]]:
    from countcheck.errors import CountcheckError, MissingExtra

    checks: dict[str, Callable[[], tuple[bool, str]]] = {"painter": _check_generator, "counter": _check_counter}
    rows = []
    for kind, check in checks.items():
        try:
            works, result = check()
            rows.append({"model": kind, "installed": True, "works": works, "says": result})
        except MissingExtra as error:
            rows.append({"model": kind, "installed": False, "works": False, "says": str(error)})
        except (CountcheckError, OSError, ImportError, RuntimeError, ValueError) as error:
            rows.append({"model": kind, "installed": True, "works": False, "says": str(error)})
    return rows


def _ending() -> list[dict[str, Any]]:
    """List the cards whose models have ended, or end soon."""
    from countcheck.cards import generator_cards, read_card
    from countcheck.generators.lifetime import Lifetime, end_in_words, lifetime_of, today

    day, rows = today(), []
    for name, path in generator_cards().items():
        card = read_card(path)
        lifetime = lifetime_of(card, day)
        if card.ends is not None and lifetime is not Lifetime.SERVED:
            row = {"card": name, "lifetime": str(lifetime), "ends": card.ends.isoformat()}
            rows.append({**row, "replaced_by": card.replaced_by, "says": end_in_words(card, day)})
    return rows


def _online() -> list[dict[str, Any]]:
    """Ask services and the hub about the models of the cards that ship."""
    from countcheck.cards import generator_cards, read_card
    from countcheck.cli.output import stderr_console
    from countcheck.generators.availability import check_availability
    from countcheck.generators.lifetime import today

    cards = [read_card(path) for path in generator_cards().values()]
    with stderr_console().status("asking about the models of the cards"):
        findings = check_availability(cards, today())
    return [{**asdict(finding), "standing": str(finding.standing)} for finding in findings]


def _check_generator() -> tuple[bool, str]:
    from countcheck.cards import read_generator_card
    from countcheck.engine.run import load_generator
    from countcheck.generators.outcome import Picture
    from countcheck.suites.samples import Sample
    from countcheck.suites.suite import Prompt

    generator = load_generator(read_generator_card("tiny"))
    asked = Prompt(id="doctor", text="three pigs")
    (outcome,) = generator.generate([Sample(key="0" * 32, generator="tiny", asked=asked, repeat=0, seed=1)])
    if isinstance(outcome, Picture):
        return True, "tiny loads and makes a picture"
    return False, f"tiny made no picture: {outcome}"


def _check_counter() -> tuple[bool, str]:
    from countcheck.counting.counter import load_counter
    from countcheck.counting.self_test import run_self_test

    score = run_self_test(load_counter("tiny")).plain
    if score is None:
        return False, "tiny shares no noun with the test pictures"
    return score.passed, f"tiny counted {score.right} of {score.total} test pictures right ({score.needed} needed)"


def _table(state: dict[str, Any]) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def yes(value: bool) -> Text:
        return Text("yes", "green") if value else Text("no", "dim")

    installed = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("extra", "for", "installed", "install it with"):
        installed.add_column(heading, overflow="fold")
    for row in state["extras"]:
        installed.add_row(row["extra"], row["for"], yes(row["installed"]), row["install"])
    keys = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("service", "key", "set"):
        keys.add_column(heading, overflow="fold")
    for row in state["keys"]:
        keys.add_row(row["service"], " or ".join(row["variables"]), yes(row["set"]))
    lines = [Text(f"{state['python']}\n{terminal_text(state['device'])}")]
    lines += [
        Text(f"{cache['cache']} cache: {terminal_text(cache['path'])}{'' if cache['exists'] else ' (empty)'}")
        for cache in state["caches"]
    ]
    models = [
        Text.assemble(
            f"{model['model']}: ",
            Text("works", "green") if model["works"] else Text("does not work", "red"),
            f": {terminal_text(model['says'])}",
        )
        for model in state["models"]
    ]
    ending = [
        Text(f"! {row['card']} {terminal_text(row['says'])}", "red" if row["lifetime"] == "ended" else "yellow")
        for row in state["ending"]
    ]
    answers = _answers(state["online"]) if "online" in state else []
    further = [Text("\n").join(part) for part in (ending, answers) if part]
    return Group(*lines, installed, keys, *models, *(Text.assemble("\n", part) for part in further))


def _answers(findings: list[dict[str, Any]]) -> list[Text]:
    """Write what services and the hub say: differences one by one, the rest in numbers."""
    from rich.text import Text

    from countcheck.reports.format import quantity

    def those(standing: str) -> list[dict[str, Any]]:
        return [finding for finding in findings if finding["standing"] == standing]

    lines = [Text(f"! {finding['card']}: {terminal_text(finding['says'])}", "yellow") for finding in those("differs")]
    reasons: dict[tuple[str, str], int] = {}
    for finding in those("unasked"):
        reason = (finding["asked"], finding["says"])
        reasons[reason] = reasons.get(reason, 0) + 1
    lines += [
        Text(f"{asked}: {quantity(number, 'card')} not compared: {terminal_text(says)}", "dim")
        for (asked, says), number in reasons.items()
    ]
    agreed = len(those("agrees"))
    verb = "agrees" if agreed == 1 else "agree"
    return [*lines, Text(f"{quantity(agreed, 'card')} {verb} with what services and the hub say")]
