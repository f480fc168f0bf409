"""Pictures that somebody else made, as a generator: ``folder:PATH``.

A prompt whose picture is not there gets no outcome: it stays owed, and is reported as missing.
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
from countcheck.generators.folder_layouts import Album, Entry, read_album
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture
from countcheck.images.decode import MAX_BYTES, decode, read_picture
from countcheck.suites.samples import Recipe, Sample


class FolderGenerator:
    """Hands over the pictures of a folder, each to the prompt that its name, place or manifest says it answers."""

    def __init__(self, card: Card) -> None:
        settings = fill(card, {"layout": "auto", "of": "", "model": ""})
        if not card.source:
            raise BadSettings(f"{card.name}: no folder is named. Write folder:PATH.")
        self._name = card.name
        self._model = str(settings["model"])
        self.album: Album = read_album(Path(card.source), str(settings["layout"]), str(settings["of"]))
        self._recipe = Recipe(
            name=card.name,
            revision=_digest(self.album),
            settings={"layout": self.album.layout, "of": str(settings["of"]), "model": self._model},
        )

    @property
    def name(self) -> str:
        """As the user calls it."""
        return self._name

    @property
    def traits(self) -> Traits:
        """Always the same pictures."""
        return Traits(seeded=True, batched=True)

    @property
    def recipe(self) -> Recipe:
        """Names and sizes of all pictures: another folder is another generator."""
        return self._recipe

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """A picture for each sample that has one; a damaged file is a failure; nothing where there is none."""
        for sample in samples:
            entry = self.album.pictures_of(sample.asked, self._model).get(sample.repeat)
            if entry is not None:
                yield _outcome(sample, entry)


def _outcome(sample: Sample, entry: Entry) -> Outcome:
    try:
        pixels = _from_shard(entry) if entry.member else read_picture(entry.path)
    except BadInput as error:
        return Failure(key=sample.key, fault=Fault.DAMAGED, message=str(error))
    return Picture(key=sample.key, pixels=pixels, extra={"from": entry.shown})


def _from_shard(entry: Entry) -> Image:
    try:
        with tarfile.open(entry.path) as tar:
            member = tar.getmember(entry.member)
            file = tar.extractfile(member)
            if file is None or member.size > MAX_BYTES:
                raise BadInput(f"{entry.shown} is no file, or larger than {MAX_BYTES // 2**20} MiB.")
            return decode(file.read(), place=entry.shown)
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise BadInput(f"{entry.shown} cannot be read ({error}).") from error


def _digest(album: Album) -> str:
    listed = sha256()
    for entry in sorted(album.entries, key=lambda e: e.shown):
        size = entry.path.stat().st_size if entry.path.is_file() else 0
        listed.update(f"{entry.path.name}\0{entry.member}\0{size}\0{'|'.join(entry.names)}\n".encode())
    return listed.hexdigest()[:16]
