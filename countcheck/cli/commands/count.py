"""``count``: count things in pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from countcheck.cli.main import MAKE, app
from countcheck.cli.options import OUTPUT, CounterOption, JsonOption, OutputOption
from countcheck.cli.output import note, show_result
from countcheck.errors import BadInput

if TYPE_CHECKING:
    from rich.table import Table

    from countcheck.counting.counter import Counter
    from countcheck.images.types import RgbArray
    from countcheck.suites.suite import Noun

MAX_NOUN = 300
MAX_NAME = 240  # bytes of a drawing's name before its ending; file systems take 255
MAX_COMPARED = 16  # pictures compared with those that counters are tested on
Read: TypeAlias = "tuple[Path, RgbArray | BadInput]"


@app.command("count", rich_help_panel=MAKE)
def count_pictures(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Picture files, or folders of them.")],
    of: Annotated[list[str], typer.Option("--of", metavar="NOUN", help="What to count, as in --of pig.")],
    counter: CounterOption = "auto",
    style: Annotated[
        str, typer.Option(metavar="STYLE", help="Style of the pictures, for a counter with thresholds by style.")
    ] = "",
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Pictures counted together; changes no count.")] = 16,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", rich_help_panel=OUTPUT, help="Also write the pictures with their boxes drawn."),
    ] = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Count things in pictures.

    Raises:
        typer.Exit: With code 2 when a picture cannot be read.

    Examples:
        countcheck count farm.jpg --of pig --of cow
        countcheck count pictures/ --of pig -d owlv2 --save boxes/ --json
    """
    from countcheck.counting.auto import AUTO, choose_counter
    from countcheck.counting.counter import load_counter
    from countcheck.images.files import batches_of, find_pictures, read_pictures
    from countcheck.suites.suite import Noun

    nouns = [Noun(name=name) for name in _names(of)]
    paths = find_pictures(images)
    loaded = load_counter(choose_counter(None) if counter == AUTO else counter)
    _refuse_unknown(loaded, nouns)
    drawings = _drawing_paths(save, paths)
    rows: list[dict[str, Any]] = []
    for part in batches_of(read_pictures(paths), batch):
        rows += _count(part, loaded, nouns, style or None, drawings)
    show_result(lambda: rows, lambda: _table(rows, [noun.name for noun in nouns]), as_json=as_json, output=output)
    if not as_json and any(row["uncertain"] for row in rows):
        note("~ uncertain: within its margin the counter finds another number. Check the picture by eye.")
    if not as_json and any(row.get("not_auditable") for row in rows):
        note("* not auditable: the counter gave a bare number and no places, so that nothing can be drawn.")
    _note_unlike(paths, loaded.name)
    failed = [row["error"] for row in rows if "error" in row]
    for error in failed:
        typer.echo(error, err=True)
    if failed:
        raise typer.Exit(2)


def _note_unlike(paths: Sequence[Path], counter: str) -> None:
    """Warn when many of the pictures look unlike those that counters are tested on."""
    from countcheck.counting.familiarity import compare_pictures
    from countcheck.images.decode import read_picture

    pictures = []
    for path in paths[:: max(1, len(paths) // MAX_COMPARED)][:MAX_COMPARED]:
        with contextlib.suppress(BadInput):
            pictures.append(read_picture(path))
    result = compare_pictures(pictures)
    if result.notable:
        note(result.sentence(counter))


def _names(texts: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(" ".join(text.split()).lower() for text in texts))
    if "" in names:
        raise BadInput("--of is empty. Name a thing, as in --of pig.")
    for name in names:
        if len(name) > MAX_NOUN:
            raise BadInput(f"--of {name[:40]!r}... has {len(name)} characters. Give a noun of at most {MAX_NOUN}.")
    return names


def _refuse_unknown(counter: Counter, nouns: Sequence[Noun]) -> None:
    """Raise when the counter knows none of the nouns; note those that it does not know."""
    from countcheck.errors import UnknownName

    unknown = counter.unsupported(nouns)
    if unknown and len(unknown) == len(nouns):
        raise UnknownName("noun", unknown[0], counter.vocabulary or (), place=f"counter {counter.name}")
    for name in unknown:
        note(f"{counter.name} does not know {name!r}: it is not counted.")


def _count(
    batch: Sequence[Read], counter: Counter, nouns: Sequence[Noun], style: str | None, drawings: Mapping[Path, Path]
) -> list[dict[str, Any]]:
    from PIL import Image

    from countcheck.reports.draw_boxes import draw_boxes, numbered_boxes
    from countcheck.resources import printable_path

    readable = {path: picture for path, picture in batch if not isinstance(picture, BadInput)}
    detections_of = dict(zip(readable, counter.detect(list(readable.values()), nouns), strict=True))
    rows: list[dict[str, Any]] = []
    for path, picture in batch:
        if isinstance(picture, BadInput):
            row = {"image": printable_path(path), "counts": {}, "uncertain": [], "unsupported": [], "boxes": []}
            rows.append({**row, "error": str(picture)})
            continue
        detections = detections_of[path]
        counted = counter.count(detections, nouns, style)
        boxes = [
            {
                "noun": detections.nouns[i],
                "score": round(float(detections.scores[i]), 5),
                "xyxy": [round(float(v), 2) for v in detections.boxes[i]],
            }
            for i in counted.kept
            if detections.nouns[i] not in detections.not_auditable
        ]
        unseen = sorted(detections.not_auditable & set(counted.counts))
        rows.append(
            {
                "image": printable_path(path),
                "counts": dict(counted.counts),
                "uncertain": list(counted.uncertain),
                "unsupported": sorted(counted.unsupported),
                "boxes": boxes,
                **({"not_auditable": unseen} if unseen else {}),
            }
        )
        if path in drawings:
            drawn = draw_boxes(Image.fromarray(picture), numbered_boxes(detections, counted.kept))
            try:
                drawn.save(drawings[path])
            except OSError as error:
                raise BadInput(f"{drawings[path]} cannot be written ({error.strerror or error}).") from error
    return rows


def _drawing_paths(folder: Path | None, paths: Sequence[Path]) -> dict[Path, Path]:
    """Return where each picture's drawing goes; pictures of one name in different folders get different files."""
    import hashlib

    if folder is None:
        return {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot write there ({error.strerror}). Choose another with --save.") from error
    stems = [path.stem for path in dict.fromkeys(paths)]
    digests = {path: hashlib.sha256(bytes(path.resolve())).hexdigest()[:8] for path in paths}
    is_own = {path: stems.count(path.stem) == 1 and len(bytes(Path(path.stem))) <= MAX_NAME for path in paths}
    names = {path: path.stem if is_own[path] else f"{path.stem[:60]}-{digests[path]}" for path in paths}
    return {path: folder / f"{name}.png" for path, name in names.items()}


def _table(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from countcheck.reports.safe_text import terminal_text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("image", overflow="fold")
    for name in names:
        table.add_column(Text(terminal_text(name[:40])), justify="right")
    for row in rows:
        table.add_row(Text(terminal_text(row["image"])), *(Text(_cell(row, name)) for name in names))
    good = [row for row in rows if "error" not in row]
    if len(good) > 1:
        totals = (sum(row["counts"].get(name, 0) for row in good) for name in names)
        table.add_section()
        table.add_row(Text(f"{len(good)} pictures"), *(Text(str(total)) for total in totals))
    return table


def _cell(row: dict[str, Any], name: str) -> str:
    if "error" in row:
        return "unreadable"
    if name in row["unsupported"]:
        return "unknown"
    mark = "*" if name in row.get("not_auditable", ()) else ""
    return f"{'~' if name in row['uncertain'] else ''}{row['counts'][name]}{mark}"
