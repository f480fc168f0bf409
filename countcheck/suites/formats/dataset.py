"""A Hugging Face dataset on disk with a field prompt: a saved dataset's folder, or parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from countcheck.errors import BadSuite, MissingExtra, first_line
from countcheck.suites.readers import Fit, Preview, PromptCollector
from countcheck.suites.rows import ReadOptions, collect_rows
from countcheck.suites.suite import Suite

NAME = "datasets"


def accepts(preview: Preview) -> Fit:
    """A parquet or arrow file, or a folder with some."""
    if preview.shape == "columnar":
        return Fit.EXACT
    inside = preview.shape == "folder" and any(any(preview.path.rglob(kind)) for kind in ("*.parquet", "*.arrow"))
    return Fit.EXACT if inside else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a dataset; pictures in it are neither decoded nor kept.

    Raises:
        MissingExtra: When the package `datasets` is not installed.
        BadSuite: When it is no dataset, or there is no prompt in it.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("datasets", feature="reading Hugging Face datasets") from error
    try:
        if (path / "dataset_info.json").is_file() or (path / "dataset_dict.json").is_file():
            loaded = datasets.load_from_disk(str(path))
            tables = list(loaded.values()) if isinstance(loaded, datasets.DatasetDict) else [loaded]
        else:
            files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
            tables = [datasets.Dataset.from_parquet(str(file), keep_in_memory=True) for file in files]
    except Exception as error:
        raise BadSuite(f"{path}: not a dataset that can be read ({first_line(error)}).") from error
    collector = PromptCollector()
    rows: Iterable[Mapping[str, Any]] = (row for table in tables for row in _plain_rows(table))
    collect_rows(collector, enumerate(rows, start=1), options)
    return collector.suite(path, "Prompts from a dataset.")


def _plain_rows(table: Any) -> Any:
    """The rows without pictures."""
    plain = [name for name, kind in table.features.items() if type(kind).__name__ in ("Value", "ClassLabel")]
    return table.select_columns(plain)
