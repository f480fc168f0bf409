"""Every row of a report, packed for its page: a small index to filter by, and details in blocks, unpacked when shown.

The index is columns of whole numbers behind a JSON head, a few bytes a row; details are JSON. Both are deflated and in
base64, which is inert text to a browser.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.reports.html.row_blocks import RowBlocks
from countcheck.reports.overlays import Overlay
from countcheck.reports.report import Report
from countcheck.reports.safe_text import visible
from countcheck.reports.sections import outcome_name
from countcheck.reports.wording import counted_noun, target_text
from countcheck.storage.forked import forked_map
from countcheck.storage.result_table import Codes, Place, first_seen
from countcheck.storage.rows import ResultRow

ROWS_INSIDE, ROWS_BESIDE = 240, 1000
"""Rows to a block inside a page, and beside it."""
VERDICTS = (*(str(kind) for kind in Kind), "unjudged", "missing sample")
_PLACES = 1000  # to a block
_TEXT, _WORDS = 2000, 1500
_OBVIOUS = ("asked for ", "counted ", "nothing was asked")  # reasons that repeat what was asked and counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows of a row beside the row itself.

    Attributes:
        picture: Address of its small picture; empty when there is none.
        full: Address of the whole picture; empty when the page has none.
        overlay: Its boxes.
    """

    picture: str = ""
    full: str = ""
    overlay: Overlay | None = None


ShowRows = Callable[[int, Sequence[ResultRow]], Sequence[Shown]]
"""Of a run's index and some hundred of its rows, what the page shows of each."""


def pack_rows(report: Report, show: ShowRows, blocks: RowBlocks, *, processes: int = 1) -> bool:
    """Pack all rows of all models; tries of one prompt and repeat stand together, in the order of models.

    Blocks are ``index``; ``detail-N``, what is shown of rows; ``place-N``, what was asked; and ``pictures-N``, the
    pictures of rows as data where rows and pictures are inside the page. A few bytes a row are in memory.

    Args:
        report: Whose rows.
        show: What the page shows of rows beside them.
        blocks: Receives the blocks.
        processes: How many pack at a time, this one alone for 1; others are forked from it.

    Returns:
        Whether any row has a picture to show.
    """
    order = _Order(report)
    size = ROWS_INSIDE if blocks.inside else ROWS_BESIDE
    packer = _Packer(report, show, blocks, order, size)
    numbers: dict[float | None, int] = {None: 0}
    verdicts, counted, pictures = [_NONE], [_NONE], False
    for packed in forked_map(packer.block, -(-len(order.place) // size), processes):
        blocks.note(packed.digest)
        pictures = pictures or packed.pictures
        verdicts.append(np.array(packed.verdicts, np.int64))
        counted.append(np.array([numbers.setdefault(n, len(numbers)) for n in packed.counted], np.int64))
    asked = zip(order.places, order.repair.tolist(), strict=True)
    for number in range(-(-len(order.places) // _PLACES)):
        described = [_describe(place, repair) for place, repair in islice(asked, _PLACES)]
        blocks.add(f"place-{number}", _deflated(orjson.dumps(described)))
    columns = {
        "p": np.diff(order.place, prepend=0),
        "r": order.repeat,
        "t": order.turn,
        "m": order.model,
        "v": np.concatenate(verdicts),
        "c": np.concatenate(counted),
    }
    head = {
        "chunk": size,
        "models": [visible(model.label, 120) for model in report.models],
        "verdicts": VERDICTS,
        "numbers": list(numbers),
    }
    blocks.add("index", _deflated(_index(head, columns, order.places)))
    return pictures


class _Order:
    """The order in which the page shows rows.

    Attributes:
        places: What was asked, each thing once over all models.
        place, model, row, repeat, turn: (n,) of each row: index into ``places``; index of its model, and its place in
            that model's table; its repeat and turn.
        repair: Of each of ``places``, which repair its first row is; 0 for none.
    """

    def __init__(self, report: Report) -> None:
        codes: Codes[Place] = Codes()
        columns: list[list[NDArray[Any]]] = [[] for _ in range(5)]
        repairs: list[NDArray[Any]] = []
        for number, model in enumerate(report.models):
            table = model.rows.table
            of_place = np.zeros(len(table.places), np.int64)
            for local in first_seen(table.place)[0].tolist():
                place = table.places[local]
                # Two suites, or two versions of one, may ask another thing under the same id.
                name = (place.prompt_id, place.script, place.fields.text, *place.fields.asked.items())
                of_place[local] = codes.code(name, place)
            n = len(table)
            rows: tuple[NDArray[Any], ...] = (
                of_place[table.place],
                table.repeat,
                table.turn,
                np.full(n, number),
                np.arange(n),
            )
            for column, values in zip(columns, rows, strict=True):
                column.append(values)
            repairs.append(table.repair)
        place, repeat, turn, model_of, row = (np.concatenate(parts) if parts else _NONE for parts in columns)
        order = np.lexsort((row, model_of, turn, repeat, place))
        self.places = codes.things
        self.place, self.repeat, self.turn = place[order], repeat[order], turn[order]
        self.model, self.row = model_of[order], row[order]
        first = np.unique(self.place, return_index=True)[1]
        self.repair = (np.concatenate(repairs) if repairs else _NONE)[order][first]


_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PackedBlock:
    """What is left of a block of rows once it is written.

    Attributes:
        digest: For `RowBlocks.note`.
        verdicts: Of each row, an index into `VERDICTS`.
        counted: Each number that was asked for, as counted, one row after the other; ``None`` where there is none.
        pictures: Whether any row has a picture to show.
    """

    digest: bytes
    verdicts: list[int]
    counted: list[float | None]
    pictures: bool


class _Packer:
    """Packs what is shown of rows, a block at a time; blocks do not know of each other."""

    def __init__(self, report: Report, show: ShowRows, blocks: RowBlocks, order: _Order, size: int) -> None:
        self._report, self._show, self._blocks, self._order, self._size = report, show, blocks, order, size

    def block(self, number: int) -> _PackedBlock:
        """Write one block of rows."""
        start = number * self._size
        models, places = (column[start : start + self._size] for column in (self._order.model, self._order.row))
        packed: list[tuple[ResultRow, Shown]] = [None] * len(models)  # type: ignore[list-item]
        for index in np.flatnonzero(np.bincount(models)).tolist():
            model, here = self._report.models[index], np.flatnonzero(models == index)
            rows = list(model.rows.rows_at(places[here].tolist()))
            for place, row, shown in zip(here.tolist(), rows, self._show(model.run, rows), strict=True):
                packed[place] = (row, shown)
        inside = self._blocks.inside
        nouns: dict[str, int] = {}
        details = [_detail(row, shown, nouns, inside=inside) for row, shown in packed]
        body = {"nouns": [visible(noun, 60) for noun in nouns], "rows": details}
        digest = self._blocks.write(f"detail-{number}", _deflated(orjson.dumps(body, default=str)))
        pictures = [shown.picture if inside and shown.picture.startswith("data:") else "" for _, shown in packed]
        if any(pictures):
            self._blocks.write(f"pictures-{number}", orjson.dumps(pictures).decode())  # compressed already
        return _PackedBlock(
            digest=digest,
            verdicts=[_CODES[outcome_name(row)] for row, _ in packed],
            counted=[row.counted.get(noun) for row, _ in packed for noun in row.asked],
            pictures=any(shown.picture for _, shown in packed),
        )


_CODES = {name: code for code, name in enumerate(VERDICTS)}


def _index(head: dict[str, Any], columns: dict[str, NDArray[Any]], places: Sequence[Place]) -> bytes:
    """Add what was asked to what the index says of rows, and pack it."""
    nouns: Codes[str] = Codes()
    fields = [place.fields for place in places]
    asked = [[(nouns.code(noun, noun), n) for noun, n in each.asked.items()] for each in fields]
    tags: dict[str, Codes[str]] = {}
    for each in fields:
        for tag, value in each.tags.items():
            tags.setdefault(tag, Codes()).code(value, value)
    columns |= {
        "places.asked": np.array([len(each) for each in asked], np.int64),
        "places.noun": np.array([noun for each in asked for noun, _ in each], np.int64),
        "places.number": np.array([n for each in asked for _, n in each], np.int64),
    }
    for number, (tag, values) in enumerate(tags.items()):
        codes = [values.code(each.tags[tag], "") + 1 if tag in each.tags else 0 for each in fields]
        columns[f"places.tag.{number}"] = np.array(codes, np.int64)
    head |= {
        "places": len(places),
        "place_chunk": _PLACES,
        "nouns": [visible(noun, 60) for noun in nouns.things],
        "tags": [[visible(tag, 60), [visible(value, 60) for value in values.things]] for tag, values in tags.items()],
    }
    return _with_columns(head, columns)


def _with_columns(head: dict[str, Any], columns: dict[str, NDArray[Any]]) -> bytes:
    """Pack columns of whole numbers behind a JSON head, which lists each with its width in bytes and its length.

    >>> packed = _with_columns({}, {"p": np.array([1, 300])})
    >>> packed[4:28], list(packed[28:])
    (b'{"columns":[["p",2,2]]} ', [1, 0, 44, 1])
    """
    listed, bodies = [], []
    for name, values in columns.items():
        most = int(values.max(initial=0))
        width = 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4
        listed.append([name, width, len(values)])
        body = values.astype(f"<u{width}").tobytes()
        bodies.append(body + bytes(-len(body) % 4))
    text = orjson.dumps({**head, "columns": listed})
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + b"".join(bodies)


def _describe(place: Place, repair: int) -> dict[str, Any]:
    fields = place.fields
    return {
        "id": visible(place.prompt_id, 120),
        "text": visible(fields.text, _TEXT),
        "tags": {visible(tag, 60): visible(value, 60) for tag, value in fields.tags.items()},
        "wanted": visible("; ".join(target_text(target) for target in fields.targets), 400),
        "talk": fields.conversation,
        "repair": repair,
    }


def _detail(row: ResultRow, shown: Shown, nouns: dict[str, int], *, inside: bool) -> dict[str, Any]:
    counted, overlay = row.counted, shown.overlay
    body: dict[str, Any] = {
        "key": row.key,
        "seed": row.seed,
        "seconds": round(row.seconds, 3),
        "cost": row.cost,
        "outcome": row.outcome,
        "why": "" if counted and row.reason.startswith(_OBVIOUS) else visible(row.reason, 400),
        "counted": ", ".join([_counted(n, noun) for noun, n in counted.items()]),
        "words": visible(row.words, _WORDS),
        "refusal": row.refusal,
        "message": visible(row.message, 300),
        "rewritten": visible(row.rewritten, _WORDS),
        "src": "" if inside and shown.picture.startswith("data:") else shown.picture,
        "full": shown.full,
        "gone": bool(row.picture) and not shown.picture,
    }
    if row.verdict is Kind.UNCERTAIN:
        body["maybe"] = ", ".join(
            f"{row.low[noun]} to {_counted(row.high[noun], noun)}"
            for noun in counted
            if row.low[noun] != row.high[noun]
        )
    if overlay is not None:
        body["size"] = overlay.size
        body["boxes"] = [(nouns.setdefault(box[0], len(nouns)), *box[1:]) for box in overlay.boxes]
    return {name: value for name, value in body.items() if value or name == "seed"}


@lru_cache(maxsize=10_000)
def _counted(n: float, noun: str) -> str:
    return counted_noun(n, noun)


def _deflated(body: bytes) -> str:
    return base64.b64encode(zlib.compress(body, 6)).decode()
