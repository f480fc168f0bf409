"""Pictures for people: thumbnails, the boxes that were counted, and annotated copies."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from countcheck.counting.rule import CountingRule, count
from countcheck.counting.rule_settings import rule_of_record
from countcheck.errors import BadInput
from countcheck.files import atomic_write
from countcheck.images import thumbnails
from countcheck.reports.safe_text import visible

if TYPE_CHECKING:
    from PIL import Image

    from countcheck.detectors.base import Detections
    from countcheck.storage.rows import ResultRow
    from countcheck.storage.run_folder import RunFolder

INLINE_MOST = 600

Place = tuple[int, str, int]
"""Which picture of a report: the run's index, the sample's key, the turn. Two runs may hold the same sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One detection in shares of the picture: left, top, width, height from 0 to 1; whether the rule counted it."""

    noun: str
    score: float
    left: float
    top: float
    width: float
    height: float
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """The boxes of one picture, whose width and height in pixels are ``size``."""

    size: tuple[int, int]
    boxes: tuple[Box, ...]


def rule_of(run: RunFolder) -> CountingRule:
    """The counting rule of the run's current verdicts."""
    return rule_of_record(run.info.counter.rule)


def overlays_of(run: RunFolder, rows: Iterable[ResultRow]) -> dict[tuple[str, int], Overlay]:
    """The boxes of each counted picture by (key, turn); those far below the threshold are left out."""
    wanted = {(row.key, row.turn): row for row in rows if row.outcome == "picture"}
    rule = rule_of(run)
    found = {}
    for key, turn, seen in run.detections():
        row = wanted.get((key, turn))
        if row is not None:
            found[key, turn] = Overlay(size=seen.size, boxes=_boxes(seen, row, rule))
    return found


def _boxes(seen: Detections, row: ResultRow, rule: CountingRule) -> tuple[Box, ...]:
    nouns = dict.fromkeys(noun for target in row.targets for noun in target.nouns)
    style = row.tags.get("style")
    kept = set(count(seen, nouns, rule, style=style).kept)
    wide, tall = max(seen.size[0], 1), max(seen.size[1], 1)
    result = []
    for index, (noun, score) in enumerate(zip(seen.nouns, seen.scores.tolist(), strict=True)):
        near = score >= rule.threshold_for(noun, style) - max(rule.margin, 0.1)
        if index not in kept and not (near and noun in nouns):
            continue
        x1, y1, x2, y2 = seen.boxes[index].tolist()
        left, top = _share(x1, wide), _share(y1, tall)
        result.append(
            Box(
                noun=noun,
                score=round(score, 3),
                left=left,
                top=top,
                width=round(_share(x2, wide) - left, 4),
                height=round(_share(y2, tall) - top, 4),
                counted=index in kept,
            )
        )
    return tuple(result)


def _share(value: float, whole: int) -> float:
    return round(min(max(value / whole, 0.0), 1.0), 4)


@dataclass(slots=True, kw_only=True)
class Album:
    """Where the report's pictures are found: inside the page as data, or as files in a folder beside it.

    Attributes:
        inline: ``data:`` addresses, when pictures are inside the page.
        beside: Addresses relative to the page, when they are files.
        gone: Pictures whose file is missing or damaged.
    """

    inline: dict[Place, str] = field(default_factory=dict)
    beside: dict[Place, str] = field(default_factory=dict)
    gone: set[Place] = field(default_factory=set)

    def address(self, place: Place) -> str:
        """What stands in ``src``; empty when there is no picture to show."""
        return self.inline.get(place) or self.beside.get(place, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A picture that wants a small copy: its file, the copy that the run keeps, and where the page will look for it.

    Attributes:
        own: Where the run keeps its copy, whether or not it is there.
        kept: The run's copy, when it is there and as new as the picture.
        home: Whether the page lies in the run's folder, so that it can show the run's own files.
        name: Of the copy in a folder beside the page, without its ending; no two runs share one.
    """

    original: Path
    own: Path
    kept: Path | None
    home: bool
    name: Path


def make_album(
    runs: Iterable[tuple[RunFolder, Iterable[ResultRow]]], target: Path, *, inline_most: int | None = None
) -> Album:
    """Small copies of every picture for the page ``target``: inside it while there are few, else as files.

    A page in a run's folder shows the copies that the run keeps; any other has its own in ``NAME_pictures`` beside it,
    where those that are there already stay: a picture's name changes whenever the picture could.
    """
    wishes: dict[Place, _Wish] = {}
    album = Album()
    for index, (run, rows) in enumerate(runs):
        folder = run.path.resolve()
        home = folder == target.parent.resolve()
        token = hashlib.sha256(str(folder).encode("utf-8", "replace")).hexdigest()[:8]
        for row in rows:
            if not row.picture:
                continue
            path, place = run.pictures.find(row), (index, row.key, row.turn)
            if path is None:
                album.gone.add(place)
            else:
                wish = _Wish(
                    original=path,
                    own=thumbnails.thumbnail_path(folder, row.picture),
                    kept=thumbnails.saved_thumbnail(folder, row.picture, path),
                    home=home,
                    name=Path(token, *thumbnails.thumbnail_path(Path(), row.picture).with_suffix("").parts[1:]),
                )
                wishes[place] = wish
    if len(wishes) <= (INLINE_MOST if inline_most is None else inline_most):
        _put_inside(album, wishes)
    else:
        _put_beside(album, wishes, target)
    return album


def _put_inside(album: Album, wishes: Mapping[Place, _Wish]) -> None:
    for place, made in _each(wishes):
        if made is None:
            album.gone.add(place)
        else:
            data, kind = made
            album.inline[place] = f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _put_beside(album: Album, wishes: Mapping[Place, _Wish], target: Path) -> None:
    home = target.parent.resolve()
    folder = home / f"{target.stem}_pictures"
    there = (
        {path.relative_to(folder).with_suffix(""): path for path in folder.glob("*/*/*.*")} if folder.is_dir() else {}
    )
    missing = {}
    for place, wish in wishes.items():
        shown = _home_file(wish) if wish.home else there.get(wish.name)
        if shown is None:
            missing[place] = wish
        else:
            album.beside[place] = _address(shown.relative_to(home))
    for place, made in _each(missing):
        if made is None:
            album.gone.add(place)
            continue
        data, kind = made
        wish = wishes[place]
        made_at = wish.own if wish.home else (folder / wish.name).with_suffix(f".{kind.partition('/')[2]}")
        atomic_write(made_at, data)
        album.beside[place] = _address(made_at.relative_to(home))


def _address(path: Path) -> str:
    # A report may be called "50 % #1.html", or what is no text at all.
    return quote(os.fsencode(path.as_posix()))


def _home_file(wish: _Wish) -> Path | None:
    """What a page in the run's folder can show as it stands: the kept copy, or a picture that is small itself."""
    if wish.kept is not None:
        return wish.kept
    return wish.original if thumbnails.is_own_thumbnail(wish.original) else None


def _each(wishes: Mapping[Place, _Wish]) -> Iterator[tuple[Place, tuple[bytes, str] | None]]:
    # Pillow decodes and encodes outside the interpreter lock, so threads use every core.
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        places = list(wishes)
        for start in range(0, len(places), 256):
            part = places[start : start + 256]
            yield from zip(part, pool.map(_small_copy, (wishes[place] for place in part)), strict=True)


def _small_copy(wish: _Wish) -> tuple[bytes, str] | None:
    if wish.kept is not None:
        with contextlib.suppress(OSError):
            return wish.kept.read_bytes(), "image/webp"
    return thumbnails.make_thumbnail(wish.original)


_STROKES = ("#e8590c", "#1971c2", "#2f9e44", "#9c36b5", "#c2255c", "#e67700")


def annotate(image: Image.Image, boxes: Iterable[Box], caption: str) -> Image.Image:
    """The picture with its boxes drawn and one line of text below: counted boxes solid, near misses thin."""
    from PIL import Image, ImageDraw, ImageFont

    edge = max(image.size)
    stroke = max(2, edge // 250)
    size = max(12, edge // 45)
    font: Any = ImageFont.load_default(size)
    strip = int(size * 2)
    page = Image.new("RGB", (image.width, image.height + strip), (24, 23, 21))
    page.paste(image.convert("RGB"), (0, 0))
    pen = ImageDraw.Draw(page)
    colours: dict[str, str] = {}
    for box in boxes:
        colour = colours.setdefault(box.noun, _STROKES[len(colours) % len(_STROKES)])
        x, y = box.left * image.width, box.top * image.height
        corner = (x + box.width * image.width, y + box.height * image.height)
        pen.rectangle((x, y, *corner), outline=colour, width=stroke if box.counted else 1)
        if box.counted:
            pen.text((x + stroke, y + stroke), f"{visible(box.noun)} {box.score:.2f}", fill=colour, font=font)
    pen.text((size // 2, image.height + size // 3), visible(caption, 160), fill=(240, 236, 228), font=font)
    return page


def write_annotated(run: RunFolder, folder: Path) -> int:
    """An annotated copy of every counted picture of a run; returns how many. Damaged pictures are passed over.

    Raises:
        BadInput: When the folder cannot be written.
    """
    from PIL import Image

    rows = [row for row in run.rows() if row.outcome == "picture"]
    overlays = overlays_of(run, rows)
    written = 0
    for row in rows:
        path = run.pictures.find(row)
        if path is None:
            continue
        try:
            with Image.open(path) as opened:
                found = overlays.get((row.key, row.turn))
                page = annotate(opened, found.boxes if found else (), f"{row.verdict or ''}: {row.reason}")
        except (OSError, ValueError, SyntaxError):
            continue
        target = folder / str(row.verdict or "unjudged") / f"{path.stem}.png"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            page.save(target)
        except OSError as error:
            raise BadInput(f"{target} cannot be written ({error.strerror or error}). Name another folder.") from error
        written += 1
    return written
