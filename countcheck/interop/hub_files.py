"""The files of a suite and of a run's results on the Hugging Face hub: a benchmark's ``eval.yaml``, a model's ``.eval_results``.

A benchmark is a dataset repository with the prompts and an ``eval.yaml``; a model's results are YAML files in the folder
``.eval_results`` of the model's repository, which name the benchmark.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import yaml

from countcheck.errors import BadInput, BadSettings, UnknownName
from countcheck.files import atomic_write
from countcheck.interop.datasets_export import dataset_of
from countcheck.metrics.summary import GeneratorSummary, summarize
from countcheck.reports.format import quantity
from countcheck.reports.safe_text import markdown_text, visible
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.serialize import prompt_to_json, suite_to_yaml
from countcheck.suites.suite import Suite
from countcheck.version import __version__

HubFiles: TypeAlias = Mapping[str, "bytes | Path"]
"""Paths in a repository to contents, or to files that hold them."""

TASKS = ("exact_rate", "exact_rate_given_picture")
"""Tasks of a benchmark: the rates of which a leaderboard is made."""
FRAMEWORK = "countcheck"
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
_ROWS_A_FILE = 500


def check_repository(name: str) -> str:
    """Return the name of a repository on the hub.

    Raises:
        BadSettings: When it is none.

    >>> check_repository("farm/three-little-pigs")
    'farm/three-little-pigs'
    """
    if not _REPOSITORY.fullmatch(name) or ".." in name:
        raise BadSettings(f"{name!r} is no repository of the hub. Write OWNER/NAME.")
    return name


def benchmark_files(suite: Suite) -> HubFiles:
    """Return the files of a benchmark's dataset repository: card, ``eval.yaml``, the prompts as JSON lines, the suite.

    Raises:
        BadInput: When the suite has no prompts.
    """
    if not suite.prompts:
        raise BadInput(f"{suite.name} has no prompts, so it is no benchmark. Name a suite of prompts.")
    title, about = (
        visible(suite.name, 120),
        visible(suite.description or "Prompts that ask for numbers of things.", 400),
    )
    tasks = [{"id": task, "config": "default", "split": "test"} for task in TASKS]
    definition = {"name": title, "description": about, "evaluation_framework": FRAMEWORK, "tasks": tasks}
    card = {
        "pretty_name": title,
        "task_categories": ["text-to-image"],
        "tags": ["benchmark", "counting", "countcheck"],
        "configs": [{"config_name": "default", "data_files": [{"split": "test", "path": "data/test.jsonl"}]}],
    }
    text = (
        f"# {markdown_text(title)}\n\n{markdown_text(about)}\n\n{quantity(len(suite.prompts), 'prompt')}. Score a model on "
        "them with `countcheck run suite.yaml -g MODEL`; the digest of the suite is "
        f"`{suite.digest}`.\n"
    )
    return {
        "README.md": _with_front(card, text),
        "eval.yaml": _yaml(definition),
        "suite.yaml": suite_to_yaml(suite),
        "data/test.jsonl": b"".join(orjson.dumps(_prompt_row(prompt_to_json(p))) + b"\n" for p in suite.prompts),
    }


def eval_results_files(
    run: RunFolder, benchmark: str, generator: str | None = None, *, source_url: str = ""
) -> HubFiles:
    """Return the file of a model's results in its repository, under ``.eval_results``.

    Args:
        run: Holds the results.
        benchmark: The benchmark's dataset repository, OWNER/NAME.
        generator: Which generator, when the run has several.
        source_url: Where the pictures or the report can be seen; empty for nowhere.

    Raises:
        BadSettings: When ``benchmark`` is no repository.
        BadInput: When the run has several generators and none is named, or has no rate.
        UnknownName: For a generator that the run does not have.
    """
    check_repository(benchmark)
    name, summary = summary_of(run, generator)
    entries = []
    for task in TASKS:
        estimate = summary.rates.get(task)
        if estimate is None or estimate.value is None:
            continue
        entry: dict[str, Any] = {
            "dataset": {"id": benchmark, "task_id": task},
            "value": round(float(estimate.value), 4),
            "date": run.info.created,
            "notes": _notes(run, summary, task),
        }
        if not entry["date"]:
            del entry["date"]
        if source_url:
            entry["source"] = {"url": source_url, "name": "countcheck report"}
        entries.append(entry)
    if not entries:
        raise BadInput(f"{run.path}: nothing of {name} was scored, so it has no rate. Score some of it first.")
    return {f".eval_results/{benchmark.replace('/', '--')}.yaml": _yaml(entries)}


def summary_of(run: RunFolder, generator: str | None) -> tuple[str, GeneratorSummary]:
    """Return the name and the summary of a run's generator, the only one when none is named.

    Raises:
        BadInput: When the run has several and none is named.
        UnknownName: For one that the run does not have.
    """
    if generator is not None and generator not in run.generators:
        raise UnknownName("generator", generator, run.generators)
    if generator is None and len(run.generators) != 1:
        raise BadInput(f"{run.path} has the generators {', '.join(run.generators)}. Name one with --generator.")
    name = generator if generator is not None else run.generators[0]
    return name, summarize(run.table(), run.info.called(run.name)).generators[name]


@contextmanager
def picture_files(run: RunFolder) -> Iterator[HubFiles]:
    """Give the files of a dataset repository with a run's rows and pictures: card and Parquet files.

    Raises:
        MissingExtra: When datasets is not installed.
        BadInput: When the run holds no sample.
    """
    dataset = dataset_of(run)
    from datasets.table import embed_table_storage

    card = {
        "pretty_name": visible(run.name, 120),
        "task_categories": ["text-to-image"],
        "tags": ["counting", "countcheck"],
        "configs": [{"config_name": "default", "data_files": [{"split": "test", "path": "data/test-*.parquet"}]}],
    }
    text = (
        f"# {markdown_text(visible(run.name, 120))}\n\n{quantity(len(dataset), 'sample')} of the suite "
        f"{markdown_text(visible(run.info.suite, 120))}, counted by {markdown_text(run.info.counter.name or 'people')} "
        f"(countcheck {__version__}): what was asked, what came, what was counted.\n"
    )
    files: dict[str, bytes | Path] = {"README.md": _with_front(card, text)}
    with tempfile.TemporaryDirectory(prefix="countcheck-") as folder:
        parts = -(-len(dataset) // _ROWS_A_FILE)
        for part in range(parts):
            name = f"test-{part:05d}-of-{parts:05d}.parquet"
            shard = dataset.shard(parts, part, contiguous=True).with_format("arrow")
            shard = shard.map(embed_table_storage, batched=True, batch_size=64, keep_in_memory=True)
            shard.with_format(None).to_parquet(str(Path(folder) / name))
            files[f"data/{name}"] = Path(folder) / name
        yield files


def write_files(files: HubFiles, folder: Path) -> int:
    """Write files below a folder, each whole or not at all, and return how many.

    Raises:
        BadInput: When the folder cannot be written.
    """
    try:
        for name, content in files.items():
            atomic_write(folder / name, content if isinstance(content, bytes) else content.read_bytes())
    except OSError as error:
        raise BadInput(f"{folder} cannot be written ({error.strerror}). Name another folder.") from error
    return len(files)


def _notes(run: RunFolder, summary: GeneratorSummary, task: str) -> str:
    estimate, counts = summary.rates[task], summary.counts
    parts = []
    if estimate.low is not None and estimate.high is not None:
        parts.append(f"{100 * estimate.level:.0f} % interval {estimate.low:.3f} to {estimate.high:.3f}")
    parts.append(f"{quantity(estimate.n, 'try', 'tries')} of {quantity(estimate.clusters, 'prompt')}")
    parts += [quantity(counts[name], name.removesuffix("s")) for name in ("refusals", "failures") if counts[name]]
    parts.append(f"counted by {visible(run.info.counter.name or 'people', 80)}, countcheck {__version__}")
    parts.append(f"suite {run.info.suite_digest[:16]}")
    return "; ".join(parts).replace("\u00a0", " ").replace("\u202f", " ")


def _prompt_row(body: dict[str, Any]) -> dict[str, Any]:
    """A prompt with its tags as pairs: rows of one table must have the same fields."""
    return {**body, "tags": [{"tag": tag, "value": value} for tag, value in body["tags"].items()]}


def _with_front(front: Mapping[str, Any], text: str) -> bytes:
    return b"---\n" + _yaml(front) + b"---\n\n" + text.encode()


def _yaml(body: Any) -> bytes:
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=4096)
    return text.encode()
