"""Write a run as a Hugging Face dataset with its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from countcheck.errors import BadInput, MissingExtra
from countcheck.storage.rows import row_to_json
from countcheck.storage.run_folder import RunFolder

if TYPE_CHECKING:
    import datasets


def dataset_of(run: RunFolder) -> datasets.Dataset:
    """Return a dataset with one row a sample or turn: the columns of the export, and ``image`` where there is a picture.

    Nested columns are JSON text.

    Raises:
        MissingExtra: When datasets is not installed.
        BadInput: When the run holds no sample.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("datasets", feature="a Hugging Face dataset") from error
    records = []
    for row in run.rows():
        path = run.pictures.find(row) if row.picture else None
        records.append(_flat(row_to_json(row)) | {"image": None if path is None else str(path)})
    if not records:
        raise BadInput(f"{run.path} holds no sample. Export another run.")
    return datasets.Dataset.from_list(records).cast_column("image", datasets.Image())


def write_dataset(run: RunFolder, folder: Path) -> int:
    """Save the dataset to a folder that ``datasets.load_from_disk`` reads, pictures included; return its rows.

    Raises:
        MissingExtra: When datasets is not installed.
        BadInput: When the folder cannot be written, or the run holds no sample.
    """
    dataset = dataset_of(run)
    try:
        dataset.save_to_disk(str(folder))
    except OSError as error:
        raise BadInput(f"{folder} cannot be written ({error.strerror or error}). Name another folder.") from error
    return len(dataset)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: orjson.dumps(value).decode() if isinstance(value, dict | list) else value for name, value in row.items()
    }
