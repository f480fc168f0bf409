"""Read the reply of a vision-language model that was asked for things in a picture: points, boxes or bare numbers.

Places come in many dialects: Molmo's tags, the JSON and the tags of Qwen-VL and its kin, Gemini's JSON with y first,
location tokens, plain tuples. Coordinates are shares, percentages, thousandths or pixels of the picture as it was sent.
What a reply does not say is never made up: a noun that gets neither a place nor a number has none.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countcheck.detectors.common.vlm_numbers import matching_word, read_numbers, stated_total

Share = tuple[float, float, float, float]
"""A box in shares of the picture: x1, y1, x2, y2 from 0 to 1; a point has x1 = x2 and y1 = y2."""

SCALES: Mapping[str, float] = {"shares": 1.0, "percent": 100.0, "thousandths": 1000.0}
COORDINATES = ("auto", "pixels", *SCALES)
SLACK = 0.02  # share of the picture by which a place may lie outside it, as rounding does
MOST_PLACES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one reply says.

    Attributes:
        places: Noun to the places of its things; an empty tuple where the reply says that there are none.
        numbers: Noun to a bare number, of nouns without places.
        doubts: Noun to another number that the reply gives for it: a total that it states beside fewer or more places,
            or the number with the places outside the picture.
        cut_off: Whether the reply ends in the middle; then it says nothing.
    """

    places: Mapping[str, tuple[Share, ...]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    doubts: Mapping[str, int] = field(default_factory=dict)
    cut_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A place as it was written.

    Attributes:
        label: What it is called; ``None`` when it has no name.
        values: Two numbers of a point (x, y) or four of a box (x1, y1, x2, y2), x first.
        scale: One of `COORDINATES`.
    """

    label: str | None
    values: tuple[float, ...]
    scale: str = "auto"


@dataclass(slots=True, kw_only=True)
class _Written:
    """All that one dialect finds in a reply.

    Attributes:
        places: In the order written.
        none_of: Labels of which it says that there are none; ``None`` stands for all.
        cut_off: Whether it ends in the middle.
        rest: The reply without what was read.
    """

    places: list[_Named] = field(default_factory=list)
    none_of: list[str | None] = field(default_factory=list)
    cut_off: bool = False
    rest: str = ""

    @property
    def found(self) -> bool:
        return bool(self.places or self.none_of or self.cut_off)


def read_reply(
    text: str, words: Sequence[str], size: tuple[int, int], *, coordinates: str = "auto", complete: bool = True
) -> Reply:
    """Read a reply to a question for the things that these words name.

    Args:
        text: The reply.
        words: The nouns asked for.
        size: Width and height in pixels of the picture as it was sent.
        coordinates: One of `COORDINATES`; ``auto`` reads each dialect as its model writes it, and other numbers as
            shares up to 1, as thousandths up to 1000, and as pixels above.
        complete: Whether the server says that the reply is whole.

    >>> read_reply('[{"bbox_2d": [100, 200, 300, 400], "label": "pig"}]', ["pig"], (640, 480)).places
    {'pig': ((0.1, 0.2, 0.3, 0.4),)}
    >>> read_reply("There are 3 pigs.", ["pig"], (640, 480)).numbers
    {'pig': 3}
    """
    text = re.sub(r"<think>.*?</think>", " ", text, flags=re.DOTALL)
    if not complete or "<think>" in text:
        return Reply(cut_off=True)
    for dialect in (_molmo, _tagged, _location_tokens, _json, _tuples):
        written = dialect(text)
        if written.cut_off:
            return Reply(cut_off=True)
        if written.found:
            return _placed(written, words, size, coordinates)
    return Reply(numbers=read_numbers(text, words))


def _placed(written: _Written, words: Sequence[str], size: tuple[int, int], coordinates: str) -> Reply:
    """Put places under the nouns asked for, in shares of the picture."""
    scale = _scale_of([p for p in written.places if p.scale == "auto"], size)
    inside: dict[str, dict[Share, None]] = {}
    outside: dict[str, int] = {}
    strangers = False
    for place in written.places[:MOST_PLACES]:
        word = matching_word(place.label, words)
        if word is None:
            strangers = True
            continue
        inside.setdefault(word, {})
        written_in = coordinates if coordinates != "auto" else place.scale if place.scale != "auto" else scale
        share = _share(place.values, written_in, size)
        if share is None:
            outside[word] = outside.get(word, 0) + 1
        else:
            inside[word][share] = None  # a model that repeats itself names one place twice
    for label in written.none_of:
        for word in words if label is None else filter(None, [matching_word(label, words)]):
            inside.setdefault(word, {})
    if written.places and not strangers:
        # A list in which every thing has a name that was asked for has none of the other nouns.
        for word in words:
            inside.setdefault(word, {})
    places = {word: tuple(shares) for word, shares in inside.items()}
    total = stated_total(written.rest, words)
    doubts = {word: len(places[word]) + number for word, number in outside.items()}
    doubts |= {word: number for word, number in total.items() if word in places and number != len(places[word])}
    return Reply(places=places, doubts=doubts)


def _scale_of(places: Sequence[_Named], size: tuple[int, int]) -> str:
    """Tell what the coordinates of a reply are, where its dialect does not say."""
    values = [value for place in places for value in place.values]
    largest = max(values, default=0.0)
    if largest <= 1:
        return "shares"
    if largest <= 1000:
        return "thousandths"
    wide = max((value for place in places for value in place.values[::2]), default=0.0)
    tall = max((value for place in places for value in place.values[1::2]), default=0.0)
    fits = wide <= size[0] * (1 + SLACK) and tall <= size[1] * (1 + SLACK)
    return "thousandths" if not fits and largest <= 1000 * (1 + SLACK) else "pixels"


def _share(values: tuple[float, ...], scale: str, size: tuple[int, int]) -> Share | None:
    """Turn coordinates into shares of the picture; ``None`` for a place whose middle lies outside it."""
    wide, tall = size if scale == "pixels" else (SCALES[scale], SCALES[scale])
    xs = sorted(x / wide for x in values[::2])
    ys = sorted(y / tall for y in values[1::2])
    if not all(-SLACK <= (side[0] + side[-1]) / 2 <= 1 + SLACK for side in (xs, ys)):
        return None
    x1, y1, x2, y2 = (round(min(max(v, 0.0), 1.0), 5) for v in (xs[0], ys[0], xs[-1], ys[-1]))
    return x1, y1, x2, y2


# -- Molmo: <points coords="1 1 500 300 2 700 400">pig</points>; before: <points x1="50.0" y1="30.0" alt="pig"> -----------

_TAG = re.compile(r"<(points?|tracks?)\b([^<>]*)>(?:([^<]*)</\1>)?", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([a-z]+)(\d*)\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_TRIPLET = re.compile(r"(?<![\d.])(\d{1,4}) (\d{1,4}(?:\.\d+)?) (\d{1,4}(?:\.\d+)?)(?![\d.])")


def _molmo(text: str) -> _Written:
    written = _Written(rest=_TAG.sub(" ", text))
    for tag in _TAG.finditer(text):
        values = {(name.lower(), number): value[1:-1] for name, number, value in _ATTRIBUTE.findall(tag[2])}
        label = (values.get(("alt", "")) or values.get(("label", "")) or tag[3] or "").strip() or None
        if ("coords", "") in values:
            written.places += [
                _Named(label=label, values=v, scale="thousandths") for v in _coords(values["coords", ""])
            ]
            continue
        for name, number in [key for key in values if key[0] == "x"]:
            point = (_number(values[name, number]), _number(values.get(("y", number), "")))
            if None not in point:
                written.places.append(_Named(label=label, values=point, scale="percent"))  # type: ignore[arg-type]  # None is excluded above
    opened = re.search(r"<(?:points?|tracks?)\b[^<>]*$", text, re.IGNORECASE)
    written.cut_off = opened is not None
    return written


def _coords(text: str) -> list[tuple[float, float]]:
    """Read the number of the picture, then triplets of a number, x and y."""
    points = []
    for part in re.split(r"[;\t]", text):
        numbers = part.replace(",", " ").replace(":", " ").split()
        triplets = " ".join(numbers[1:]) if len(numbers) % 3 == 1 else " ".join(numbers)
        points += [(float(x), float(y)) for _, x, y in _TRIPLET.findall(triplets)]
    return points


# -- tags with a name and boxes: Qwen-VL, InternVL, DeepSeek-VL, GLM ------------------------------------------------------

_REF = r"(?:<ref>|<\|ref\|>|<\|object_ref_start\|>)(?P<ref>.*?)(?:</ref>|<\|/ref\|>|<\|object_ref_end\|>)"
_OPEN_BOX = r"(?:<(?:box|quad|point)>|<\|(?:det|box_start|quad_start|point_start|begin_of_box)\|>)"
_CLOSE_BOX = r"(?:</(?:box|quad|point)>|<\|(?:/det|box_end|quad_end|point_end|end_of_box)\|>)"
_NAMED_BOX = re.compile(rf"(?:{_REF}\s*)?{_OPEN_BOX}(?P<box>.*?){_CLOSE_BOX}", re.DOTALL)
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?")


def _tagged(text: str) -> _Written:
    written = _Written(rest=_NAMED_BOX.sub(" ", text))
    label: str | None = None
    end = 0
    for match in _NAMED_BOX.finditer(text):
        if "{" in match["box"]:
            return _Written()  # JSON between tags is read as JSON
        if match["ref"] is not None:
            label = match["ref"].strip()
        elif text[end : match.start()].strip(" ,;\n"):
            label = None  # a box that follows other words has no name
        end = match.end()
        numbers = [float(figure) for figure in _FIGURE.findall(match["box"])]
        step = 2 if len(numbers) == 2 else 4
        written.places += [
            _Named(
                label=label,
                values=tuple(numbers[k : k + step]),
                scale="auto" if max(numbers) > 1000 else _ring(numbers),
            )
            for k in range(0, len(numbers) - step + 1, step)
        ]
    written.cut_off = re.search(rf"{_OPEN_BOX}(?:(?!{_CLOSE_BOX}).)*$", text, re.DOTALL) is not None
    return written


def _ring(numbers: Sequence[float]) -> str:
    return "shares" if max(numbers) <= 1 else "thousandths"


# -- location tokens: PaliGemma (y first, of 1024), Florence-2 (x first, of 1000) -----------------------------------------

_PALI = re.compile(r"((?:<loc\d{4}>){2,4})\s*([^<;\n]*)")
_FLORENCE = re.compile(r"([^<>;\n]*)((?:<loc_\d{1,3}>)+)")


def _location_tokens(text: str) -> _Written:
    written = _Written(rest=re.sub(r"<loc_?\d+>", " ", text))
    for tokens, label in _PALI.findall(text):
        numbers = [int(number) / 1024 for number in re.findall(r"\d{4}", tokens)]
        if len(numbers) in (2, 4):
            written.places.append(_Named(label=label.strip() or None, values=_x_first(numbers), scale="shares"))
    for label, tokens in _FLORENCE.findall(text):
        numbers = [float(number) for number in re.findall(r"\d+", tokens)]
        written.places += [
            _Named(label=label.strip() or None, values=tuple(numbers[k : k + 4]), scale="thousandths")
            for k in range(0, len(numbers) - 3, 4)
        ]
    written.cut_off = re.search(r"<loc_?\d*$", text) is not None
    return written


def _x_first(numbers: Sequence[float]) -> tuple[float, ...]:
    return tuple(number for k in range(0, len(numbers), 2) for number in (numbers[k + 1], numbers[k]))


# -- JSON: Qwen-VL's bbox_2d and point_2d, Gemini's box_2d and point (y first), and what others make of it -----------------

_LABELS = ("label", "name", "class", "class_name", "category", "object", "noun", "text", "phrase", "alt", "type", "ref")
_BOXES = ("bbox_2d", "bbox", "box", "bounding_box", "boundingbox", "bndbox", "xyxy", "bbox2d", "coordinates", "boxes",
          "bboxes", "bounding_boxes", "position", "location")  # fmt: skip
_POINTS = ("point_2d", "points", "points_2d", "center", "centre", "xy")
_Y_FIRST = ("box_2d", "point", "boxes_2d")
_CORNERS = (
    ("x1", "y1", "x2", "y2"), ("x_min", "y_min", "x_max", "y_max"), ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
)  # fmt: skip
_SIZED = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"))


def _json(text: str) -> _Written:
    written = _Written()
    rest = []
    at = 0
    while (match := re.compile(r"[\[{]").search(text, at)) is not None:
        rest.append(text[at : match.start()])
        value, at = _value_at(text, match.start())
        if value is None:
            written.cut_off = written.cut_off or _unclosed(text[match.start() :])
            at = match.start() + 1 if not written.cut_off else len(text)
            continue
        _walk(value, None, written, top=True)
    written.rest = " ".join([*rest, text[at:]])
    return written


def _value_at(text: str, start: int) -> tuple[Any, int]:
    """Parse the JSON that begins here, or Python's way of writing it: the value and where it ends."""
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        end = _closing(text, start)
        if not start < end <= start + 100_000:
            return None, start
        loose = re.sub(r",\s*([\]}])", r"\1", text[start:end])
        loose = re.sub(r"//[^\n]*", "", loose)
        try:
            value = json.loads(loose)
        except (ValueError, RecursionError):
            try:
                value = ast.literal_eval(loose)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                return None, start
    return value, end


def _closing(text: str, start: int) -> int:
    """Find the end of the bracket that opens at a place; 0 when it is never closed."""
    depth = 0
    for match in re.compile(r"[\[{}\]]").finditer(text, start):
        depth += 1 if match[0] in "[{" else -1
        if depth == 0:
            return match.end()
    return 0


def _unclosed(text: str) -> bool:
    return _closing(text, 0) == 0 and re.search(r"\d|\"", text) is not None


def _walk(value: Any, label: str | None, written: _Written, *, top: bool = False, y_first: bool = False) -> None:
    """Collect the places of a JSON value; ``label`` is the name that stands above it."""
    if isinstance(value, Mapping):
        _walk_object(value, label, written)
        return
    numbers = _numbers(value)
    if numbers is not None:
        written.places.append(_Named(label=label, values=_x_first(numbers) if y_first else tuple(numbers)))
    elif isinstance(value, list | tuple):
        if not value:
            written.none_of.append(None if top else label)
        named = [item for item in value if isinstance(item, str) and _numbers(item) is None]
        figures = [float(item) for item in value if isinstance(item, int | float) and not isinstance(item, bool)]
        if len(named) == 1 and len(figures) in (2, 4) and len(value) == len(figures) + 1:
            written.places.append(_Named(label=named[0], values=tuple(figures)))  # ["pig", 10, 20, 30, 40]
            return
        for item in value:
            _walk(item, label, written, y_first=y_first)


def _walk_object(body: Mapping[Any, Any], label: str | None, written: _Written) -> None:
    fields = {str(name).strip().lower(): value for name, value in body.items()}
    own = next((fields[name] for name in _LABELS if isinstance(fields.get(name), str)), label)
    place = _corners(fields)
    if place is not None:
        written.places.append(_Named(label=own, values=place))
        return
    for name, value in fields.items():
        if name in _LABELS and isinstance(value, str):
            continue
        if name in _BOXES or name in _POINTS or name in _Y_FIRST:
            _walk(value, own, written, y_first=name in _Y_FIRST)
        elif isinstance(value, Mapping | list | tuple):
            _walk(value, own if name in _WRAPPERS else name, written, top=name in _WRAPPERS and own is None)


_WRAPPERS = ("objects", "detections", "results", "items", "instances", "annotations", "data", "predictions", "answer",
             "output", "response", "things", "found")  # fmt: skip


def _corners(fields: Mapping[str, Any]) -> tuple[float, ...] | None:
    for names in (*_CORNERS, *_SIZED, ("x", "y")):
        numbers = [_number(fields.get(name)) for name in names]
        if None in numbers:
            continue
        known = [number for number in numbers if number is not None]
        if names in _SIZED:
            return known[0], known[1], known[0] + known[2], known[1] + known[3]
        return tuple(known)
    return None


def _numbers(value: Any) -> list[float] | None:
    """Read two or four numbers, from a list or from a text; ``None`` for anything else."""
    if isinstance(value, str):
        if not re.fullmatch(r"[\[(<]*\s*-?[\d.]+(?:[\s,;]+-?[\d.]+){1,3}\s*[\])>]*", value.strip()):
            return None
        value = _FIGURE.findall(value)
    if not isinstance(value, list | tuple) or len(value) not in (2, 4):
        return None
    numbers = [_number(item) for item in value]
    return None if None in numbers else [number for number in numbers if number is not None]


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e6 else None


# -- plain text: pig: (120, 340), (400, 200) ------------------------------------------------------------------------------

_TUPLE = re.compile(
    r"\(\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)(?:\s*,\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?))?\s*\)"
)


def _tuples(text: str) -> _Written:
    """Read places in round brackets, line by line; the name stands before a colon, or before the first bracket."""
    written = _Written(rest=_TUPLE.sub(" ", text))
    for line in text.splitlines():
        label = _before_places(line)
        for match in _TUPLE.finditer(line):
            values = tuple(float(number) for number in match.groups() if number is not None)
            written.places.append(_Named(label=label, values=values))
    written.cut_off = bool(written.places) and re.search(r"\(\s*-?\d[\d.,\s-]*$", text.rstrip()) is not None
    return written


def _before_places(line: str) -> str | None:
    first = _TUPLE.search(line)
    if first is None:
        return None
    label = line[: first.start()].strip(" \t-*•:=.\"'`")
    label = re.sub(r"^\d+[.)]\s*|\s+(?:at|is at|are at|is|are|located at)$", "", label).strip(" :*\"'`")
    return label or None
