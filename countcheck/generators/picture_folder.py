"""Pictures of a folder, found by prompt and repeat. How a folder is read is `countcheck.generators.folder_layouts`'s."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from countcheck.suites.suite import Conversation, Prompt, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPicture:
    """One picture of a folder and what its name, place or table row says of it.

    Attributes:
        path: The picture file, or the tar shard that holds it.
        member: Its name in the shard; empty for a file.
        names: Prompt ids and texts that it may answer, surest first, as `fold_name` writes them.
        number: The number in its name or row, 0 or more; ``None`` when there is none.
        whole: The file's whole name, folded: where that is a prompt's id, the number in it belongs to the id.
        model: The model that made it, as a manifest says.
        prompt: The prompt, where the place holds all of it.
    """

    path: Path
    names: tuple[str, ...]
    member: str = ""
    number: int | None = None
    whole: str = ""
    model: str = ""
    prompt: Prompt | None = None

    @property
    def label(self) -> str:
        """The picture's place, for messages and lists."""
        return f"{self.path}::{self.member}" if self.member else str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFolder:
    """All pictures of a folder, indexed by the prompts that they may answer.

    Attributes:
        layout: The layout that was read, one of `countcheck.generators.folder_layouts.LAYOUTS`.
        pictures: Every picture.
        suite: The prompts that the folder itself holds; ``None`` when it holds none.
        skipped: A sentence for every manifest line, folder or shard entry that was left out.
    """

    layout: str
    pictures: tuple[FolderPicture, ...]
    suite: Suite | None = None
    skipped: tuple[str, ...] = ()
    _index: dict[str, list[int]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
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
                return _number(pictures, exact=self.layout in ("geneval", "manifest", "webdataset"))
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


def _number(pictures: Sequence[FolderPicture], *, exact: bool) -> dict[int, FolderPicture]:
    """The repeats of one prompt's pictures: their numbers when those are plausible repeats, else their ranks."""
    numbers = [picture.number for picture in pictures if picture.number is not None]
    if len(numbers) == len(pictures) == len(set(numbers)) and (exact or max(numbers) < 100):
        first = 0 if exact or 0 in numbers else 1
        return {number - first: picture for number, picture in zip(numbers, pictures, strict=True)}
    ranked = sorted(pictures, key=lambda p: (p.number is None, p.number or 0, p.label))
    return dict(enumerate(ranked))
