"""Verifies a run on disk: its ledger row by row, and its picture files against their recorded digests."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import sqlalchemy as sa

from countcheck.errors import BadInput, CountcheckError
from countcheck.files import PART
from countcheck.images.thumbnails import thumbnail_path
from countcheck.storage.checksums import row_checksum
from countcheck.storage.columns import read_uncounted
from countcheck.storage.ledger import Ledger
from countcheck.storage.picture_files import FolderFiles, PictureFiles, open_files
from countcheck.storage.picture_store import PICTURES_URL
from countcheck.storage.schema import CHECKED, facts, outcomes, uncounted

# Receives what is being checked, how much of it is done, and how much there is.
ProgressCallback: TypeAlias = Callable[[str, int, int], None]

_BLOCK = 1 << 20  # bytes read at a time
_MOST_NAMED = 20  # damaged rows of a table that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCheck:
    """What verifying a run found. Paths are inside the run's folder.

    Attributes:
        run: The run's folder.
        ledger: Sentences about damage of the ledger.
        pictures: Number of picture files that the ledger names.
        missing: Picture files that are gone.
        changed: Picture files that are not the ones that were made.
        stray: Files among the pictures that the ledger does not name.
        unfinished: Files that a killed process left half written.
        thumbnails: Thumbnails that are damaged or whose picture is gone.
    """

    run: Path
    ledger: tuple[str, ...] = ()
    pictures: int = 0
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    thumbnails: tuple[str, ...] = ()

    @property
    def only_verdicts(self) -> bool:
        """Whether nothing of the ledger but verdicts is damaged: they can be derived again."""
        return bool(self.ledger) and all(sentence.startswith("verdicts:") for sentence in self.ledger)

    @property
    def healthy(self) -> bool:
        """Whether every number of the run rests on what was made: strays and thumbnails change none."""
        return not (self.ledger or self.missing or self.changed)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "schema": "countcheck/doctor-run/1",
            "run": str(self.run),
            "healthy": self.healthy,
            "ledger": list(self.ledger),
            "pictures": self.pictures,
            "missing": list(self.missing),
            "changed": list(self.changed),
            "stray": list(self.stray),
            "unfinished": list(self.unfinished),
            "thumbnails": list(self.thumbnails),
        }


def check_run(
    folder: Path, *, pictures: bool = True, progress: ProgressCallback = lambda part, done, total: None
) -> RunCheck:
    """Verify a run; nothing is changed.

    Args:
        folder: The run's folder.
        pictures: Read every picture file and compare its SHA-256; otherwise only see whether it is there.
        progress: Called now and then.

    Raises:
        BadInput: When there is no ledger, or it cannot be opened at all.
        RunMismatch: When a newer program wrote it.
    """
    with Ledger(folder) as ledger:
        ledger.prepare()
        damage = list(_ledger_damage(ledger, progress))
        named = _named_pictures(ledger)
        store = open_files(_pictures_place(ledger))
    files = set(store.sizes("images"))
    unfinished = {path for path in (*files, *_files(folder, "thumbnails")) if path.endswith(PART)}
    missing = sorted(named.keys() - files)
    changed = []
    for done, (path, digest) in enumerate(sorted(named.items())):
        if pictures and path in files and digest and _digest(store, path) != digest:
            changed.append(path)
        if done % 50 == 0:
            progress("pictures", done, len(named))
    return RunCheck(
        run=folder,
        ledger=tuple(damage),
        pictures=len(named),
        missing=tuple(missing),
        changed=tuple(changed),
        stray=tuple(sorted(files - named.keys() - unfinished)),
        unfinished=tuple(sorted(unfinished)),
        thumbnails=tuple(_bad_thumbnails(folder, named.keys() & files)),
    )


def repair_run(folder: Path, check: RunCheck) -> list[str]:
    """Fix what is derived from other parts of the run, and return a sentence for each thing that was done.

    Indexes of the ledger are built again; thumbnails that are damaged or have no picture, and files that a killed
    process left half written, are removed: the report makes thumbnails again. Rows and pictures are never invented.

    Raises:
        BadInput: When the run may not be written.
        DiskFull: When there is no room.
    """
    fixed = []
    for path in (*check.thumbnails, *check.unfinished):
        with contextlib.suppress(OSError):
            (folder / path).unlink()
    if check.thumbnails:
        fixed.append(f"{len(check.thumbnails)} thumbnails were removed; the report makes them again")
    if check.unfinished:
        fixed.append(f"{len(check.unfinished)} half-written files were removed")
    if check.ledger:
        with Ledger(folder) as ledger:
            ledger.prepare()
            with ledger.writing() as connection:
                connection.exec_driver_sql("REINDEX")
        fixed.append("the indexes of the ledger were built again")
    return fixed


def _ledger_damage(ledger: Ledger, progress: ProgressCallback) -> Iterator[str]:
    try:
        with ledger.reading() as connection:
            for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
                if line != "ok":
                    yield str(line)
    except CountcheckError as error:
        yield str(error)
    for place, table in enumerate(CHECKED):
        progress("ledger", place, len(CHECKED))
        yield from _table_damage(ledger, table)


def _table_damage(ledger: Ledger, table: sa.Table) -> Iterator[str]:
    damaged = 0
    try:
        with ledger.reading() as connection:
            for row in connection.execution_options(yield_per=2000).execute(sa.select(table)):
                if row_checksum(table, row._mapping) != row._mapping["checksum"]:
                    damaged += 1
                    if damaged <= _MOST_NAMED:
                        keys = " ".join(str(row._mapping[column.name]) for column in table.primary_key)
                        yield f"{table.name}: the row {keys[:120]} is not what was written"
            if not damaged:
                ledger.check_total(connection, table)
    except CountcheckError as error:
        yield f"{table.name}: {error.__cause__ or error}"
    if damaged > _MOST_NAMED:
        yield f"{table.name}: {damaged - _MOST_NAMED} more rows are not what was written"


def _named_pictures(ledger: Ledger) -> dict[str, str]:
    """Path of every picture that the ledger names, with its SHA-256 where it is recorded."""
    named: dict[str, str] = {}
    with contextlib.suppress(CountcheckError), ledger.reading() as connection:
        o = outcomes.c
        named |= {r.picture: r.digest for r in connection.execute(sa.select(o.picture, o.digest)) if r.picture}
    with contextlib.suppress(CountcheckError), ledger.reading() as connection:
        entries = [read_uncounted(row) for row in connection.execute(sa.select(uncounted))]
        named |= {entry.picture: entry.digest for entry in entries if entry.picture}
    return named


def _files(folder: Path, inside: str) -> Iterator[str]:
    for path in (folder / inside).rglob("*"):
        if not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _digest(store: PictureFiles, name: str) -> str:
    found = hashlib.sha256()
    try:
        if not isinstance(store, FolderFiles):
            return hashlib.sha256(store.read(name)).hexdigest()
        with (store.folder / name).open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    except (OSError, BadInput):
        return ""
    return found.hexdigest()


def _pictures_place(ledger: Ledger) -> str | Path:
    """The URL of the run's pictures as it is recorded, else its folder."""
    with contextlib.suppress(CountcheckError), ledger.reading() as connection:
        query = sa.select(facts.c.value).where(facts.c.name == PICTURES_URL)
        url = connection.execute(query).scalar()
        return str(orjson.loads(url)) if url else ledger.folder
    return ledger.folder


def _bad_thumbnails(folder: Path, pictures: set[str]) -> Iterator[str]:
    wanted = {thumbnail_path(folder, picture) for picture in pictures}
    for name in sorted(_files(folder, "thumbnails")):
        path = folder / name
        if not name.endswith(PART) and (path not in wanted or not _is_whole_webp(path)):
            yield name


def _is_whole_webp(path: Path) -> bool:
    """Whether a WebP file has the length that it says."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        length = path.stat().st_size
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"WEBP" and int.from_bytes(head[4:8], "little") + 8 == length
