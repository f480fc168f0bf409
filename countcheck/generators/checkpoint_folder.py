"""A folder into which a training run writes its samples: what is new in it, what is still being written, what is whole."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from countcheck.errors import BadInput
from countcheck.generators.base import Traits
from countcheck.generators.checkpoint_names import SampleName, StepPattern
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture
from countcheck.generators.picture_folder import fold_name
from countcheck.images.decode import decode, read_picture_file
from countcheck.images.files import PICTURE_SUFFIXES
from countcheck.resources import printable_path
from countcheck.suites.natural_order import natural_key
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Prompt

Place = tuple[int, str, int]
"""Step, prompt id and repeat of a picture."""
Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds: while they change, the file is being written."""

NO_STEP = "no step in its path"
NO_PROMPT = "answers no prompt of the suite"
TAKEN_PLACE = "another picture has the same step, prompt and repeat"


@dataclass(slots=True, kw_only=True)
class CheckpointPicture:
    """A picture file of a checkpoint.

    Attributes:
        path: The file.
        label: Its path below the folder.
        step, prompt_id, repeat: What it is a picture of.
        stamp: The file as it was last seen.
        since: When it was first seen as it is, on the folder's clock.
        taken: Whether it has an outcome.
        damaged: Whether that is a failure; when the file changes it is read again.
        changed: Whether the file was changed after it was scored.
    """

    path: Path
    label: str
    step: int
    prompt_id: str
    repeat: int
    stamp: Stamp
    since: float
    taken: bool = False
    damaged: bool = False
    changed: bool = False

    @property
    def place(self) -> Place:
        """Step, prompt id and repeat."""
        return self.step, self.prompt_id, self.repeat


@dataclass(slots=True, kw_only=True)
class CheckpointFolder:
    """A folder that is looked through again and again.

    Attributes:
        folder: The folder.
        prompts: What may have been drawn.
        pattern: Reads step and prompt from paths.
        leave_out: A folder below it that is not looked into, such as the run's own; ``None`` for none.
        quiet: Seconds for which a file must be unchanged before it is read, 0 or more.
        settle: Seconds for which a file that cannot be read must be unchanged before it counts as damaged, 0 or more.
        clock: Seconds, for tests.
        pictures: By label, the pictures that have a place.
        left_out: By label, why a picture has none.

    Raises:
        BadInput: When there is no such folder.
    """

    folder: Path
    prompts: Sequence[Prompt]
    pattern: StepPattern = field(default_factory=StepPattern)
    leave_out: Path | None = None
    quiet: float = 1.0
    settle: float = 10.0
    clock: Callable[[], float] = time.monotonic
    pictures: dict[str, CheckpointPicture] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    _places: dict[Place, str] = field(default_factory=dict)
    _prompts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise BadInput(f"{printable_path(self.folder)}: no such folder. Name the folder that the samples go to.")
        by_text = {fold_name(prompt.text): prompt.id for prompt in self.prompts}
        # An id goes before another prompt's text.
        self._prompts = by_text | {fold_name(prompt.id): prompt.id for prompt in self.prompts}

    def remember(self, label: str, place: Place, stamp: Stamp, *, damaged: bool) -> None:
        """Note a picture that an earlier process has taken, and whether it was damaged."""
        step, prompt_id, repeat = place
        self.pictures[label] = CheckpointPicture(
            path=self.folder / label,
            label=label,
            step=step,
            prompt_id=prompt_id,
            repeat=repeat,
            stamp=stamp,
            since=self.clock(),
            taken=True,
            damaged=damaged,
        )
        self._places[place] = label

    def scan(self) -> list[CheckpointPicture]:
        """Look through the folder and return the pictures that are to be read now, by step."""
        files = dict(self._files())
        for label in [label for label in self.pictures if label not in files]:
            self._drop(label)
        now = self.clock()
        for label, path in files.items():
            if label in self.left_out:
                continue
            try:
                status = path.stat()
            except OSError:  # removed since
                continue
            self._see(label, path, (status.st_size, status.st_mtime_ns), now)
        ready = [p for p in self.pictures.values() if not p.taken and p.stamp[0] and now - p.since >= self.quiet]
        return sorted(ready, key=lambda picture: (picture.step, picture.repeat, natural_key(picture.label)))

    @property
    def waiting(self) -> set[int]:
        """Steps of the pictures that have no outcome yet."""
        return {picture.step for picture in self.pictures.values() if not picture.taken}

    @property
    def changed(self) -> int:
        """Number of pictures that were changed after they were scored."""
        return sum(picture.changed for picture in self.pictures.values())

    def reasons(self) -> Counter[str]:
        """Count the pictures that have no place by reason."""
        return Counter(self.left_out.values())

    def is_settled(self, picture: CheckpointPicture) -> bool:
        """Whether a picture that cannot be read will not change any more, as far as anyone can say."""
        return self.clock() - picture.since >= self.settle

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Picture files by their path below the folder; nothing hidden, no links that lead out of it."""
        root = self.folder.resolve()
        without = None if self.leave_out is None else self.leave_out.resolve()
        for base, folders, names in os.walk(self.folder):
            here = Path(base)
            folders[:] = sorted(f for f in folders if not f.startswith(".") and (here / f).resolve() != without)
            for name in sorted(names, key=natural_key):
                path = here / name
                if name.startswith(".") or path.suffix.lower() not in PICTURE_SUFFIXES:
                    continue
                if path.is_symlink() and not path.resolve().is_relative_to(root):
                    continue
                yield printable_path(path.relative_to(self.folder).as_posix()), path

    def _see(self, label: str, path: Path, stamp: Stamp, now: float) -> None:
        known = self.pictures.get(label)
        if known is not None:
            if known.stamp != stamp and known.taken and not known.damaged:
                known.changed = True
            elif known.stamp != stamp:
                known.stamp, known.since, known.taken, known.damaged = stamp, now, False, False
            return
        place = self._place_of(label)
        if isinstance(place, str):
            self.left_out[label] = place
            return
        step, prompt_id, repeat = place
        # A file that was there before has been whole for as long as it is old.
        age = max(0.0, time.time() - stamp[1] / 1e9)
        self.pictures[label] = CheckpointPicture(
            path=path,
            label=label,
            step=step,
            prompt_id=prompt_id,
            repeat=repeat,
            stamp=stamp,
            since=now - age,
        )
        self._places[place] = label

    def _place_of(self, label: str) -> Place | str:
        """The step, prompt and repeat of a new picture; a sentence where there are none."""
        name = self.pattern.read(PurePosixPath(label))
        if name is None:
            return NO_STEP
        prompt_id = self._prompt_of(name)
        if prompt_id is None:
            return NO_PROMPT
        if name.repeat is not None:
            place = (name.step, prompt_id, name.repeat)
            return TAKEN_PLACE if place in self._places else place
        repeat = 0
        while (name.step, prompt_id, repeat) in self._places:
            repeat += 1
        return name.step, prompt_id, repeat

    def _prompt_of(self, name: SampleName) -> str | None:
        found = next((self._prompts[text] for text in name.names if text in self._prompts), None)
        if found is None and name.number is not None and 0 <= name.number < len(self.prompts):
            return self.prompts[name.number].id
        return found

    def _drop(self, label: str) -> None:
        """Forget a file that is gone; the place of one that was scored stays taken."""
        if not self.pictures[label].taken:
            del self._places[self.pictures[label].place]
            del self.pictures[label]


class CheckpointPictures:
    """The generator of one checkpoint: gives the pictures that are whole, each for its prompt and repeat.

    A sample whose picture is not there, or cannot be read yet, gets no outcome.

    Args:
        name: Of the generator in the run.
        step: The training step.
        folder: Says which files are settled.
        pictures: The files to read, by prompt id and repeat.
    """

    traits = Traits(batched=True)

    def __init__(
        self, name: str, step: int, folder: CheckpointFolder, pictures: Mapping[tuple[str, int], CheckpointPicture]
    ) -> None:
        self.name = name
        self.recipe = Recipe(name=name, settings={"step": step})
        self._folder = folder
        self._pictures = pictures

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield a `Picture` for each file that can be read, and a `Failure` for one that will not change any more."""
        for sample in samples:
            picture = self._pictures.get((sample.asked.id, sample.repeat))
            if picture is None:
                continue
            outcome = self._read(sample, picture)
            if outcome is not None:
                picture.taken, picture.damaged = True, isinstance(outcome, Failure)
                yield outcome

    def _read(self, sample: Sample, picture: CheckpointPicture) -> Outcome | None:
        """Read a file; ``None`` when it changed meanwhile, or cannot be read yet."""
        origin = {"from": picture.label, "stamp": list(picture.stamp)}
        try:
            data = read_picture_file(picture.path)
            status = picture.path.stat()
            if (status.st_size, status.st_mtime_ns) != picture.stamp:
                return None
            return Picture(key=sample.key, pixels=decode(data, place=printable_path(picture.path)), extra=origin)
        except BadInput as error:
            if not self._folder.is_settled(picture):
                return None
            return Failure(key=sample.key, fault=Fault.DAMAGED, message=str(error), extra=origin)
        except OSError:  # removed meanwhile
            return None


def read_origin(extra: Mapping[str, object]) -> tuple[str, Stamp] | None:
    """Read back the file that a sample's outcome was taken from: label and stamp; ``None`` where none is recorded."""
    label, stamp = extra.get("from"), extra.get("stamp")
    if not isinstance(label, str) or not isinstance(stamp, list) or len(stamp) != 2:
        return None
    return label, (int(stamp[0]), int(stamp[1]))
