"""The generator ``transcript:FILE``: conversations recorded elsewhere, as JSON or JSONL with picture files beside it.

Each entry is one message and its answer::

    {"conversation": "the-tale", "said": "Draw three little pigs.", "words": "Sure!", "picture": "01.png"}
    {"conversation": "the-tale", "said": "There are four. There should be three.", "words": "I can't create that."}
    {"prompt": "three-word-noir", "picture": "other/07.png"}

``conversation`` or ``prompt`` is an id of the suite; ``said`` may be left out for a prompt. A message that is not in
the suite's conversation is a repair of the turn before; ``script`` (a turn's index, from 0) names the turn outright.
``repeat`` (from 0) separates recordings of one conversation; ``error`` holds a message, or an error body, where the
service failed. A JSON file holds a list of entries, or ``{"entries": [...]}``; a JSONL file holds one on each line.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from countcheck.cards import Card, fill
from countcheck.errors import BadInput, BadSettings, field_problem
from countcheck.generators.base import Step, Traits
from countcheck.generators.outcome import Outcome
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.outcomes import Request, outcomes_of_reply
from countcheck.generators.remote.reply import Reply, Slot
from countcheck.images.decode import read_picture_file
from countcheck.images.types import Pixels
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Conversation, Turn

_MIN_SIMILARITY = 0.85  # difflib ratio, 0 to 1, from which a message is taken for a scripted turn


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    conversation: str = ""
    prompt: str = ""
    repeat: int = Field(default=0, ge=0)
    said: str = ""
    script: int | None = Field(default=None, ge=0)
    words: str = ""
    picture: str = ""
    error: str | dict[str, Any] | None = None
    seconds: float = Field(default=0.0, ge=0)
    cost: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _check(self) -> _Entry:
        if bool(self.conversation) == bool(self.prompt):
            raise ValueError("name either a conversation or a prompt of the suite")
        if self.conversation and not self.said and self.script is None:
            raise ValueError("a turn of a conversation needs said, or script")
        return self


class TranscriptGenerator:
    """Return recorded outcomes. Needs no key and no network.

    Settings: ``model``, the name of the recorded model, for the report.

    Raises:
        BadSettings: If no file is named.
        BadInput: If the file cannot be read, or an entry of it is malformed; the error names file and entry.
    """

    def __init__(self, card: Card) -> None:
        self.settings = fill(card, {"model": ""})
        if not card.source:
            raise BadSettings(f"{card.name}: no file is named. Write transcript:FILE.")
        self._path = Path(card.source)
        self._name = card.name
        data, entries = _read(self._path)
        self._entries = entries
        self._recipe = Recipe(
            name=card.name,
            revision=_digest(data, self._path.parent, entries),
            settings={"model": self.settings["model"]},
        )

    @property
    def name(self) -> str:
        """The name in the run: the card's."""
        return self._name

    @property
    def traits(self) -> Traits:
        """Seeded and converses: the same sample always gets the same answer."""
        return Traits(seeded=True, converses=True)

    @property
    def recipe(self) -> Recipe:
        """A digest of the file and its pictures."""
        return self._recipe

    def covers(self, sample: Sample) -> bool:
        """Return whether the file has an entry for a sample."""
        return (sample.asked.id, sample.repeat) in self._entries

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield the recorded outcome of each prompt, and a `Failure` for a prompt that was not recorded."""
        for sample in samples:
            recorded = self._entries.get((sample.asked.id, sample.repeat))
            if recorded:
                yield self.outcome(sample, recorded[0], 0)
            else:
                yield self.outcome(
                    sample, _Entry(prompt=sample.asked.id, error=f"{sample.asked.id} was not recorded"), 0
                )

    def open(self, sample: Sample) -> RecordedDialogue:
        """Return the recorded conversation of a sample.

        Raises:
            BadInput: If there is none, or its messages do not fit the suite's conversation.
        """
        recorded = self._entries.get((sample.asked.id, sample.repeat))
        if not recorded or not isinstance(sample.asked, Conversation):
            raise BadInput(f"{self._path}: no conversation {sample.asked.id!r}, repeat {sample.repeat}, is recorded.")
        return RecordedDialogue(self, sample, recorded, recorded_steps(sample.asked, recorded, self._path))

    def outcome(self, sample: Sample, entry: _Entry, turn: int) -> Outcome:
        """Classify a recorded answer like any provider's reply."""
        if entry.error is not None:
            body = entry.error if isinstance(entry.error, dict) else {"message": entry.error}
            reply = reply_of_body(body)
        else:
            slots = (Slot(data=_picture(self._path.parent, entry.picture)),) if entry.picture else ()
            reply = Reply(words=entry.words, slots=slots, cost=entry.cost, raw=entry.model_dump())
        request = Request(keys=(sample.key,), fetch=_fetch_nothing, turn=turn, seconds=entry.seconds, asked=entry.said)
        (settled,) = outcomes_of_reply(reply, request)
        return settled.outcome


class RecordedDialogue:
    """One recorded conversation: each message gets the recorded answer, whatever is said."""

    def __init__(
        self, generator: TranscriptGenerator, sample: Sample, entries: Sequence[_Entry], steps: Sequence[Step]
    ):
        self._generator = generator
        self._sample = sample
        self._entries = entries
        self._steps = steps

    def state(self) -> Any:
        """Return an empty state: the recording holds everything."""
        return {}

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Do nothing: the turn's index selects the answer."""

    @property
    def steps(self) -> Sequence[Step]:
        """The recorded messages, as steps of the suite's conversation."""
        return self._steps

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """Return the recorded answer of a turn."""
        return self._generator.outcome(self._sample, self._entries[turn], turn)

    def rewind(self) -> None:
        """Do nothing: a recording cannot go back."""


def recorded_steps(conversation: Conversation, entries: Sequence[_Entry], path: Path) -> list[Step]:
    """Match recorded messages to a suite's conversation: each is a scripted turn, or a repair of the turn before.

    Raises:
        BadInput: If the first message is not like the first turn, or ``script`` names a turn that does not exist.
    """
    steps: list[Step] = []
    script, repair = -1, 0
    for entry in entries:
        turn = entry.script if entry.script is not None else _scripted_turn(conversation, entry.said, script + 1)
        if turn is not None and turn >= len(conversation.turns):
            raise BadInput(
                f"{path}: {conversation.id} has {len(conversation.turns)} turns, and script says {turn}. Count from 0."
            )
        if turn is not None and turn > script:
            script, repair = turn, 0
        else:
            repair += 1
        if script < 0:
            raise BadInput(
                f"{path}: the first thing said in {conversation.id} is {entry.said[:80]!r}, which is not like its first"
                f" turn {conversation.turns[0].say[:80]!r}. Write script: 0 beside it if it is meant."
            )
        text = entry.said or conversation.turns[script].say
        steps.append(Step(script=script, repair=repair, text=text))
    return steps


def _scripted_turn(conversation: Conversation, said: str, start: int) -> int | None:
    """The index of the first scripted turn from ``start`` on that a message is like."""
    words = _plain(said)
    for index in range(start, len(conversation.turns)):
        similarity = difflib.SequenceMatcher(None, words, _plain(conversation.turns[index].say)).ratio()
        if similarity >= _MIN_SIMILARITY:
            return index
    return None


def _plain(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in text.casefold()).split())


def _read(path: Path) -> tuple[bytes, Mapping[tuple[str, int], list[_Entry]]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}). Give a JSON or JSONL file.") from error
    entries: dict[tuple[str, int], list[_Entry]] = defaultdict(list)
    for place, body in _bodies(path, data):
        try:
            entry = _Entry.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = field_problem(first, _Entry.model_fields) if first["loc"] else f"{first['msg']}."
            raise BadInput(f"{path}:{place}: {'.'.join(map(str, first['loc'][:-1]))}{wrong}") from error
        entries[entry.conversation or entry.prompt, entry.repeat].append(entry)
    if not entries:
        raise BadInput(f"{path} holds no entry.")
    return data, dict(entries)


def _bodies(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".jsonl":
        for number, line in enumerate(data.splitlines(), start=1):
            if line.strip():
                yield str(number), _json(line, f"{path}:{number}")
        return
    body = _json(data, str(path))
    entries = body.get("entries") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        raise BadInput(f'{path}: give a list of entries, or {{"entries": [...]}}.')
    yield from ((f"entry {number}", entry) for number, entry in enumerate(entries, start=1))


def _json(data: bytes, place: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{place}: not JSON ({error}).") from error


def _picture(folder: Path, name: str) -> bytes:
    """The bytes of a picture file beside the transcript; undecodable bytes where it is missing or too large."""
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError) as error:  # a NUL in the name
        raise BadInput(f"{name[:120]!r} cannot be a file's name ({error}).") from error
    if not path.is_relative_to(folder.resolve()):
        raise BadInput(f"{name[:120]!r} lies outside {folder}. Put pictures beside the file.")
    try:
        return read_picture_file(path)
    except BadInput:
        return b"\0"


def _digest(data: bytes, folder: Path, entries: Mapping[tuple[str, int], list[_Entry]]) -> str:
    import hashlib

    digest = hashlib.sha256(data)
    for recorded in entries.values():
        for entry in recorded:
            if entry.picture:
                digest.update(_picture(folder, entry.picture))
    return digest.hexdigest()[:16]


def _fetch_nothing(url: str) -> bytes:
    raise BadInput("a transcript fetches nothing.")
