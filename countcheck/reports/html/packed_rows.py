"""Every row of a report, packed for its page: a small index to filter by, and details in chunks, unpacked when shown.

Packed as deflated JSON in base64, which is inert text to a browser, so 100,000 samples stay a few megabytes.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from countcheck.counting.verdict import Kind
from countcheck.reports.html.pictures import PagePictures, PictureId
from countcheck.reports.overlays import Overlay
from countcheck.reports.report import Report
from countcheck.reports.safe_text import visible
from countcheck.reports.wording import counted_noun, target_text
from countcheck.storage.rows import ResultRow

CHUNK_ROWS = 240
VERDICTS = (*(str(kind) for kind in Kind), "unjudged", "missing sample")
_TEXT, _WORDS = 2000, 1500
_OBVIOUS = ("asked for ", "counted ", "nothing was asked")  # reasons that repeat what was asked and counted


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRows:
    """The rows as text blocks for the page.

    Attributes:
        index: What filters need of every row, and what rows share.
        details: What is shown of a row, `CHUNK_ROWS` rows to a block.
        pictures: ``data:`` addresses, `CHUNK_ROWS` rows to a block; blocks are empty when pictures are files.
    """

    index: str
    details: tuple[str, ...]
    pictures: tuple[str, ...]


def pack_rows(
    report: Report,
    pictures_of_page: PagePictures,
    overlays: Mapping[PictureId, Overlay],
    full: Mapping[PictureId, str] | None = None,
) -> PackedRows:
    """Pack all rows of all models; tries of one prompt and repeat stand together, in the order of models.

    Args:
        full: Addresses of whole picture files, where the page lies beside them.
    """
    places: dict[tuple[object, ...], int] = {}
    entries: list[tuple[int, int, int, int, ResultRow]] = []
    for number, of_model in enumerate(report.models):
        for row in of_model.rows:
            # Two suites, or two versions of one, may ask another thing under the same id.
            name = (row.prompt_id, row.script, row.text, *row.asked.items())
            place = places.setdefault(name, len(places))
            entries.append((place, row.repeat, row.turn, number, row))
    entries.sort(key=lambda entry: entry[:4])
    described: list[dict[str, Any]] = [{}] * len(places)
    nouns: dict[str, int] = {}
    columns: dict[str, list[Any]] = {"p": [], "r": [], "t": [], "m": [], "v": [], "c": []}
    for place, repeat, turn, model, row in entries:
        if not described[place]:
            described[place] = _place(row)
        columns["p"].append(place)
        columns["r"].append(repeat)
        columns["t"].append(turn)
        columns["m"].append(model)
        columns["v"].append(VERDICTS.index(_verdict(row)))
        columns["c"].append([row.counted.get(noun, -1) for noun in row.asked] if row.counted else 0)
    details, pictures = [], []
    for start in range(0, len(entries), CHUNK_ROWS):
        part = [((report.models[m].run, row.key, row.turn), row) for *_, m, row in entries[start : start + CHUNK_ROWS]]
        details.append(
            _deflated([_detail(place, row, pictures_of_page, overlays, nouns, full or {}) for place, row in part])
        )
        pictures.append(
            _plain([pictures_of_page.inline.get(place, "") for place, _ in part]) if pictures_of_page.inline else ""
        )
    index = {
        "chunk": CHUNK_ROWS,
        "models": [visible(model.label, 120) for model in report.models],
        "verdicts": VERDICTS,
        "places": described,
        "nouns": [visible(noun, 60) for noun in nouns],
        **columns,
    }
    return PackedRows(index=_deflated(index), details=tuple(details), pictures=tuple(pictures))


def _verdict(row: ResultRow) -> str:
    if row.outcome == "missing":
        return "missing sample"
    return str(row.verdict) if row.verdict is not None else "unjudged"


def _place(row: ResultRow) -> dict[str, Any]:
    return {
        "id": visible(row.prompt_id, 120),
        "text": visible(row.text, _TEXT),
        "tags": {visible(tag, 60): visible(value, 60) for tag, value in row.tags.items()},
        "asked": [[visible(noun, 60), n] for noun, n in row.asked.items()],
        "wanted": visible("; ".join(target_text(target) for target in row.targets), 400),
        "talk": row.conversation,
        "repair": row.repair,
    }


def _detail(
    place: PictureId,
    row: ResultRow,
    pictures_of_page: PagePictures,
    overlays: Mapping[PictureId, Overlay],
    nouns: dict[str, int],
    full: Mapping[PictureId, str],
) -> dict[str, Any]:
    overlay = overlays.get(place)
    body: dict[str, Any] = {
        "key": row.key,
        "seed": row.seed,
        "seconds": round(row.seconds, 3),
        "cost": row.cost,
        "outcome": row.outcome,
        "why": "" if row.counted and row.reason.startswith(_OBVIOUS) else visible(row.reason, 400),
        "counted": ", ".join(counted_noun(n, noun) for noun, n in row.counted.items()),
        "maybe": ", ".join(
            f"{row.low[noun]} to {counted_noun(row.high[noun], noun)}"
            for noun in row.counted
            if row.verdict is Kind.UNCERTAIN and row.low[noun] != row.high[noun]
        ),
        "words": visible(row.words, _WORDS),
        "refusal": row.refusal,
        "message": visible(row.message, 300),
        "rewritten": visible(row.rewritten, _WORDS),
        "src": pictures_of_page.beside.get(place, ""),
        "full": full.get(place, ""),
        "gone": place in pictures_of_page.missing,
        "boxes": [
            [nouns.setdefault(box.noun, len(nouns)), box.score, box.left, box.top, box.width, box.height, box.counted]
            for box in (overlay.boxes if overlay else ())
        ],
        "size": list(overlay.size) if overlay else None,
    }
    return {name: value for name, value in body.items() if value or name == "seed"}


def _deflated(body: Any) -> str:
    return base64.b64encode(zlib.compress(orjson.dumps(body, default=str), 6)).decode()


def _plain(body: Sequence[str]) -> str:
    # Pictures are compressed already; base64 in JSON holds no "<" that could end the block.
    return orjson.dumps(body).decode()
