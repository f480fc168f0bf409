"""``doctor``: what is installed, what is missing, and whether the shipped models work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, stdout_console
from countcheck.errors import BadSettings
from countcheck.registry import extras, load_generator_class, provider_families
from countcheck.reports.safe_text import terminal_text

# What each extra is for. Extras of providers are described by the providers themselves.
PURPOSES = {
    "local": "making and counting pictures on this machine",
    "yolo": "YOLO counters (AGPL-3.0: read what the README says)",
    "onnx": "exported detectors",
    "keyring": "keys from the system's keyring",
    "parquet": "export as Parquet",
    "datasets": "suites from Hugging Face datasets",
    "review": "the review page",
    "mlflow": "logging to MLflow",
    "wandb": "logging to Weights & Biases",
    "ray": "runs over many machines",
}
# Extras that only gather others, or serve the development of the program.
_NOT_LISTED = frozenset({"all", "apis", "test", "train"})


@app.command()
def doctor(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="Verify this run's ledger and pictures instead.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Read every picture of the run and compare its digest.")] = True,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what is derived from other parts of the run: indexes, thumbnails.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is installed and what is missing. Also which device there is, and whether the shipped models load and
    pass their controls. With RUN, verify a run: exits 2 when something of it is damaged or gone."""
    if run is not None:
        from countcheck.cli.commands.doctor_run import verify

        verify(run, pictures=pictures, repair=repair, as_json=as_json)
        return
    if repair:
        raise BadSettings("--repair mends a run. Name the run's folder.")
    found: dict[str, Any] = {"python": _python(), "extras": _extras(), "device": _device(), "models": _models()}
    if as_json:
        print_json(found)
    else:
        _print(found)
    if any(not model["works"] for model in found["models"] if model["installed"]):
        raise typer.Exit(2)


def _python() -> str:
    import platform

    from countcheck.version import __version__

    return f"countcheck {__version__}, Python {platform.python_version()}"


def _extras() -> list[dict[str, Any]]:
    """List the extras that the installed package declares, and whether every package of each is installed."""
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
    classes = [load_generator_class(family) for family in provider_families()]
    return [cls.service for cls in classes if cls.extra == extra]


def _device() -> str:
    try:
        import torch
    except ImportError:
        return "CPU; torch is not installed"
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return f"CUDA: {', '.join(names)} (torch {torch.__version__})"
    return f"CPU, {torch.get_num_threads()} threads (torch {torch.__version__})"


def _models() -> list[dict[str, Any]]:
    from countcheck.errors import CountcheckError, MissingExtra

    rows = []
    for kind, check in (("painter", _check_painter), ("counter", _check_counter)):
        try:
            works, says = check()
            rows.append({"model": kind, "installed": True, "works": works, "says": says})
        except MissingExtra as error:
            rows.append({"model": kind, "installed": False, "works": False, "says": str(error)})
        except CountcheckError as error:
            rows.append({"model": kind, "installed": True, "works": False, "says": str(error)})
    return rows


def _check_painter() -> tuple[bool, str]:
    from countcheck.cards import read_generator_card
    from countcheck.engine.run import load_generator
    from countcheck.generators.outcome import Picture
    from countcheck.suites.samples import Sample
    from countcheck.suites.suite import Prompt

    generator = load_generator(read_generator_card("tiny"))
    asked = Prompt(id="doctor", text="three pigs")
    (outcome,) = generator.generate([Sample(key="0" * 32, generator="tiny", asked=asked, repeat=0, seed=1)])
    if isinstance(outcome, Picture):
        return True, "tiny loads and paints"
    return False, f"tiny gave no picture: {outcome}"


def _check_counter() -> tuple[bool, str]:
    from countcheck.counting.counter import load_counter
    from countcheck.counting.self_test import run_self_test

    passed = run_self_test(load_counter("tiny")).plain
    if passed is None:
        return False, "tiny shares no noun with the scenes"
    return passed.passed, f"tiny got {passed.right} of {passed.total} control pictures right ({passed.needed} needed)"


def _print(found: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = stdout_console()
    console.print(f"{found['python']}\n{terminal_text(found['device'])}\n")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("extra", "for", "installed", "install it with"):
        table.add_column(heading, overflow="fold")
    for row in found["extras"]:
        there = Text("yes", "green") if row["installed"] else Text("no", "dim")
        table.add_row(row["extra"], row["for"], there, row["install"])
    console.print(table)
    for model in found["models"]:
        mark = Text("works", "green") if model["works"] else Text("does not work", "red")
        console.print(Text.assemble(f"{model['model']}: ", mark, f": {terminal_text(model['says'])}"))
