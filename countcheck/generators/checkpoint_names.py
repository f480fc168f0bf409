"""Read from the path of a training run's sample which step it is of, and which prompt.

A pattern such as ``step_{step}/{prompt}_{repeat}`` says where they stand. Without one the usual names are understood:
``checkpoint-500/three_pigs_0.png``, ``three pigs-step500.png``, ``000500/3.png``, and the names that kohya's scripts
(``name_000500_03_20240131120000.png``) and ai-toolkit (``1700000000000__000000500_3.png``) give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from countcheck.errors import BadSettings
from countcheck.generators.picture_folder import fold_name
from countcheck.images.files import PICTURE_SUFFIXES

FIELDS = ("step", "prompt", "number", "place", "repeat")
_FIELD = re.compile(r"\{(\w*)\}")
# Steps go before epochs, where a path names both.
_STEP_WORDS = (
    r"global[ _-]?steps?|steps?|iterations?|iters?|checkpoints?|ckpt",
    r"epochs?|ep",
)
_MAX_DIGITS = 15
_KOHYA = re.compile(r"(?:.*_)?e?(?P<step>\d{6,8})_(?P<number>\d{2,4})_\d{14}(?:_\d+)?")
_AI_TOOLKIT = re.compile(r"\d{10,14}__(?P<step>\d{9})_(?P<number>\d+)")
_ENDS_IN_NUMBER = re.compile(r"(.*?)[ _-]*(\d{1,9})")
_SIZE = re.compile(r"[ _-]\d{2,5}x\d{2,5}$")
# Words that name no prompt: the number after them is the prompt's.
_SAMPLE_WORDS = frozenset({"", "prompt", "sample", "image", "img", "picture", "validation", "val", "output", "result"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleName:
    """What the path of a sample says.

    Attributes:
        step: The training step, or the epoch; 0 or more.
        names: Prompt ids and texts that it may answer, surest first, as `fold_name` writes them.
        number: The prompt's place in the suite, from 0, where no name is a prompt's; ``None`` when there is none.
        repeat: Which picture of its prompt, from 0; ``None`` when the path does not say.
    """

    step: int
    names: tuple[str, ...] = ()
    number: int | None = None
    repeat: int | None = None


class StepPattern:
    """Reads steps and prompts from paths.

    Args:
        pattern: A path below the folder with ``{step}``, and ``{prompt}`` (id or text), ``{number}`` (the prompt's place
            in the suite, from 0) or ``{place}`` (the same from 1), and ``{repeat}`` (from 0); ``*`` stands for anything
            within a name. A pattern that has only ``{step}`` is looked for in every folder and file name, and the rest
            of the path names the prompt. Empty for the usual names.

    Raises:
        BadSettings: For a pattern without ``{step}``, with an unknown field, or with a field twice.

    >>> StepPattern("lora_{step}/{prompt}_{repeat}").read(PurePosixPath("lora_0500/three_pigs_1.png"))
    SampleName(step=500, names=('three pigs',), number=None, repeat=1)
    >>> StepPattern().read(PurePosixPath("checkpoint-500/three_pigs_1.png")).names
    ('three pigs', 'three pigs 1')
    """

    def __init__(self, pattern: str = "") -> None:
        self.pattern = pattern.strip().strip("/")
        names = _FIELD.findall(self.pattern)
        if self.pattern:
            _check_fields(self.pattern, names)
        self._whole: re.Pattern[str] | None = None
        self._step: re.Pattern[str] | None = None
        if set(names) & {"prompt", "number", "place"}:
            self._whole = _compiled(_without_ending(self.pattern))
        elif self.pattern:
            if "/" in self.pattern:
                raise BadSettings(
                    f"the pattern {pattern!r} has folders and does not say where the prompt stands. Add {{prompt}} or "
                    "{number}, or give only the name with the step in it, as in 'step_{step}'."
                )
            self._step = _compiled(_without_ending(self.pattern))

    def read(self, path: PurePosixPath) -> SampleName | None:
        """Read a path below the folder; ``None`` when no step is found in it."""
        parts = path.with_suffix("").parts
        if self._whole is not None:
            match = self._whole.fullmatch("/".join(parts))
            return None if match is None else _by_fields(match.groupdict())
        if self._step is not None:
            return _by_rest(parts, self._step)
        return _usual(parts)


def _check_fields(pattern: str, names: list[str]) -> None:
    """Raise `BadSettings` unless the fields are known, each once, with a step among them."""
    unknown = [name for name in names if name not in FIELDS]
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    if unknown:
        raise BadSettings(f"the pattern {pattern!r} has the field {{{unknown[0]}}}. Known fields: {known}.")
    if "step" not in names:
        raise BadSettings(
            f"the pattern {pattern!r} has no {{step}}. Write where the step stands, as in 'step_{{step}}'."
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadSettings(f"the pattern {pattern!r} has {{{twice}}} twice. Write * where it stands again.")


def _compiled(pattern: str) -> re.Pattern[str]:
    pieces, end = [], 0
    for field in _FIELD.finditer(pattern):
        pieces.append(_literal(pattern[end : field.start()]))
        if field[1] == "prompt":
            pieces.append(r"(?P<prompt>[^/]+?)")
        else:
            pieces.append(rf"(?<!\d)(?P<{field[1]}>\d{{1,{_MAX_DIGITS}}})(?!\d)")
        end = field.end()
    return re.compile("".join([*pieces, _literal(pattern[end:])]))


def _literal(text: str) -> str:
    return "[^/]*?".join(re.escape(part) for part in text.split("*"))


def _without_ending(pattern: str) -> str:
    stem, dot, ending = pattern.rpartition(".")
    return stem if dot and (f".{ending.lower()}" in PICTURE_SUFFIXES or ending == "*") else pattern


def _by_fields(fields: dict[str, str]) -> SampleName:
    number = int(fields["number"]) if "number" in fields else int(fields["place"]) - 1 if "place" in fields else None
    return SampleName(
        step=int(fields["step"]),
        names=(fold_name(fields["prompt"]),) if "prompt" in fields else (),
        number=number,
        repeat=int(fields["repeat"]) if "repeat" in fields else None,
    )


def _by_rest(parts: tuple[str, ...], step: re.Pattern[str]) -> SampleName | None:
    """The step by its pattern in the first name that has it, the prompt by what is left."""
    for place, part in enumerate(parts):
        match = step.search(part)
        if match is not None:
            rest = f"{part[: match.start()]} {part[match.end() :]}".strip(" _-.")
            fields = match.groupdict()
            repeat = int(fields["repeat"]) if fields.get("repeat") else None
            return _prompt_of(int(fields["step"]), (*parts[:place], rest, *parts[place + 1 :]), repeat)
    return None


def _usual(parts: tuple[str, ...]) -> SampleName | None:
    for usual in (_KOHYA, _AI_TOOLKIT):
        match = usual.fullmatch(parts[-1])
        if match is not None:
            return SampleName(step=int(match["step"]), number=int(match["number"]))
    for pattern in _STEP_PATTERNS:
        name = _by_rest(parts, pattern)
        if name is not None:
            return name
    for place, part in enumerate(parts[:-1]):
        if part.isdecimal() and len(part) <= _MAX_DIGITS:
            return _prompt_of(int(part), (*parts[:place], "", *parts[place + 1 :]), None)
    return None


def _prompt_of(step: int, parts: tuple[str, ...], repeat: int | None) -> SampleName:
    """What folders and file name, the step taken out of them, say of the prompt."""
    stem = _SIZE.sub("", parts[-1])
    ending = _ENDS_IN_NUMBER.fullmatch(stem)
    names = [*_names(stem), *(name for folder in reversed(parts[:-1]) for name in _names(folder))]
    number = next((int(part) for part in parts[:-1] if part.isdecimal() and len(part) <= _MAX_DIGITS), None)
    if number is None and ending is not None and fold_name(ending[1]) in _SAMPLE_WORDS:
        number = int(ending[2])
    return SampleName(step=step, names=tuple(dict.fromkeys(names)), number=number, repeat=repeat)


def _names(text: str) -> Iterator[str]:
    numbered = _ENDS_IN_NUMBER.fullmatch(text)
    candidates = (fold_name(numbered[1]) if numbered else "", fold_name(text))
    yield from (name for name in candidates if name and not name.isdecimal())


_STEP_PATTERNS = tuple(
    re.compile(pattern.format(number=rf"(?P<step>\d{{1,{_MAX_DIGITS}}})", words=words), re.IGNORECASE)
    for words in _STEP_WORDS
    for pattern in (r"(?<![a-z])(?:{words})[ _=.-]*{number}(?!\d)", r"(?<!\d){number}[ _-]*(?:{words})(?![a-z])")
)
