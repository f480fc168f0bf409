"""Pictures of a folder, found by prompt and repeat. How a folder is read is `countcheck.generators.folder_layouts`'s."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from countcheck.resources import printable_path
from countcheck.suites.natural_order import natural_key
from countcheck.suites.suite import Conversation, Prompt, Suite

# A table may name a repeat below this even where no prompt has as many pictures.
_MAX_STATED_REPEAT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPicture:
    """One picture of a folder and what its name, place or table row says of it.

    Attributes:
        path: The picture file, or the tar shard that holds it.
        member: Its name in the shard; empty for a file.
        names: Prompt ids and texts that it may answer, surest first, as `fold_name` writes them.
        group: Pictures of one prompt have the same, as far as the place tells.
        number: The number in its name or row, 0 or more; ``None`` when there is none.
        is_repeat: Whether a table's column says that the number is a repeat.
        whole: The file's whole name, folded: where that is a prompt's id, the number in it belongs to the id.
        model: The model that made it, as a manifest says.
        prompt: The prompt, where the place holds all of it.
    """

    path: Path
    names: tuple[str, ...]
    member: str = ""
    group: str = ""
    number: int | None = None
    is_repeat: bool = False
    whole: str = ""
    model: str = ""
    prompt: Prompt | None = None

    @property
    def label(self) -> str:
        """The picture's place, for messages and lists."""
        place = printable_path(self.path)
        return f"{place}::{printable_path(self.member)}" if self.member else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """What the numbers in a folder's names or rows mean.

    Attributes:
        first: The number of repeat 0; ``None`` when numbers are no repeats, and pictures of a prompt are numbered in
            the order of their numbers and names.
        note: A sentence about it for people; empty where there are no numbers.
    """

    first: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFolder:
    """All pictures of a folder, indexed by the prompts that they may answer.

    Attributes:
        layout: The layout that was read, one of `countcheck.generators.folder_layouts.LAYOUTS`.
        pictures: Every picture.
        suite: The prompts that the folder itself holds; ``None`` when it holds none.
        skipped: A sentence for every manifest line, folder, file or shard entry that was left out.
        numbering: What the numbers of the pictures mean.
    """

    layout: str
    pictures: tuple[FolderPicture, ...]
    suite: Suite | None = None
    skipped: tuple[str, ...] = ()
    numbering: Numbering = field(init=False)
    _index: dict[str, list[int]] = field(init=False, default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbering", choose_numbering(self.pictures))
        for n, picture in enumerate(self.pictures):
            for name in picture.names:
                self._index.setdefault(name, []).append(n)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in order of first appearance; one empty name when none is given."""
        return tuple(dict.fromkeys(picture.model for picture in self.pictures)) or ("",)

    def by_repeat(self, asked: Prompt | Conversation, model: str = "") -> dict[int, FolderPicture]:
        """Return the pictures that answer a prompt, by repeat from 0.

        Args:
            asked: The prompt; its id is looked up first, then its text.
            model: Only pictures of this model; empty for all.
        """
        for name in (fold_name(asked.id), fold_name(asked.text)):
            candidates = (self.pictures[n] for n in self._index.get(name, ()))
            pictures = [picture for picture in candidates if not model or picture.model == model]
            if pictures:
                pictures = [replace(p, number=None) if p.whole == name else p for p in pictures]
                return _by_repeat(pictures, self.numbering.first)
        return {}

    def repeats(self, suite: Suite) -> int:
        """Return how many repeats the suite has in this folder: the highest repeat of any prompt and model, plus 1."""
        highest = (max(self.by_repeat(asked, model), default=-1) for asked in suite.asked for model in self.models)
        return max(highest, default=-1) + 1

    def unmatched(self, suite: Suite) -> list[FolderPicture]:
        """Return the pictures that answer no prompt of a suite."""
        matched = {
            picture.label
            for asked in suite.asked
            for model in self.models
            for picture in self.by_repeat(asked, model).values()
        }
        return [picture for picture in self.pictures if picture.label not in matched]


def fold_name(text: str) -> str:
    """Reduce a text to what file names keep of it: lower-case letters and digits, single spaces.

    >>> fold_name("Two cats,  film_noir!")
    'two cats film noir'
    """
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def choose_numbering(pictures: Iterable[FolderPicture]) -> Numbering:
    """Decide, for a whole folder, whether numbers are repeats: they may as well be prompt numbers, seeds or dates.

    Numbers that a table calls repeats are, while they are plausible. Others are when they fit: they begin at 0 or 1 and
    no prompt could be complete with fewer, or they recur from prompt to prompt and hardly any is missing.

    >>> def named(group, *numbers):
    ...     return [FolderPicture(path=Path(), names=(), group=group, number=n) for n in numbers]
    >>> choose_numbering([*named("pigs", 1, 2), *named("cats", 1)]).first
    1
    >>> choose_numbering([*named("pigs", 41), *named("cats", 42)]).note
    'numbers up to 42 are not repeats, since no prompt has more than 1 picture: pictures are numbered in order'
    """
    groups: dict[tuple[str, str], list[FolderPicture]] = defaultdict(list)
    for picture in pictures:
        groups[picture.model, picture.group or " ".join(picture.names[:1])].append(picture)
    numbers = [[p.number for p in group if p.number is not None] for group in groups.values()]
    known = {number for group in numbers for number in group}
    if not known:
        return Numbering()
    most = max(len(group) for group in groups.values())
    highest, first = max(known), 0 if 0 in known else 1
    is_stated = all(p.is_repeat for group in groups.values() for p in group if p.number is not None)
    recurs = sum(len(set(group)) for group in numbers) > len(known)
    if is_stated:
        first = first if highest <= most else 0
        fits = highest < max(_MAX_STATED_REPEAT, 2 * most)
    else:
        fits = highest - first < (2 * most if recurs else most)
    if fits:
        return Numbering(first=first, note=f"numbers are read as repeats, from {first}")
    plural = "" if most == 1 else "s"
    return Numbering(
        note=f"numbers up to {highest} are not repeats, since no prompt has more than {most} picture{plural}: "
        "pictures are numbered in order"
    )


def _by_repeat(pictures: Sequence[FolderPicture], first: int | None) -> dict[int, FolderPicture]:
    """The repeats of one prompt's pictures: by their numbers where those are repeats, else in order."""
    numbers = [picture.number for picture in pictures if picture.number is not None]
    if first is not None and len(numbers) == len(pictures) == len(set(numbers)) and min(numbers) >= first:
        return {number - first: picture for number, picture in zip(numbers, pictures, strict=True)}
    ordered = sorted(pictures, key=lambda p: (p.number is None, p.number or 0, natural_key(p.label)))
    return dict(enumerate(ordered))
