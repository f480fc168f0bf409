"""``countcheck count``: pictures, how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countcheck.cli.main import app
from countcheck.cli.output import stdout_console

if TYPE_CHECKING:
    from countcheck.counting.counter import Counter
    from countcheck.errors import BadInput
    from countcheck.images.types import RgbArray
    from countcheck.suites.suite import Noun

LONGEST = 300


@app.command("count")
def count_pictures(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Picture files, or folders of them.")],
    of: Annotated[list[str], typer.Option("--of", metavar="NOUN", help="What to count; may be given many times.")],
    counter: Annotated[str, typer.Option("-d", "--counter", metavar="COUNTER", help="Who counts.")] = "tiny",
    style: Annotated[str, typer.Option(help="Look of the pictures, for a counter with thresholds by style.")] = "",
    batch: Annotated[int, typer.Option(min=1, help="Pictures looked at together; changes no count.")] = 16,
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="Write pictures with the boxes drawn.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Count things in pictures."""
    from countcheck.counting.counter import load_counter
    from countcheck.images.files import find_pictures, read_pictures
    from countcheck.suites.suite import Noun

    nouns = [Noun(name=name) for name in _names(of)]
    paths = find_pictures(images)
    looking = load_counter(counter)
    _known(looking, nouns)
    drawings = _drawings(save, paths)
    rows: list[dict[str, Any]] = []
    for part in _parts(read_pictures(paths), batch):
        rows += _counted(part, looking, nouns, style or None, drawings)
    _show(rows, [noun.name for noun in nouns], as_json)
    if any("error" in row for row in rows):
        raise typer.Exit(2)


def _names(given: Sequence[str]) -> list[str]:
    from countcheck.errors import BadInput

    names = list(dict.fromkeys(" ".join(name.split()).lower() for name in given))
    if "" in names:
        raise BadInput("--of is empty. Name a thing, as in --of pig.")
    for name in names:
        if len(name) > LONGEST:
            raise BadInput(f"--of {name[:40]!r}... has {len(name)} characters. Give a noun of at most {LONGEST}.")
    return names


def _known(looking: Counter, nouns: Sequence[Noun]) -> None:
    """Refuse when nothing asked for can be counted; say on stderr which nouns cannot."""
    from countcheck.errors import UnknownName

    missing = looking.unsupported(nouns)
    if missing and len(missing) == len(nouns):
        raise UnknownName("noun", missing[0], looking.vocabulary or (), place=f"counter {looking.name}")
    for name in missing:
        typer.echo(f"{looking.name} does not know {name!r}: it is not counted.", err=True)


def _parts(
    read: Iterator[tuple[Path, RgbArray | BadInput]], size: int
) -> Iterator[list[tuple[Path, RgbArray | BadInput]]]:
    part: list[tuple[Path, RgbArray | BadInput]] = []
    for one in read:
        part.append(one)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _counted(
    part: Sequence[tuple[Path, RgbArray | BadInput]],
    looking: Counter,
    nouns: Sequence[Noun],
    style: str | None,
    drawings: dict[Path, Path],
) -> list[dict[str, Any]]:
    from countcheck.errors import BadInput

    good = [(path, picture) for path, picture in part if not isinstance(picture, BadInput)]
    found = dict(zip((path for path, _ in good), looking.detect([p for _, p in good], nouns), strict=True))
    rows: list[dict[str, Any]] = []
    for path, picture in part:
        if isinstance(picture, BadInput):
            rows.append({"image": str(path), "counts": {}, "uncertain": [], "unsupported": [], "boxes": []})
            rows[-1]["error"] = str(picture)
            continue
        seen = found[path]
        counted = looking.count(seen, nouns, style)
        rows.append(
            {
                "image": str(path),
                "counts": dict(counted.counts),
                "uncertain": list(counted.uncertain),
                "unsupported": sorted(counted.unsupported),
                "boxes": [
                    {
                        "noun": seen.nouns[i],
                        "score": round(float(seen.scores[i]), 5),
                        "xyxy": [round(float(v), 2) for v in seen.boxes[i]],
                    }
                    for i in counted.kept
                ],
            }
        )
        if path in drawings:
            from PIL import Image

            from countcheck.reports.draw_boxes import draw_boxes, numbered_boxes

            draw_boxes(Image.fromarray(picture), numbered_boxes(seen, counted.kept)).save(drawings[path])
    return rows


def _drawings(folder: Path | None, paths: Sequence[Path]) -> dict[Path, Path]:
    """Where each picture's drawing goes; pictures of one name from different folders do not write over each other."""
    import hashlib

    if folder is None:
        return {}
    from countcheck.errors import BadInput

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot write there ({error.strerror}). Choose another with --save.") from error
    stems = [path.stem for path in dict.fromkeys(paths)]
    tails = {path: hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8] for path in paths}
    names = {path: path.stem if stems.count(path.stem) == 1 else f"{path.stem}-{tails[path]}" for path in paths}
    return {path: folder / f"{name}.png" for path, name in names.items()}


def _show(rows: Sequence[dict[str, Any]], names: Sequence[str], as_json: bool) -> None:
    if as_json:
        import orjson

        typer.echo(orjson.dumps(list(rows), option=orjson.OPT_INDENT_2).decode())
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("image", overflow="fold")
    for name in names:
        table.add_column(Text(name[:40]), justify="right")
    for row in rows:
        cells = [_cell(row, name) for name in names]
        table.add_row(Text(row["image"]), *(Text(cell) for cell in cells))
    good = [row for row in rows if "error" not in row]
    if len(good) > 1:
        totals = (sum(row["counts"].get(name, 0) for row in good) for name in names)
        table.add_section()
        table.add_row(Text(f"{len(good)} pictures"), *(Text(str(total)) for total in totals))
    stdout_console().print(table)
    if any(row["uncertain"] for row in good):
        typer.echo("~ within its margin the counter finds another number: look for yourself.")
    for row in rows:
        if "error" in row:
            typer.echo(row["error"], err=True)


def _cell(row: dict[str, Any], name: str) -> str:
    if "error" in row:
        return "unreadable"
    if name in row["unsupported"]:
        return "unknown"
    return f"{'~' if name in row['uncertain'] else ''}{row['counts'][name]}"
