"""Copy the ledgers and files of several runs into one run folder: what they are is checked in `countcheck.engine.merge`.

Rows are copied by SQLite itself, with their checksums: a million of them never become objects.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from countcheck.errors import RunMismatch
from countcheck.files import disk_errors_as_sentences, make_folder, sync_folder
from countcheck.storage.ledger import Ledger
from countcheck.storage.schema import (
    CHECKED,
    batches,
    detections,
    dialogues,
    label_notes,
    labels,
    outcomes,
    samples,
    uncounted,
    verdicts,
)

_FOLDERS = ("images", "thumbnails", "talks")  # of files that belong to samples
# Tables whose rows belong to a sample, in an order in which every row finds the rows that it refers to.
_OF_SAMPLES = (outcomes, detections, verdicts, labels, label_notes, uncounted, dialogues)
_COUNTED = (detections, verdicts)


def copy_rows(
    target: Path, sources: Sequence[tuple[Path, Sequence[int]]], generators: Sequence[str], prompts: Sequence[str]
) -> int:
    """Copy samples and all that belongs to them from several ledgers into one; return the number of samples.

    Args:
        target: Run folder whose ledger holds its record and its countings, and no sample.
        sources: Run folders, each with the ids of the countings to copy; the target has countings of the same ids.
        generators: Names, in the order in which the samples are to stand.
        prompts: Ids of prompts and conversations, in that order.

    Raises:
        RunMismatch: When two ledgers hold the same sample.
        BadInput: When a ledger is damaged.
        DiskFull: When there is no room.
    """
    for source, _ in sources:
        ledger = Ledger(source)
        with contextlib.closing(ledger), ledger.reading() as whole:
            ledger.check_total(whole, *CHECKED)
    with disk_errors_as_sentences(target), contextlib.closing(_connect(target)) as connection:
        connection.execute("CREATE TEMP TABLE places (kind TEXT, name TEXT, place INTEGER, PRIMARY KEY (kind, name))")
        for kind, names in (("generator", generators), ("prompt", prompts)):
            rows = [(kind, name, place) for place, name in enumerate(names)]
            connection.executemany("INSERT INTO places VALUES (?, ?, ?)", rows)
        columns = [column.name for column in samples.columns if column.name != "id"]
        connection.execute(f"CREATE TEMP TABLE found ({', '.join(columns)}, source INTEGER, PRIMARY KEY (key))")
        for number, (source, _) in enumerate(sources):
            with _attached(connection, source):
                _copy_samples(connection, columns, number, source)
        listed = ", ".join(columns)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            f"INSERT INTO main.samples ({listed}) SELECT {', '.join(f'f.{name}' for name in columns)} FROM found f "  # noqa: S608 (our own names)
            "LEFT JOIN places g ON g.kind = 'generator' AND g.name = f.generator "
            "LEFT JOIN places p ON p.kind = 'prompt' AND p.name = f.prompt_id ORDER BY g.place, f.repeat, p.place, f.key"
        )
        connection.execute("COMMIT")
        for number, (source, countings) in enumerate(sources):
            with _attached(connection, source):
                _copy_results(connection, number, countings)
                _copy_batches(connection)
        number = int(connection.execute("SELECT COUNT(*) FROM main.samples").fetchone()[0])
    _sync(target / "run.sqlite")
    return number


def copy_files(target: Path, source: Path) -> None:
    """Copy a run's pictures, thumbnails and dialogues into another run folder; links them where the disk allows it.

    All of them are safely on disk at the end.

    Raises:
        DiskFull: When there is no room.
        BadInput: When the files may not be read or written.
    """
    with disk_errors_as_sentences(target):
        for name in _FOLDERS:
            for folder, _, files in os.walk(source / name):
                here = target / Path(folder).relative_to(source)
                make_folder(here)
                for file in files:
                    _link(Path(folder) / file, here / file)
                sync_folder(here)


def _sync(file: Path) -> None:
    """Wait until a file is safely on disk."""
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        return  # the same sample in two runs, which were compared
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
        _sync(target)


def _connect(folder: Path) -> sqlite3.Connection:
    address = f"{(folder / 'run.sqlite').resolve().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    # A merge that is cut off is thrown away, so that nothing need be safely on disk before its end.
    for setting in ("journal_mode = MEMORY", "synchronous = OFF", "foreign_keys = ON", "cache_size = -262144"):
        connection.execute(f"PRAGMA {setting}")
    return connection


@contextlib.contextmanager
def _attached(connection: sqlite3.Connection, folder: Path) -> Iterator[None]:
    """A ledger as the database ``source``."""
    ledger = (folder / "run.sqlite").resolve()
    mode = "rw" if os.access(ledger, os.W_OK) else "ro"  # one that was left by a killed process is put in order
    connection.execute("ATTACH DATABASE ? AS source", (f"{ledger.as_uri()}?mode={mode}",))
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("DETACH DATABASE source")


def _copy_samples(connection: sqlite3.Connection, columns: Sequence[str], number: int, source: Path) -> None:
    twice = [
        row[0] for row in connection.execute("SELECT key FROM source.samples WHERE key IN (SELECT key FROM found)")
    ]
    if twice:
        raise RunMismatch(
            f"{source} holds the sample {twice[0]}, which another of the runs holds too ({len(twice)} such samples). "
            "Give every part once."
        )
    listed = ", ".join(columns)
    connection.execute(f"INSERT INTO found SELECT {listed}, {number} FROM source.samples")  # noqa: S608 (our own names)


def _copy_batches(connection: sqlite3.Connection) -> None:
    """Copy what waits at services, so that the merged run fetches it and asks for nothing twice."""
    listed = ", ".join(column.name for column in batches.columns)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"INSERT INTO main.batches ({listed}) SELECT {listed} FROM source.batches")  # noqa: S608 (our own names)
    connection.execute("COMMIT")


def _copy_results(connection: sqlite3.Connection, number: int, countings: Sequence[int]) -> None:
    """Copy all that belongs to the samples of one source, in one transaction."""
    ids = ", ".join(str(int(counting)) for counting in countings) or "NULL"
    connection.execute("BEGIN IMMEDIATE")
    for table in _OF_SAMPLES:
        listed = ", ".join(column.name for column in table.columns)
        chosen = f"WHERE counting IN ({ids})" if table in _COUNTED else ""
        connection.execute(
            f"INSERT INTO main.{table.name} ({listed}) SELECT {listed} FROM source.{table.name} {chosen}"  # noqa: S608 (our own names)
        )
    connection.execute("COMMIT")
