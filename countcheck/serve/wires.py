"""The request and reply formats that trainers speak. Each turns a body into images with prompts, and scores into a reply.

| wire | trainer | route | body |
|---|---|---|---|
| ``flow-factory`` | Flow-Factory | ``POST /compute`` | JSON ``{"prompt": [...], "image": [base64]}`` |
| ``unirl`` | UniRL | ``POST /score`` | JSON ``{"requests": [{"history": [{"text", "image_b64"}], "metadata": {...}}]}`` |
| ``flow-grpo`` | flow_grpo | ``POST /`` | pickle ``{"images": [bytes], "meta_datas": [dict], "only_strict": bool}`` |
| ``verl-omni`` | verl-omni | ``POST /`` | pickle ``{"images": [bytes], "prompts": [str], "metadata": {...}}`` |
"""

from __future__ import annotations

import base64
import binascii
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from countcheck.errors import BadInput
from countcheck.library.judging import Judgement
from countcheck.library.reward import RewardKind, score
from countcheck.serve.plain_pickle import load_plain

NO_SCORE = float("nan")
GENEVAL_TASKS = ("single_object", "two_object", "counting", "colors", "position", "color_attr")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """One image to score.

    Attributes:
        image: Encoded bytes (PNG, JPEG ...), or an array.
        prompt: A text, targets by noun, or GenEval metadata.
    """

    image: Any
    prompt: Any


class Wire(Protocol):
    """One trainer's format."""

    name: str
    route: str
    media_type: str
    pickled: bool

    def parse(self, body: bytes) -> tuple[list[ScoreRequest], Any]:
        """Return the images to score, and whatever `render` needs to know of the request.

        Raises:
            BadInput: When the body is something else; says what.
        """

    def render(self, judgements: Sequence[Judgement], context: Any, kind: RewardKind) -> bytes:
        """Return the reply's body; an image about which nothing can be said has no number in it, never 0."""


class FlowFactory:
    """Flow-Factory's remote reward: parallel lists of prompts and images; unscored images are ``null``."""

    name, route, media_type, pickled = "flow-factory", "/compute", "application/json", False

    def parse(self, body: bytes) -> tuple[list[ScoreRequest], Any]:
        """Read ``prompt`` and ``image``; see `Wire.parse`, also for what it raises."""
        fields = _json(body)
        prompts, images = _parallel(fields, "prompt", "image")
        metadata = fields.get("metadata")
        targets = metadata if isinstance(metadata, list) and len(metadata) == len(images) else prompts
        pairs = zip(images, targets, strict=True)
        return [ScoreRequest(image=_image(image, n), prompt=prompt) for n, (image, prompt) in enumerate(pairs)], None

    def render(self, judgements: Sequence[Judgement], context: Any, kind: RewardKind) -> bytes:
        """Write ``rewards``; see `Wire.render`."""
        return orjson.dumps({"rewards": [score(judgement, kind) for judgement in judgements]})


class UniRL:
    """UniRL's scoring: requests with a history of text and images, and the names of the rewards wanted."""

    name, route, media_type, pickled = "unirl", "/score", "application/json", False

    def parse(self, body: bytes) -> tuple[list[ScoreRequest], Any]:
        """Read ``requests``: the last image of each history and the text beside it; see `Wire.parse`, also for what it raises."""
        requests = _list(_json(body), "requests")
        parsed, names = [], []
        for number, request in enumerate(requests):
            if not isinstance(request, Mapping):
                raise BadInput(f"request {number} is no object.")
            shown = [
                entry for entry in _list(request, "history") if isinstance(entry, Mapping) and entry.get("image_b64")
            ]
            if not shown:
                raise BadInput(f"request {number} has no image_b64 in its history.")
            metadata = request.get("metadata")
            asked = metadata if isinstance(metadata, Mapping) and "include" in metadata else shown[-1].get("text", "")
            parsed.append(ScoreRequest(image=_image(shown[-1]["image_b64"], number), prompt=asked))
            wanted = request.get("required_rewards") or ["countcheck"]
            names.append([str(name) for name in wanted])
        return parsed, names

    def render(self, judgements: Sequence[Judgement], context: Any, kind: RewardKind) -> bytes:
        """Write ``results`` and ``errors``, one entry a request; see `Wire.render`."""
        results: list[dict[str, dict[str, float]]] = []
        errors: list[str | None] = []
        for judgement, names in zip(judgements, context, strict=True):
            dense, strict = score(judgement, "dense"), score(judgement, "strict")
            if dense is None or strict is None:
                results.append({})
                errors.append(judgement.reason or "nothing can be said of this image")
                continue
            chosen = strict if kind == "strict" else dense
            results.append({name: {"score": chosen, "strict": strict, "dense": dense} for name in names})
            errors.append(None)
        return orjson.dumps({"results": results, "errors": errors})


class FlowGrpo:
    """flow_grpo's GenEval server: pickled JPEG bytes with GenEval metadata."""

    name, route, media_type, pickled = "flow-grpo", "/", "application/octet-stream", True

    def parse(self, body: bytes) -> tuple[list[ScoreRequest], Any]:
        """Read ``images``, ``meta_datas`` and ``only_strict``; see `Wire.parse`, also for what it raises."""
        fields = _pickled(body)
        metadata, images = _parallel(fields, "meta_datas", "images")
        parsed = [ScoreRequest(image=image, prompt=asked) for image, asked in zip(images, metadata, strict=True)]
        tags = [str(asked.get("tag", "")) if isinstance(asked, Mapping) else "" for asked in metadata]
        return parsed, (tags, bool(fields.get("only_strict")))

    def render(self, judgements: Sequence[Judgement], context: Any, kind: RewardKind) -> bytes:
        """Write the five lists of its reply; see `Wire.render`. Unscored images are NaN."""
        tags, only_strict = context
        dense = [_number(score(judgement, "dense")) for judgement in judgements]
        strict = [_number(score(judgement, "strict")) for judgement in judgements]
        groups = list(dict.fromkeys((*GENEVAL_TASKS, *tags)))
        by_group = {name: [_of(value, tag == name) for value, tag in zip(dense, tags, strict=True)] for name in groups}
        strictly = {name: [_of(value, tag == name) for value, tag in zip(strict, tags, strict=True)] for name in groups}
        return pickle.dumps(
            {
                "scores": strict if only_strict else dense,
                "rewards": strict,
                "strict_rewards": strict,
                "group_rewards": by_group,
                "group_strict_rewards": strictly,
            }
        )


class VerlOmni:
    """verl-omni's reward server: pickled JPEG bytes with prompts."""

    name, route, media_type, pickled = "verl-omni", "/", "application/octet-stream", True

    def parse(self, body: bytes) -> tuple[list[ScoreRequest], Any]:
        """Read ``images`` and ``prompts``; see `Wire.parse`, also for what it raises."""
        fields = _pickled(body)
        prompts, images = _parallel(fields, "prompts", "images")
        return [ScoreRequest(image=image, prompt=prompt) for image, prompt in zip(images, prompts, strict=True)], None

    def render(self, judgements: Sequence[Judgement], context: Any, kind: RewardKind) -> bytes:
        """Write ``scores``; see `Wire.render`. Unscored images are NaN."""
        return pickle.dumps({"scores": [_number(score(judgement, kind)) for judgement in judgements]})


WIRES: dict[str, Wire] = {wire.name: wire for wire in (FlowFactory(), UniRL(), FlowGrpo(), VerlOmni())}
PLAIN_WIRES = tuple(name for name, wire in WIRES.items() if not wire.pickled)


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"the body is no JSON ({error}).") from error
    if not isinstance(fields, Mapping):
        raise BadInput("the body is no JSON object.")
    return fields


def _pickled(body: bytes) -> Mapping[str, Any]:
    fields = load_plain(body)
    if not isinstance(fields, Mapping):
        raise BadInput("the body is no dictionary.")
    return fields


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list | tuple) or not value:
        raise BadInput(f"{name} is missing or no list with something in it.")
    return list(value)


def _parallel(fields: Mapping[str, Any], asked: str, images: str) -> tuple[list[Any], list[Any]]:
    """Read what was asked and the images, one of each for the other."""
    first, second = _list(fields, asked), _list(fields, images)
    if len(first) != len(second):
        raise BadInput(
            f"there are {len(first)} {asked.rstrip('s')}s and {len(second)} images. Send one for each image."
        )
    return first, second


def _image(text: Any, number: int) -> bytes:
    if not isinstance(text, str):
        raise BadInput(f"image {number} is no base64 text.")
    try:
        return base64.b64decode(text.partition(";base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"image {number} is no base64 text ({error}).") from error


def _number(value: float | None) -> float:
    return NO_SCORE if value is None else value


def _of(value: float, mine: bool) -> float:
    """A group's list has a place for every image; those of other groups hold −10, as its trainer expects."""
    return value if mine else -10.0
