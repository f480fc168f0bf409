"""Folders of pictures that somebody else made: which picture answers which prompt. Reads names and lists, no pictures.

Known layouts: ``geneval`` (``00000/metadata.jsonl``, ``samples/0000.png``), ``cococount`` (``3__cat__7.png``),
``manifest`` (a CSV or JSONL table of picture, and prompt or prompt id, perhaps model and repeat), ``webdataset`` (tar
shards), ``flat`` (``<prompt id or text>_<number>.png``, CompBench's naming included, or one folder a prompt), ``of``
(every picture shows what is said once for all).
"""

from __future__ import annotations

import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from countcheck.errors import BadInput, BadSettings, BadSuite
from countcheck.suites.compose import InvalidField, read_target, slug
from countcheck.suites.formats import geneval
from countcheck.suites.language.nouns import plural_of, singular_of
from countcheck.suites.language.numbers import MOST, spell
from countcheck.suites.language.read_targets import read_targets
from countcheck.suites.readers import PromptCollector, json_lines, table_rows
from countcheck.suites.suite import Conversation, Prompt, Relation, Suite, Target

LAYOUTS = ("auto", "geneval", "cococount", "manifest", "webdataset", "flat", "of")
PICTURES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"))
_COCOCOUNT = re.compile(r"(\d{1,6})__(.+?)(?:__(.*))?")
_NUMBERED = re.compile(r"(.+?)[_\-. ]+(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One picture and what its place says of it.

    Attributes:
        path: The picture file, or the shard that holds it.
        member: Its name in the shard; empty for a file.
        names: What it may answer, surest first: prompt ids and texts, folded.
        number: Which of its prompt's pictures it is, as the place says; ``None`` when it does not.
        whole: The file's whole name, folded: where that is the prompt's id, the number in it belongs to the id.
        model: Who drew it, as a manifest says.
        prompt: The prompt, where the place tells it whole.
    """

    path: Path
    names: tuple[str, ...]
    member: str = ""
    number: int | None = None
    whole: str = ""
    model: str = ""
    prompt: Prompt | None = None

    @property
    def shown(self) -> str:
        """As errors and lists name it."""
        return f"{self.path}::{self.member}" if self.member else str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Album:
    """All pictures of a folder, found by prompt and repeat.

    Attributes:
        layout: Which layout it has.
        entries: Every picture.
        suite: The prompts that the folder itself tells; ``None`` when it tells none.
        skipped: Lines of a manifest that were left out, and files that are no pictures are not among them.
    """

    layout: str
    entries: tuple[Entry, ...]
    suite: Suite | None = None
    skipped: tuple[str, ...] = ()
    _index: dict[str, list[int]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for n, entry in enumerate(self.entries):
            for name in entry.names:
                self._index.setdefault(name, []).append(n)

    @property
    def models(self) -> tuple[str, ...]:
        """Who drew, in order of first appearance; one empty name when nobody is named."""
        return tuple(dict.fromkeys(entry.model for entry in self.entries)) or ("",)

    def pictures_of(self, asked: Prompt | Conversation, model: str = "") -> dict[int, Entry]:
        """Repeat to picture. Numbers below 100 are repeats (from 0, or from 1 where no picture is 0); others are ranks."""
        for name in (folded(asked.id), folded(asked.text)):
            found = [self.entries[n] for n in self._index.get(name, ()) if not model or self.entries[n].model == model]
            if found:
                found = [replace(e, number=None) if e.whole == name else e for e in found]
                return _by_repeat(found, exact=self.layout in ("geneval", "manifest", "webdataset"))
        return {}

    def repeats(self, suite: Suite) -> int:
        """How many pictures the best-served prompt has, by the highest repeat."""
        return max(
            (max(found) + 1 for a in suite.asked for m in self.models if (found := self.pictures_of(a, m))), default=0
        )

    def unclaimed(self, suite: Suite) -> list[Entry]:
        """Pictures that no prompt of the suite asks for."""
        claimed = {e.shown for a in suite.asked for m in self.models for e in self.pictures_of(a, m).values()}
        return [entry for entry in self.entries if entry.shown not in claimed]


def _by_repeat(found: Sequence[Entry], *, exact: bool) -> dict[int, Entry]:
    numbers = [entry.number for entry in found]
    known = [n for n in numbers if n is not None]
    if len(known) == len(found) and len(set(known)) == len(known) and (exact or max(known) < 100):
        first = 0 if exact or 0 in known else 1
        return {n - first: entry for n, entry in zip(known, found, strict=True)}
    ranked = sorted(found, key=lambda e: (e.number is None, e.number or 0, e.shown))
    return dict(enumerate(ranked))


def folded(text: str) -> str:
    """A text as file names keep it: letters and digits, lower case, one space between."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def read_album(folder: Path, layout: str = "auto", of: str = "") -> Album:
    """The pictures in a folder, by its layout.

    Args:
        folder: A folder; a manifest file or a shard for those layouts.
        layout: One of `LAYOUTS`.
        of: ``noun=number`` (or ``noun=at least 2``), joined by commas: what every picture shows; for layout ``of``.

    Raises:
        BadSettings: For an unknown layout, or ``of`` that makes no sense.
        BadInput: When there is no such folder, or no picture in it, or it has another layout.
    """
    if layout not in LAYOUTS:
        raise BadSettings(f"no layout {layout!r}. Known: {', '.join(LAYOUTS)}.")
    if not folder.exists():
        raise BadInput(f"{folder}: no such folder. Name a folder of pictures, a manifest, or a tar shard.")
    if layout == "auto":
        layout = "of" if of else _guess(folder)
    if layout != "of" and of:
        raise BadSettings(f"--of belongs to a plain folder, not to the layout {layout}.")
    album = _READERS[layout](folder, of) if layout == "of" else _READERS[layout](folder)
    if not album.entries:
        raise BadInput(f"{folder}: no picture in it (layout {layout}). Name a folder with .png, .jpg or .webp files.")
    return album


def _guess(folder: Path) -> str:
    if folder.is_file():
        return "webdataset" if folder.suffix == ".tar" else "manifest"
    if any((one / "metadata.jsonl").is_file() for one in _numbered_folders(folder)):
        return "geneval"
    if _manifest_in(folder) is not None:
        return "manifest"
    if any(folder.glob("*.tar")):
        return "webdataset"
    names = [path.stem for path in _pictures(folder)]
    if names and all(_COCOCOUNT.fullmatch(name) for name in names):
        return "cococount"
    return "flat"


def _pictures(folder: Path) -> list[Path]:
    if folder.is_file():
        raise BadInput(f"{folder} is a file. Name the folder that holds the pictures.")
    found = (p for p in folder.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _numbered_folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and p.name.isdecimal()) if folder.is_dir() else []


def _geneval(folder: Path) -> Album:
    entries: list[Entry] = []
    collector = PromptCollector(repeats=True)
    skipped: list[str] = []
    for one in _numbered_folders(folder):
        listed = PromptCollector()
        body = next((b for _, b in json_lines(one / "metadata.jsonl", listed)), None) if _has(one) else None
        if body is None:
            skipped.append(f"{one}: no metadata.jsonl that can be read")
            continue
        try:
            prompt = geneval.prompt_of(one.name, body)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            skipped.append(f"{one}: not GenEval metadata ({type(error).__name__}: {error})")
            continue
        collector.add(1, prompt)
        samples = [
            p for p in sorted((one / "samples").glob("*")) if p.suffix.lower() in PICTURES and p.stem.isdecimal()
        ]
        # The folder's number is its own; a suite's ids may be numbered otherwise, its texts are the same.
        names = (folded(prompt.text), folded(one.name))
        entries += [Entry(path=p, names=names, number=int(p.stem), prompt=prompt) for p in samples]
    suite = collector.suite(folder, "GenEval prompts, from their picture tree.") if collector.prompts else None
    return Album(layout="geneval", entries=tuple(entries), suite=suite, skipped=tuple(skipped))


def _has(one: Path) -> bool:
    return (one / "metadata.jsonl").is_file() and (one / "metadata.jsonl").stat().st_size > 0


def _cococount(folder: Path) -> Album:
    entries: list[Entry] = []
    skipped: list[str] = []
    for path in _pictures(folder):
        found = _COCOCOUNT.fullmatch(path.stem)
        if found is None:
            skipped.append(f"{path}: not named NUMBER__NOUN__REST")
            continue
        count, noun = int(found[1]), _one(found[2].replace("_", " ").lower())
        end = found[3] or ""
        rest = _NUMBERED.fullmatch(end)
        scene = "" if end.isdecimal() else (rest[1] if rest else end).replace("_", " ")
        things = noun if count == 1 else plural_of(noun)
        text, spelled = (
            " ".join(f"a photo of {number} {things} {scene}".split())
            for number in (str(count), spell(count) if count <= MOST else str(count))
        )
        target = Target(noun=noun, relation=Relation.EXACTLY if count else Relation.NONE, count=count)
        prompt = Prompt(id=slug(f"{count} {noun} {scene}"), text=text, targets=(target,))
        names = (folded(prompt.id), folded(text), folded(spelled))
        entries.append(Entry(path=path, names=names, prompt=prompt))
    return _told("cococount", folder, entries, "CoCoCount pictures: number and noun from their names.", skipped)


def _one(noun: str) -> str:
    before, space, last = noun.rpartition(" ")
    return f"{before}{space}{singular_of(last) or last}"


def _of(folder: Path, of: str) -> Album:
    targets = _said(of)
    paths = _pictures(folder)
    text = " and ".join(target.sentence() for target in targets)
    entries = []
    for path in paths:
        name = str(path.relative_to(folder).with_suffix(""))
        prompt = Prompt(id=name, text=text, targets=targets)
        entries.append(Entry(path=path, names=(folded(name),), number=0, prompt=prompt))
    return _told("of", folder, entries, f"Pictures of {text}.")


def _said(of: str) -> tuple[Target, ...]:
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


def _flat(folder: Path) -> Album:
    entries: list[Entry] = []
    for path in _pictures(folder):
        parts = path.relative_to(folder).with_suffix("").parts
        stem = parts[-1]
        found = _NUMBERED.fullmatch(stem)
        names = [folded(stem)]
        if found:
            names.insert(0, folded(found[1]))
        if len(parts) > 1:
            # One folder a prompt: its pictures are numbered inside.
            names += [folded(part) for part in parts[:-1] if part not in ("samples", "images")]
        number = int(found[2]) if found else int(stem) if stem.isdecimal() else None
        unique = tuple(dict.fromkeys(name for name in names if name))
        entries.append(Entry(path=path, names=unique, number=number, whole=folded(stem) if len(parts) == 1 else ""))
    return Album(layout="flat", entries=tuple(entries))


_PICTURE_FIELDS = ("picture", "file_name", "filename", "image", "path", "file")
_REPEAT_FIELDS = ("repeat", "sample", "index")


def _manifest_in(folder: Path) -> Path | None:
    for name in ("manifest.csv", "manifest.jsonl", "manifest.tsv", "metadata.csv", "metadata.jsonl"):
        if (folder / name).is_file():
            return folder / name
    return None


def _manifest(folder: Path) -> Album:
    path = folder if folder.is_file() else _manifest_in(folder)
    if path is None:
        raise BadInput(f"{folder}: no manifest.csv or manifest.jsonl in it. Name the manifest itself.")
    collector = PromptCollector()
    try:
        read = json_lines if path.suffix == ".jsonl" else table_rows
        rows = list(read(path, collector))
    except BadSuite as error:
        raise BadInput(str(error)) from error
    entries = [e for line, row in rows if (e := _listed(path, line, row, collector)) is not None]
    skipped = [f"{path}:{one.line}: {one.why}" for one in collector.skipped]
    return _told("manifest", path, entries, "Prompts from a manifest.", skipped)


def _listed(path: Path, line: int, raw: Mapping[str, Any], collector: PromptCollector) -> Entry | None:
    row = {str(k).lower(): v for k, v in raw.items()}
    picture = next((str(row[name]) for name in _PICTURE_FIELDS if row.get(name)), "")
    if not picture:
        collector.skip(line, f"no picture (fields: {', '.join(row)})")
        return None
    root = path.parent.resolve()
    file = (root / picture).resolve()
    if root not in file.parents:
        collector.skip(line, f"the picture {picture!r} lies outside {path.parent}")
        return None
    if not file.is_file():
        collector.skip(line, f"no file {picture!r}")
        return None
    entry = _described(Entry(path=path.parent / picture, names=()), row)
    if entry is None:
        collector.skip(line, "neither prompt nor prompt_id")
    return entry


def _described(entry: Entry, row: Mapping[str, Any]) -> Entry | None:
    """The entry with what a row says of it; ``None`` when that names no prompt."""
    name = str(row.get("prompt_id") or row.get("id") or "")
    text = str(row.get("prompt") or row.get("text") or row.get("caption") or "").strip()
    if not name and not text:
        return None
    number = next((int(row[f]) for f in _REPEAT_FIELDS if re.fullmatch(r"\s*\d{1,9}\s*", str(row.get(f, "")))), None)
    prompt = None
    if text:
        prompt = Prompt(id=name or slug(text), text=text, targets=read_targets(text).targets)
    names = tuple(dict.fromkeys(folded(n) for n in (name, text) if n))
    return replace(entry, names=names, number=number, model=str(row.get("model") or ""), prompt=prompt)


def _webdataset(folder: Path) -> Album:
    shards = [folder] if folder.is_file() else sorted(folder.glob("*.tar"))
    entries: list[Entry] = []
    skipped: list[str] = []
    for shard in shards:
        try:
            with tarfile.open(shard) as tar:
                entries += list(_shard(shard, tar, skipped))
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BadInput(f"{shard}: not a tar shard that can be read ({error}). Get it again.") from error
    return _told("webdataset", folder, entries, "Prompts from WebDataset shards.", skipped)


def _shard(shard: Path, tar: tarfile.TarFile, skipped: list[str]) -> Iterator[Entry]:
    samples: dict[str, dict[str, tarfile.TarInfo]] = defaultdict(dict)
    for member in tar:
        if member.isfile():
            base, _, ending = member.name.rpartition("/")[2].partition(".")
            key = f"{member.name.rpartition('/')[0]}/{base}"
            samples[key][f".{ending.lower()}"] = member
    for key, files in samples.items():
        picture = next((m for ending, m in files.items() if ending in PICTURES), None)
        if picture is None:
            continue
        row: dict[str, Any] = {"prompt_id": key.lstrip("/")} if not {".json", ".txt"} & files.keys() else {}
        try:
            if ".json" in files:
                row |= orjson.loads(_bytes(tar, files[".json"]))
            if ".txt" in files:
                row["prompt"] = _bytes(tar, files[".txt"]).decode("utf-8", errors="replace").strip()
        except (orjson.JSONDecodeError, TypeError, ValueError) as error:
            skipped.append(f"{shard}::{key}: cannot be read ({error})")
            continue
        entry = _described(Entry(path=shard, names=(), member=picture.name), row)
        if entry is None:
            skipped.append(f"{shard}::{key}: neither prompt nor prompt_id")
        else:
            yield entry


_MAX_TEXT = 1 << 20


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None or member.size > _MAX_TEXT:
        raise ValueError("no text file, or a very large one")
    return file.read()


def _told(layout: str, source: Path, entries: Iterable[Entry], about: str, skipped: Sequence[str] = ()) -> Album:
    """An album whose entries tell their prompts, which make its suite."""
    entries = tuple(entries)
    prompts: dict[str, Prompt] = {}
    for entry in entries:
        if entry.prompt is not None:
            prompts.setdefault(entry.prompt.id, entry.prompt)
    suite = None
    if prompts and all(entry.prompt is not None for entry in entries):
        suite = Suite(name=source.stem, description=about, prompts=tuple(prompts.values()), source=str(source))
    return Album(layout=layout, entries=entries, suite=suite, skipped=tuple(skipped))


_READERS: dict[str, Any] = {
    "geneval": _geneval,
    "cococount": _cococount,
    "manifest": _manifest,
    "webdataset": _webdataset,
    "flat": _flat,
    "of": _of,
}
