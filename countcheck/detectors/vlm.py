"""A vision-language model asked for a number: a second counter, never the only one by default.

It gives a number, not places: its boxes are points, which are never merged. Asked several times, the score of the k-th
object is the share of answers that count at least k, so that a threshold of 0.5 is the median and a margin round it is
the spread of its answers.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.cards import Card, fill
from countcheck.credentials import read_key, refuse_secrets
from countcheck.detectors.base import Detections
from countcheck.detectors.common.devices import need_torch, resolve_devices, resolve_dtype
from countcheck.errors import BadSettings, BadWeights, GeneratorClosed, MissingExtra
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    from PIL import Image

DEFAULTS: dict[str, Any] = {
    "backend": "openai",  # or transformers
    "base_url": "",  # of an OpenAI-compatible server
    "key_env": "OPENAI_API_KEY",
    "answers": 1,
    "temperature": None,  # the server's own
    "side": 1024,
    "concurrency": 4,
    "timeout": 120,
    "most": 200,
    "longest": 256,  # tokens of an answer
    "device": "auto",
    "precision": "auto",
}

QUESTION = (
    "Count the things in this picture. Count every one that can be seen, also those that are partly hidden or cut off. "
    "Do not count reflections, toys, statues or pictures of them. "
    "Answer with a JSON object and nothing else, one whole number for each name: {names}"
)


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
        self.name = card.name
        self._settings = settings
        backends: dict[str, type[_Server] | type[_Local]] = {"openai": _Server, "transformers": _Local}
        if settings["backend"] not in backends:
            raise BadSettings(f"{card.name}: backend is {settings['backend']!r}. Give openai or transformers.")
        self._model: _Server | _Local = backends[settings["backend"]](card, settings)

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Count in each picture, in order; a noun that got no number is unsupported in that picture."""
        words = sorted(set(nouns))
        arrays = [as_rgb(picture) for picture in pictures]
        images = [_small(array, int(self._settings["side"])) for array in arrays]
        sizes = [(array.shape[1], array.shape[0]) for array in arrays]
        if not words:
            return [Detections.nothing(size) for size in sizes]
        prompt = QUESTION.format(names=json.dumps(words, ensure_ascii=False))
        times = int(self._settings["answers"])
        with ThreadPoolExecutor(max_workers=self._model.concurrency) as pool:
            answers = list(pool.map(lambda image: self._model.answer(image, prompt, times), images))
        return [self._read(texts, words, size) for texts, size in zip(answers, sizes, strict=True)]

    def _read(self, answers: Sequence[str], words: Sequence[str], size: tuple[int, int]) -> Detections:
        numbers = [read_numbers(answer, words) for answer in answers]
        nouns: list[str] = []
        scores: list[float] = []
        unknown: set[str] = set()
        for word in words:
            given = [min(found[word], int(self._settings["most"])) for found in numbers if word in found]
            if not given:
                unknown.add(word)
                continue
            for k in range(1, max(given) + 1):
                nouns.append(word)
                scores.append(sum(n >= k for n in given) / len(given))
        return Detections(
            boxes=_points(len(nouns), size),
            scores=np.array(scores, np.float32),
            nouns=tuple(nouns),
            size=size,
            unsupported=frozenset(unknown),
        )


def read_numbers(answer: str, words: Sequence[str]) -> dict[str, int]:
    """Read the number of each word from an answer: JSON with anything round it, "pigs: 3", or one bare number.

    >>> read_numbers('Here you are: {"pig": 3}', ["pig", "wolf"])
    {'pig': 3}
    """
    for text in re.findall(r"\{[^{}]*\}", answer, flags=re.DOTALL)[::-1]:
        try:
            body = json.loads(text)
        except ValueError:
            continue
        named = {str(name).strip().lower(): value for name, value in body.items()}
        numbers = {word: _whole(named.get(word.lower())) for word in words}
        if any(number is not None for number in numbers.values()):
            return {word: number for word, number in numbers.items() if number is not None}
    bare = re.findall(r"(?<![\w.-])\d{1,4}(?![\w.])", answer)
    if len(words) == 1 and len(set(bare)) == 1:
        return {words[0]: int(bare[0])}
    numbers_in_words = {}
    for word in words:
        match = re.search(rf"(?i)\b{re.escape(word)}(?:s|es)?\b[\"'*_]{{0,3}} ?[:=] ?(\d{{1,4}})(?![\w.]\d)", answer)
        if match:
            numbers_in_words[word] = int(match[1])
    return numbers_in_words


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= 9999 else None


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


class _Server:
    """A model behind an OpenAI-compatible server: the provider's own, vLLM, llama.cpp, Ollama, LM Studio."""

    def __init__(self, card: Card, settings: Mapping[str, Any]) -> None:
        try:
            import openai
        except ImportError as error:
            raise MissingExtra("openai", feature="the vlm counter") from error
        self._openai, self._card, self._settings = openai, card, settings
        self.concurrency = int(settings["concurrency"])
        url = str(settings["base_url"])
        local = re.match(r"https?://(localhost|127\.|\[::1\])", url)
        # A server on this machine needs no key, and must not be sent that of another.
        key = "none" if local else read_key([str(settings["key_env"])], family=card.name)
        self._client = openai.OpenAI(
            api_key=key, base_url=url or None, timeout=float(settings["timeout"]), max_retries=4
        )

    def answer(self, image: Image.Image, prompt: str, times: int) -> list[str]:
        return [self._once(image, prompt) for _ in range(times)]

    def _once(self, image: Image.Image, prompt: str) -> str:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
        content = [{"type": "text", "text": prompt}, {"type": "image_url", "image_url": {"url": url}}]
        errors = self._openai
        try:
            answer = self._client.chat.completions.create(
                model=self._card.source,
                messages=[{"role": "user", "content": content}],
                max_completion_tokens=int(self._settings["longest"]),
                **({} if self._settings["temperature"] is None else {"temperature": self._settings["temperature"]}),
            )
        except (errors.AuthenticationError, errors.PermissionDeniedError, errors.NotFoundError) as error:
            raise GeneratorClosed(
                f"{self._card.name}: the server refuses access ({type(error).__name__}). "
                f"Check the key in {self._settings['key_env']} and the model name {self._card.source!r}."
            ) from error
        except errors.BadRequestError as error:
            if any(word in str(error).lower() for word in ("policy", "filter", "safety")):
                return ""  # it refuses this picture: no number, so unsupported there
            raise BadSettings(
                f"{self._card.name}: the server rejects the request ({_message(error)}). Correct the settings."
            ) from error
        except errors.OpenAIError as error:
            raise GeneratorClosed(
                f"{self._card.name}: the server cannot be reached or is overloaded ({type(error).__name__}). Try later."
            ) from error
        return (answer.choices[0].message.content or "") if answer.choices else ""


def _message(error: Exception) -> str:
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or type(error).__name__).split())[:160]


class _Local:
    """A vision-language model of transformers, in a folder or on the hub."""

    concurrency = 1

    def __init__(self, card: Card, settings: Mapping[str, Any]) -> None:
        need_torch("the vlm counter")
        import transformers

        self._device = resolve_devices(str(settings["device"]), card.name)[0]
        dtype = resolve_dtype(str(settings["precision"]), self._device, card.name)
        self._settings = settings
        given: dict[str, Any] = {"trust_remote_code": False, **({"revision": card.revision} if card.revision else {})}
        try:
            self._processor = transformers.AutoProcessor.from_pretrained(card.source, **given)
            self._model = transformers.AutoModelForImageTextToText.from_pretrained(
                card.source, dtype=dtype, use_safetensors=True, **given
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise BadWeights(
                f"{card.name}: there is no vision-language model at {card.source} that can be loaded "
                f"({str(error).splitlines()[0][:160]}). Download one and give its folder."
            ) from error
        self._model = self._model.to(self._device).eval()

    def answer(self, image: Image.Image, prompt: str, times: int) -> list[str]:
        import torch

        content = [{"type": "image", "image": image}, {"type": "text", "text": prompt}]
        inputs = self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._device, self._model.dtype)
        sampling: dict[str, Any] = {"do_sample": False}
        if times > 1 and float(self._settings["temperature"] or 0) > 0:
            sampling = {"do_sample": True, "temperature": float(self._settings["temperature"])}
        with torch.inference_mode():
            out = self._model.generate(
                **inputs,
                max_new_tokens=int(self._settings["longest"]),
                num_return_sequences=times if sampling["do_sample"] else 1,
                **sampling,
            )
        start = inputs["input_ids"].shape[1]
        texts: list[str] = self._processor.batch_decode(out[:, start:], skip_special_tokens=True)
        return texts
