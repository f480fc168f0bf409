"""A vision-language model as a counter: it points at things, draws boxes round them, or says a number.

``ask`` chooses the question. ``boxes`` and ``points`` give places that can be drawn and checked by eye; a bare number
cannot, and is marked as not auditable. Asked several times, the score of a place is the share of answers that name it,
and that of the k-th of a bare number the share of answers that count at least k, so that a threshold of 0.5 is the
median and a margin round it is the spread of its answers. ``probabilities`` asks for one word and takes the score of the
k-th from the probabilities of that word, as Soft-TIFA does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.cards import Card, fill
from countcheck.credentials import refuse_secrets
from countcheck.detectors.base import Detections
from countcheck.detectors.common.vlm_consensus import agreed_places
from countcheck.detectors.common.vlm_models import LocalModel, ServedModel
from countcheck.detectors.common.vlm_numbers import token_distribution
from countcheck.detectors.common.vlm_replies import COORDINATES, Reply, Share, read_reply
from countcheck.errors import BadSettings
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels
from countcheck.suites.language.nouns import plural_of

if TYPE_CHECKING:
    from PIL import Image

DEFAULTS: dict[str, Any] = {
    "backend": "openai",  # or transformers
    "base_url": "",  # of an OpenAI-compatible server
    "key_env": "OPENAI_API_KEY",
    "ask": "numbers",  # or boxes, points, probabilities
    "question": "",  # in place of that of `ask`; {names} is a JSON list of nouns, {noun} and {plural} the first of them
    "one_by_one": None,  # a question a noun; by default for points and probabilities
    "coordinates": "auto",  # or pixels, thousandths, percent, shares
    "answers": 1,
    "temperature": None,  # the server's own
    "side": 1024,
    "concurrency": 4,
    "timeout": 120,
    "most": 200,
    "longest": None,  # tokens of an answer; 256 of numbers, 4096 of places
    "device": "auto",
    "precision": "auto",
}

_WHICH = (
    "Take every one that can be seen, also those that are partly hidden or cut off. "
    "Leave out reflections, toys, statues and pictures of them. "
)
QUESTIONS: Mapping[str, str] = {
    "numbers": (
        "Count the things in this picture. Count every one that can be seen, also those that are partly hidden or cut "
        "off. Do not count reflections, toys, statues or pictures of them. "
        "Answer with a JSON object and nothing else, one whole number for each name: {names}"
    ),
    "boxes": (
        "Locate every thing in this picture that has one of these names: {names}. "
        + _WHICH
        + "Answer with a JSON list "
        'and nothing else, one object for each thing: {{"bbox_2d": [x1, y1, x2, y2], "label": name}}, with coordinates '
        "from 0 to 1000. Answer with [] when there is none."
    ),
    "points": "Point to all the {plural} in this picture.",
    "probabilities": "How many {plural} are in the image? Answer in one word, with a number.",
}
"""What is asked, by the setting ``ask``."""

LEAST_KNOWN = 0.5  # probability of the words that are numbers, below which an answer is none


class VlmDetector:
    """Counts with a vision-language model behind an OpenAI-compatible API, or in a local folder.

    Attributes:
        name: As the user calls it.
        vocabulary: ``None``: open.
    """

    vocabulary: frozenset[str] | None = None

    def __init__(self, card: Card) -> None:
        refuse_secrets(card.settings, family="vlm")
        settings = fill(card, DEFAULTS)
        for setting in ("answers", "concurrency"):
            if int(settings[setting]) < 1:
                raise BadSettings(f"{card.name}: {setting} is {settings[setting]}. Give 1 or more.")
        if not card.source:
            raise BadSettings(f"{card.name}: no model is named. Write vlm:MODEL.")
        for setting, known in (("ask", tuple(QUESTIONS)), ("coordinates", COORDINATES)):
            if settings[setting] not in known:
                raise BadSettings(f"{card.name}: {setting} is {settings[setting]!r}. Give {_either(known)}.")
        self.name = card.name
        self._ask = str(settings["ask"])
        self._question = _question(card.name, str(settings["question"]) or QUESTIONS[self._ask])
        if settings["one_by_one"] is None:
            settings["one_by_one"] = self._ask in ("points", "probabilities")
        if settings["longest"] is None:
            settings["longest"] = 4096 if self._ask in ("boxes", "points") else 256
        self._settings = settings
        backends: dict[str, type[ServedModel] | type[LocalModel]] = {"openai": ServedModel, "transformers": LocalModel}
        if settings["backend"] not in backends:
            raise BadSettings(f"{card.name}: backend is {settings['backend']!r}. Give openai or transformers.")
        self._model: ServedModel | LocalModel = backends[settings["backend"]](card, settings)

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Count in each picture, in order; a noun of which the answer says nothing is unsupported in that picture."""
        words = sorted(set(nouns))
        arrays = [as_rgb(picture) for picture in pictures]
        images = [_small(array, int(self._settings["side"])) for array in arrays]
        sizes = [(array.shape[1], array.shape[0]) for array in arrays]
        if not words:
            return [Detections.nothing(size) for size in sizes]
        portions = [[word] for word in words] if self._settings["one_by_one"] else [words]
        questions = [(image, portion) for image in images for portion in portions]
        with ThreadPoolExecutor(max_workers=self._model.concurrency) as pool:
            tables = list(pool.map(lambda question: self._answer(*question), questions))
        step = len(portions)
        return [
            self._detections([finding for part in tables[k * step : (k + 1) * step] for finding in part], size)
            for k, size in enumerate(sizes)
        ]

    def _answer(self, image: Image.Image, words: Sequence[str]) -> list[_Finding]:
        """Ask for some nouns in one picture; a finding a noun."""
        question = self._question.format(
            names=json.dumps(list(words), ensure_ascii=False), noun=words[0], plural=plural_of(words[0])
        )
        if self._ask == "probabilities":
            return [_from_distribution(words[0], token_distribution(self._model.first_token(image, question)))]
        coordinates = str(self._settings["coordinates"])
        replies = [
            read_reply(text, words, image.size, coordinates=coordinates, complete=complete)
            for text, complete in self._model.answer(image, question, int(self._settings["answers"]))
        ]
        return [_from_replies(word, replies, int(self._settings["most"])) for word in words]

    def _detections(self, findings: Sequence[_Finding], size: tuple[int, int]) -> Detections:
        """Join the findings of all nouns in one picture."""
        unplaced = sum(len(f.scores) for f in findings if f.places is None)
        grid = iter(_points(unplaced, size))
        scale = np.array([size[0], size[1], size[0], size[1]], np.float32)
        boxes: list[Any] = []
        for finding in findings:
            if finding.places is None:
                boxes += [next(grid) for _ in finding.scores]
            else:
                boxes += [np.array(place, np.float32) * scale for place in finding.places]
        return Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.array([score for f in findings for score in f.scores], np.float32),
            nouns=tuple(f.noun for f in findings for _ in f.scores),
            size=size,
            unsupported=frozenset(f.noun for f in findings if f.unknown),
            opinions={f.noun: f.opinions for f in findings if f.opinions},
            not_auditable=frozenset(f.noun for f in findings if f.places is None and not f.unknown),
        )


class _Finding:
    """What all answers together say of one noun.

    Attributes:
        noun: Asked for.
        scores: Of its things, the surest first.
        places: Of the same things; ``None`` when only a number is known.
        opinions: Other numbers that answers gave.
        unknown: Whether no answer says anything of it.
    """

    __slots__ = ("noun", "opinions", "places", "scores", "unknown")

    def __init__(
        self,
        noun: str,
        scores: Sequence[float] = (),
        places: Sequence[Share] | None = None,
        *,
        opinions: Sequence[int] = (),
        unknown: bool = False,
    ) -> None:
        self.noun, self.scores, self.places = noun, tuple(scores), places
        self.opinions, self.unknown = tuple(opinions), unknown


def _from_replies(word: str, replies: Sequence[Reply], most: int) -> _Finding:
    located = [reply.places[word][:most] for reply in replies if word in reply.places]
    numbers = [min(reply.numbers[word], most) for reply in replies if word in reply.numbers]
    if located:
        places, scores = agreed_places(located)
        doubts = [min(reply.doubts[word], most) for reply in replies if word in reply.doubts]
        return _Finding(word, scores, places, opinions=[*numbers, *doubts])
    if not numbers:
        return _Finding(word, unknown=True)
    return _Finding(word, [sum(n >= k for n in numbers) / len(numbers) for k in range(1, max(numbers) + 1)])


def _from_distribution(word: str, numbers: Mapping[int, float]) -> _Finding:
    """Turn probabilities of numbers into scores: that of the k-th thing is the probability of at least k."""
    if sum(numbers.values()) < LEAST_KNOWN:
        return _Finding(word, unknown=True)
    scores = [sum(p for n, p in numbers.items() if n >= k) for k in range(1, max(numbers) + 1)]
    return _Finding(word, [min(score, 1.0) for score in scores])


def _question(name: str, text: str) -> str:
    try:
        text.format(names="", noun="", plural="")
    except (KeyError, IndexError, ValueError) as error:
        raise BadSettings(
            f"{name}: the question {text[:60]!r} cannot be filled in ({type(error).__name__}: {error}). "
            "Write {names}, {noun} or {plural}, and other curly brackets twice."
        ) from error
    return text


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _points(number: int, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Place points on a grid over the picture, as boxes without area."""
    columns = max(1, int(np.ceil(np.sqrt(number))))
    k = np.arange(number)
    x = (k % columns + 0.5) / columns * size[0]
    y = (k // columns + 0.5) / columns * size[1]
    return np.stack([x, y, x, y], axis=1).astype(np.float32).reshape(-1, 4)


def _small(picture: np.ndarray[Any, np.dtype[np.uint8]], side: int) -> Image.Image:
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((side, side))
    return image
