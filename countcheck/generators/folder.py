"""The generator ``folder:PATH``: existing pictures, matched to the suite's prompts.

A prompt without a picture in the folder gets no outcome: the run reports it as missing.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from PIL.Image import Image

from countcheck.cards import Card, fill
from countcheck.errors import BadInput, BadSettings
from countcheck.generators.base import Traits
from countcheck.generators.folder_layouts import read_picture_folder
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture
from countcheck.generators.picture_folder import FolderPicture, PictureFolder
from countcheck.images.decode import MAX_BYTES, decode, read_picture
from countcheck.resources import files_digest, printable_path
from countcheck.suites.samples import Recipe, Sample


class FolderGenerator:
    """Return the pictures of a folder, each for the prompt that its name, place or manifest row names.

    Settings: ``layout``, ``of`` (see `read_picture_folder`); ``model``, only the pictures of that model.

    Attributes:
        folder: The pictures that were found.

    Raises:
        BadSettings: If no folder is named, or a setting is not known.
        BadInput: If there is no such folder, or no picture in it.
    """

    def __init__(self, card: Card) -> None:
        settings = fill(card, {"layout": "auto", "of": "", "model": ""})
        if not card.source:
            raise BadSettings(f"{card.name}: no folder is named. Write folder:PATH.")
        self._name = card.name
        self._model = str(settings["model"])
        self.folder: PictureFolder = read_picture_folder(
            Path(card.source), str(settings["layout"]), str(settings["of"])
        )
        self._recipe = Recipe(
            name=card.name,
            revision=_digest(self.folder),
            settings={"layout": self.folder.layout, "of": str(settings["of"]), "model": self._model},
            content={printable_path(card.source): self._content()},
        )

    @property
    def name(self) -> str:
        """The name in the run: the card's."""
        return self._name

    @property
    def traits(self) -> Traits:
        """Seeded and batched: the same sample always gets the same picture."""
        return Traits(seeded=True, batched=True)

    @property
    def recipe(self) -> Recipe:
        """Layout, a digest of the pictures' names and sizes in bytes, and one of their content."""
        return self._recipe

    def _content(self) -> str:
        """A digest of the bytes of all pictures, or of the shards that hold them."""
        own = (picture for picture in self.folder.pictures if not self._model or picture.model == self._model)
        paths = dict.fromkeys(picture.path for picture in own)
        try:
            return files_digest({printable_path(path): path for path in paths})
        except OSError as error:
            raise BadInput(f"{error.filename}: cannot be read ({error.strerror}).") from error

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield a `Picture` for each sample that has one, a `Failure` for a damaged file, nothing where there is none."""
        for sample in samples:
            picture = self.folder.by_repeat(sample.asked, self._model).get(sample.repeat)
            if picture is not None:
                yield _outcome(sample, picture)


def _outcome(sample: Sample, picture: FolderPicture) -> Outcome:
    try:
        pixels = _read_member(picture) if picture.member else read_picture(picture.path)
    except BadInput as error:
        return Failure(key=sample.key, fault=Fault.DAMAGED, message=str(error))
    return Picture(key=sample.key, pixels=pixels, extra={"from": picture.label})


def _read_member(picture: FolderPicture) -> Image:
    """Decode a picture inside a tar shard."""
    try:
        with tarfile.open(picture.path, "r:") as tar:
            member = tar.getmember(picture.member)
            file = tar.extractfile(member)
            if file is None or member.size > MAX_BYTES:
                raise BadInput(f"{picture.label} is no file, or larger than {MAX_BYTES // 2**20} MiB.")
            return decode(file.read(), place=picture.label)
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise BadInput(f"{picture.label} cannot be read ({error}).") from error


def _digest(folder: PictureFolder) -> str:
    """16 hex digits over the pictures' names, sizes and what they answer."""
    listed = sha256()
    for picture in sorted(folder.pictures, key=lambda p: p.label):
        size = picture.path.stat().st_size if picture.path.is_file() else 0
        listed.update(
            f"{printable_path(picture.path.name)}\0{printable_path(picture.member)}\0{size}\0{'|'.join(picture.names)}\n".encode()
        )
    return listed.hexdigest()[:16]
