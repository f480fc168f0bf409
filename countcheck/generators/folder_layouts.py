"""Folders of existing pictures, read by layout: which picture answers which prompt. Reads names and lists, no pixels.

Layouts: ``geneval`` (``00000/metadata.jsonl``, ``samples/0000.png``), ``cococount`` (``3__cat__7.png``),
``manifest`` (a CSV or JSONL table of picture, and prompt or prompt id, perhaps model and repeat), ``webdataset`` (tar
shards), ``flat`` (``<prompt id or text>_<number>.png``, CompBench's naming included, or one folder a prompt), ``of``
(every picture shows the same, given once).
"""

from __future__ import annotations

import re
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from countcheck.errors import BadInput, BadSettings, BadSuite
from countcheck.generators.picture_folder import FolderPicture, PictureFolder, fold_name
from countcheck.images.files import PICTURE_SUFFIXES
from countcheck.resources import exists, printable_path
from countcheck.suites.compose import InvalidField, read_target, slug
from countcheck.suites.formats import geneval
from countcheck.suites.language.nouns import plural_of, singular_of
from countcheck.suites.language.numbers import MOST, spell
from countcheck.suites.language.read_targets import read_targets
from countcheck.suites.readers import PromptCollector, json_lines, table_rows
from countcheck.suites.suite import Prompt, Relation, Suite, Target

LAYOUTS = ("auto", "geneval", "cococount", "manifest", "webdataset", "flat", "of")
_COCOCOUNT = re.compile(r"(\d{1,6})__(.+?)(?:__(.*))?")
_PICTURE_FIELDS = ("picture", "file_name", "filename", "image", "path", "file")
_REPEAT_FIELD = "repeat"
# Often a repeat, and often a table's row number.
_NUMBER_FIELDS = ("sample", "index")
_MAX_TEXT_BYTES = 1 << 20  # of a text file in a shard
_ENDS_IN_NUMBER = re.compile(r"(?:.*[_\-. ])?(\d+)")
_NUMBERED = re.compile(r"(.+?)[_\-. ]+(\d+)")


def read_picture_folder(folder: Path, layout: str = "auto", of: str = "") -> PictureFolder:
    """List the pictures of a folder by its layout. No picture is opened.

    Args:
        folder: A folder; a manifest file or a tar shard for those layouts.
        layout: One of `LAYOUTS`.
        of: ``noun=number`` (or ``noun=at least 2``), joined by commas: what every picture shows; for layout ``of``.

    Raises:
        BadSettings: If the layout is unknown, or ``of`` is malformed or given with another layout.
        BadInput: If the folder is missing, holds no picture, or has another layout.
    """
    if layout not in LAYOUTS:
        raise BadSettings(f"no layout {layout!r}. Known: {', '.join(LAYOUTS)}.")
    if not exists(folder):
        raise BadInput(
            f"{printable_path(folder)}: no such folder. Name a folder of pictures, a manifest, or a tar shard."
        )
    if layout == "auto":
        layout = "of" if of else _guess_layout(folder)
    if layout != "of" and of:
        raise BadSettings(f"--of belongs to a plain folder, not to the layout {layout}.")
    pictures = _read_same(folder, of) if layout == "of" else _READERS[layout](folder)
    if not pictures.pictures:
        raise BadInput(
            f"{printable_path(folder)}: no picture in it (layout {layout}). Name a folder with .png, .jpg or .webp files."
        )
    return pictures


def _guess_layout(folder: Path) -> str:
    if folder.is_file():
        return "webdataset" if folder.suffix == ".tar" else "manifest"
    if any((numbered / "metadata.jsonl").is_file() for numbered in _numbered_folders(folder)):
        return "geneval"
    if _manifest_in(folder) is not None:
        return "manifest"
    if any(folder.glob("*.tar")):
        return "webdataset"
    names = [path.stem for path in _picture_files(folder, [])]
    if names and all(_COCOCOUNT.fullmatch(name) for name in names):
        return "cococount"
    return "flat"


def _picture_files(folder: Path, skipped: list[str]) -> list[Path]:
    """The pictures under a folder, in order of name; links that lead out of it are left out, with a sentence."""
    if folder.is_file():
        raise BadInput(f"{printable_path(folder)} is a file. Name the folder that holds the pictures.")
    root = folder.resolve()
    files = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file()):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.resolve().is_relative_to(root):
            files.append(path)
        else:
            # Reports show pictures: a folder from elsewhere must not choose which of this machine's files they show.
            skipped.append(f"{printable_path(path)}: a link to a file outside the folder. Copy the file into it")
    return files


def _numbered_folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and p.name.isdecimal()) if folder.is_dir() else []


def _read_geneval(folder: Path) -> PictureFolder:
    pictures: list[FolderPicture] = []
    collector = PromptCollector(repeats=True)
    skipped: list[str] = []
    for prompt_folder in _numbered_folders(folder):
        body = _metadata(prompt_folder)
        if body is None:
            skipped.append(f"{prompt_folder}: no metadata.jsonl that can be read")
            continue
        try:
            prompt = geneval.prompt_of(prompt_folder.name, body)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            skipped.append(f"{prompt_folder}: not GenEval metadata ({type(error).__name__}: {error})")
            continue
        collector.add(1, prompt)
        # The folder's number is its own; a suite's ids may be numbered otherwise, its texts are the same.
        names = (fold_name(prompt.text), fold_name(prompt_folder.name))
        for path, number in _numbered_samples(_picture_files(prompt_folder / "samples", skipped)):
            pictures.append(
                FolderPicture(path=path, names=names, group=prompt_folder.name, number=number, prompt=prompt)
            )
    suite = (
        collector.suite(Path(printable_path(folder)), "GenEval prompts, from their picture tree.")
        if collector.prompts
        else None
    )
    return PictureFolder(layout="geneval", pictures=tuple(pictures), suite=suite, skipped=tuple(skipped))


def _numbered_samples(paths: Sequence[Path]) -> list[tuple[Path, int | None]]:
    """The pictures whose names end in a number, such as 0003 or 00000_3, with it; all of them where none does."""
    numbers = [(path, match) for path in paths if (match := _ENDS_IN_NUMBER.fullmatch(path.stem))]
    return [(path, int(match[1])) for path, match in numbers] or [(path, None) for path in paths]


def _metadata(prompt_folder: Path) -> Mapping[str, Any] | None:
    """The first object in a folder's metadata.jsonl; ``None`` when there is none."""
    path = prompt_folder / "metadata.jsonl"
    if not path.is_file() or not path.stat().st_size:
        return None
    return next((body for _, body in json_lines(path, PromptCollector())), None)


def _read_cococount(folder: Path) -> PictureFolder:
    pictures: list[FolderPicture] = []
    skipped: list[str] = []
    for path in _picture_files(folder, skipped):
        match = _COCOCOUNT.fullmatch(path.stem)
        if match is None:
            skipped.append(f"{path}: not named NUMBER__NOUN__REST")
            continue
        count, noun = int(match[1]), _singular(match[2].replace("_", " ").lower())
        end = match[3] or ""
        numbered = _NUMBERED.fullmatch(end)
        scene = "" if end.isdecimal() else (numbered[1] if numbered else end).replace("_", " ")
        things = noun if count == 1 else plural_of(noun)
        text, spelled = (
            " ".join(f"a photo of {number} {things} {scene}".split())
            for number in (str(count), spell(count) if count <= MOST else str(count))
        )
        target = Target(noun=noun, relation=Relation.EXACTLY if count else Relation.NONE, count=count)
        prompt = Prompt(id=slug(f"{count} {noun} {scene}"), text=text, targets=(target,))
        names = (fold_name(prompt.id), fold_name(text), fold_name(spelled))
        pictures.append(FolderPicture(path=path, names=names, prompt=prompt))
    return _with_suite("cococount", folder, pictures, "CoCoCount pictures: number and noun from their names.", skipped)


def _singular(noun: str) -> str:
    before, space, last = noun.rpartition(" ")
    return f"{before}{space}{singular_of(last) or last}"


def _read_same(folder: Path, of: str) -> PictureFolder:
    targets = _same_targets(of)
    skipped: list[str] = []
    paths = _picture_files(folder, skipped)
    text = " and ".join(target.sentence() for target in targets)
    pictures = []
    for path in paths:
        name = printable_path(path.relative_to(folder).with_suffix(""))
        prompt = Prompt(id=name, text=text, targets=targets)
        pictures.append(FolderPicture(path=path, names=(fold_name(name),), number=0, prompt=prompt))
    return _with_suite("of", folder, pictures, f"Pictures of {text}.", skipped)


def _same_targets(of: str) -> tuple[Target, ...]:
    targets = []
    for part in of.split(","):
        noun, sign, number = part.partition("=")
        if not sign or not noun.strip():
            raise BadSettings(f"--of {of!r} is not NOUN=NUMBER. Write --of pig=3, or --of 'pig=3,wolf=at least 1'.")
        try:
            targets.append(read_target(noun.strip().lower(), number.strip(), {}))
        except InvalidField as error:
            raise BadSettings(f"--of {of!r}: {error}.") from error
    return tuple(targets)


def _read_flat(folder: Path) -> PictureFolder:
    pictures: list[FolderPicture] = []
    skipped: list[str] = []
    for path in _picture_files(folder, skipped):
        *folders, stem = path.relative_to(folder).with_suffix("").parts
        numbered = _NUMBERED.fullmatch(stem)
        names = [fold_name(stem)]
        if numbered:
            names.insert(0, fold_name(numbered[1]))
        # One folder a prompt: its pictures are numbered inside.
        names += [fold_name(part) for part in folders if part not in ("samples", "images")]
        number = int(numbered[2]) if numbered else int(stem) if stem.isdecimal() else None
        pictures.append(
            FolderPicture(
                path=path,
                names=tuple(dict.fromkeys(name for name in names if name)),
                group="/".join([*folders, numbered[1] if numbered else "" if number is not None else stem]),
                number=number,
                whole="" if folders else fold_name(stem),
            )
        )
    return PictureFolder(layout="flat", pictures=tuple(pictures), skipped=tuple(skipped))


def _manifest_in(folder: Path) -> Path | None:
    for name in ("manifest.csv", "manifest.jsonl", "manifest.tsv", "metadata.csv", "metadata.jsonl"):
        if (folder / name).is_file():
            return folder / name
    return None


def _read_manifest(folder: Path) -> PictureFolder:
    path = folder if folder.is_file() else _manifest_in(folder)
    if path is None:
        raise BadInput(f"{folder}: no manifest.csv or manifest.jsonl in it. Name the manifest itself.")
    collector = PromptCollector()
    try:
        read = json_lines if path.suffix == ".jsonl" else table_rows
        rows = list(read(path, collector))
    except BadSuite as error:
        raise BadInput(str(error)) from error
    pictures = [p for line, row in rows if (p := _row_picture(path, line, row, collector)) is not None]
    skipped = [f"{path}:{line.line}: {line.why}" for line in collector.skipped]
    return _with_suite("manifest", path, pictures, "Prompts from a manifest.", skipped)


def _row_picture(path: Path, line: int, raw: Mapping[str, Any], collector: PromptCollector) -> FolderPicture | None:
    """The picture of a manifest's row; ``None``, with the reason in ``collector``, when the row has none."""
    row = {str(k).lower(): v for k, v in raw.items()}
    name = next((str(row[column]) for column in _PICTURE_FIELDS if row.get(column)), "")
    if not name:
        collector.skip(line, f"no picture (fields: {', '.join(row)})")
        return None
    if (problem := _file_problem(path.parent, name)) is not None:
        collector.skip(line, problem)
        return None
    picture = _with_row(FolderPicture(path=path.parent / name, names=()), row)
    if picture is None:
        collector.skip(line, "neither prompt nor prompt_id")
    return picture


def _file_problem(folder: Path, name: str) -> str | None:
    """What is wrong with a picture's name in a manifest; ``None`` for a file in the manifest's folder."""
    root = folder.resolve()
    try:
        file = (root / name).resolve()
        if root not in file.parents:
            return f"the picture {name[:200]!r} lies outside {printable_path(folder)}"
        return None if file.is_file() else f"no file {name[:200]!r}"
    except (OSError, ValueError) as error:  # a name too long for the system, a NUL in it
        return f"no file can be named {name[:80]!r} ({getattr(error, 'strerror', None) or error})"


def _with_row(picture: FolderPicture, row: Mapping[str, Any]) -> FolderPicture | None:
    """The picture with the names, number, model and prompt of its row; ``None`` when that names no prompt."""
    name = str(row.get("prompt_id") or row.get("id") or "")
    text = str(row.get("prompt") or row.get("text") or row.get("caption") or "").strip()
    if not name and not text:
        return None
    columns = [f for f in (_REPEAT_FIELD, *_NUMBER_FIELDS) if re.fullmatch(r"\s*\d{1,9}\s*", str(row.get(f, "")))]
    number = int(row[columns[0]]) if columns else None
    prompt = None
    if text:
        reading = read_targets(text)
        prompt = Prompt(
            id=name or slug(text), text=text, targets=reading.targets, not_understood=reading.not_understood
        )
    names = tuple(dict.fromkeys(fold_name(n) for n in (name, text) if n))
    return replace(
        picture,
        names=names,
        group=text or name,
        number=number,
        is_repeat=columns[:1] == [_REPEAT_FIELD],
        model=str(row.get("model") or ""),
        prompt=prompt,
    )


def _read_webdataset(folder: Path) -> PictureFolder:
    shards = [folder] if folder.is_file() else sorted(path for path in folder.glob("*.tar") if path.is_file())
    pictures: list[FolderPicture] = []
    skipped: list[str] = []
    for shard in shards:
        try:
            with tarfile.open(shard, "r:") as tar:  # no compressed ones: a small file may expand without end
                pictures += list(_shard_pictures(shard, tar, skipped))
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BadInput(f"{shard}: not a tar shard that can be read ({error}). Get it again.") from error
    return _with_suite("webdataset", folder, pictures, "Prompts from WebDataset shards.", skipped)


def _shard_pictures(shard: Path, tar: tarfile.TarFile, skipped: list[str]) -> Iterator[FolderPicture]:
    samples: dict[str, dict[str, tarfile.TarInfo]] = defaultdict(dict)
    for member in tar:
        if member.isfile():
            base, _, ending = member.name.rpartition("/")[2].partition(".")
            key = f"{member.name.rpartition('/')[0]}/{base}"
            samples[key][f".{ending.lower()}"] = member
    for key, files in samples.items():
        file = next((m for ending, m in files.items() if ending in PICTURE_SUFFIXES), None)
        if file is None:
            continue
        row: dict[str, Any] = {"prompt_id": key.lstrip("/")} if not {".json", ".txt"} & files.keys() else {}
        try:
            if ".json" in files:
                row |= orjson.loads(_member_bytes(tar, files[".json"]))
            if ".txt" in files:
                row["prompt"] = _member_bytes(tar, files[".txt"]).decode("utf-8", errors="replace").strip()
        except (orjson.JSONDecodeError, TypeError, ValueError) as error:
            skipped.append(f"{shard}::{key}: cannot be read ({error})")
            continue
        picture = _with_row(FolderPicture(path=shard, names=(), member=file.name), row)
        if picture is None:
            skipped.append(f"{shard}::{key}: neither prompt nor prompt_id")
        else:
            yield picture


def _member_bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None or member.size > _MAX_TEXT_BYTES:
        raise ValueError("no text file, or a very large one")
    return file.read()


def _with_suite(
    layout: str, source: Path, pictures: Iterable[FolderPicture], description: str, skipped: Sequence[str] = ()
) -> PictureFolder:
    """A folder with the suite of its pictures' prompts, where every picture has one."""
    pictures = tuple(pictures)
    prompts: dict[str, Prompt] = {}
    for picture in pictures:
        if picture.prompt is not None:
            prompts.setdefault(picture.prompt.id, picture.prompt)
    suite = None
    if prompts and all(picture.prompt is not None for picture in pictures):
        suite = Suite(
            name=printable_path(source.stem),
            description=description,
            prompts=tuple(prompts.values()),
            source=printable_path(source),
        )
    return PictureFolder(layout=layout, pictures=pictures, suite=suite, skipped=tuple(skipped))


_READERS: dict[str, Callable[[Path], PictureFolder]] = {
    "geneval": _read_geneval,
    "cococount": _read_cococount,
    "manifest": _read_manifest,
    "webdataset": _read_webdataset,
    "flat": _read_flat,
}
