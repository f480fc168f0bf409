"""Count and judge images in memory: the calls `countcheck.count` and `countcheck.judge`."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from countcheck.counting import counter as counters
from countcheck.counting.counter import Counter
from countcheck.counting.counts import Count
from countcheck.counting.judging import judge_detections
from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.images.inputs import ImageInput, ImageInputs, each_image, is_in_memory, load_image
from countcheck.images.read_ahead import read_ahead
from countcheck.images.types import Pixels
from countcheck.suites.prompt_inputs import PromptInput, as_prompt
from countcheck.suites.suite import Noun, Prompt

CounterInput: TypeAlias = "str | Counter"
ProgressCallback: TypeAlias = Callable[[int, int | None], None]

BATCH_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One counted thing.

    Attributes:
        noun: What it is.
        score: The detector's, 0 to 1.
        xyxy: Left, top, right and bottom in pixels, origin at the top left.
    """

    noun: str
    score: float
    xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCount:
    """How many of each noun an image shows.

    Attributes:
        counts: Noun to number, 0 or more; nouns that the counter does not know are absent.
        low, high: The range of each number within the counter's margin.
        uncertain: Nouns whose number changes within the margin.
        unsupported: Nouns that the counter does not know.
        boxes: The things that were counted; points have no area.
        not_auditable: Nouns of which the counter gave a bare number; they have no boxes.
        size: Width and height of the image in pixels.
        error: Why the image could not be read; empty when it could.
        image: The image as it was given, for display.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    low: Mapping[str, int] = field(default_factory=dict)
    high: Mapping[str, int] = field(default_factory=dict)
    uncertain: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    not_auditable: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)
    error: str = ""
    image: ImageInput = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values in the shape of ``countcheck count --json``."""
        body: dict[str, Any] = {
            "counts": dict(self.counts),
            "uncertain": list(self.uncertain),
            "unsupported": list(self.unsupported),
            "boxes": [{"noun": box.noun, "score": box.score, "xyxy": list(box.xyxy)} for box in self.boxes],
        }
        body |= {"not_auditable": list(self.not_auditable)} if self.not_auditable else {}
        return body | ({"error": self.error} if self.error else {})

    def _repr_html_(self) -> str:
        words = ", ".join(f"{number} {noun}" for noun, number in self.counts.items())
        return _figure(self, self.error or words or "nothing counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether an image shows what its prompt asks for.

    Attributes:
        prompt: What was asked, with its targets.
        verdict: ``exact``, ``over``, ``under``, ``missing``, ``mixed`` or ``uncertain``; ``failed`` when the image
            cannot be read; ``None`` when the prompt asks for nothing that can be counted.
        leaning: The verdict by the counts alone; differs from ``verdict`` only when that is ``uncertain``.
        reason: The verdict in a sentence.
        count: The numbers behind it.
    """

    prompt: Prompt
    verdict: Kind | None
    leaning: Kind | None
    reason: str
    count: ImageCount

    @property
    def exact(self) -> bool | None:
        """Whether every target holds; ``None`` when that cannot be said."""
        if self.verdict in (None, Kind.UNCERTAIN, Kind.FAILED):
            return None
        return self.verdict is Kind.EXACT

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: verdict, leaning, reason, prompt, and the counts of `ImageCount.to_json`."""
        return {
            "prompt": self.prompt.text,
            "verdict": None if self.verdict is None else str(self.verdict),
            "leaning": None if self.leaning is None else str(self.leaning),
            "reason": self.reason,
            **self.count.to_json(),
        }

    def _repr_html_(self) -> str:
        return _figure(self.count, f"{self.verdict or 'nothing to count'}: {self.reason}")


def load_counter(counter: CounterInput = "tiny", *, device: str | None = None) -> Counter:
    """Load a counter's weights; the same spec and device are loaded once.

    Args:
        counter: A card's name or a spec such as ``"owlv2?threshold=0.2"``; a loaded counter is returned as it is.
        device: ``"cpu"``, ``"cuda:1"`` ...; the counter's own choice when left out.

    Raises:
        UnknownName: For an unknown card or family, with near names.
        CountcheckError: For a setting, device or weights that the detector refuses.
    """
    if isinstance(counter, Counter):
        return counter
    spec = counter if device is None else f"{counter}{'&' if '?' in counter else '?'}device={device}"
    return _loaded(spec)


@functools.lru_cache(maxsize=8)
def _loaded(spec: str) -> Counter:
    return counters.load_counter(spec)


def count(
    images: ImageInputs,
    nouns: Sequence[str],
    counter: CounterInput = "tiny",
    *,
    style: str | None = None,
    batch_size: int = BATCH_SIZE,
    progress: ProgressCallback | None = None,
) -> list[ImageCount]:
    """Count nouns in images; returns one entry an image, in order.

    An image that cannot be read has its reason in ``error``; the others are counted.

    Args:
        images: Paths, PIL images, uint8 HWC arrays, CHW or NCHW tensors on any device, encoded bytes, or an iterable of
            these. A tensor on the counter's device stays there, where the counter's family computes with tensors.
        nouns: What to count, in the singular.
        counter: A card's name, a spec or a loaded counter.
        style: The look of the images, for a counter with thresholds by style.
        batch_size: Images detected together, 1 or more; changes no number.
        progress: Called with the number of images done and their total (``None`` when unknown).

    Raises:
        BadInput: For no images, no nouns, or something that is no image at all.

    >>> from countcheck.scenes import compose, render
    >>> [entry.counts for entry in count(render(compose({"pig": 3}, seed=1)), ["pig", "wolf"])]
    [{'pig': 3, 'wolf': 0}]
    """
    names = [nouns] if isinstance(nouns, str) else list(nouns)
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise BadInput(f"nouns are {nouns!r}. Name at least one thing to count, as in ['pig'].")
    wanted = tuple(Noun(name=" ".join(name.lower().split())) for name in dict.fromkeys(names))
    loaded = load_counter(counter)
    requests = ((image, wanted, style) for image in each_image(images))
    return [
        _count_of(loaded, image, detections, wanted, style) if isinstance(detections, Detections) else detections
        for image, detections in _detect(loaded, requests, batch_size, _reporting(progress, images))
    ]


def judge(
    images: ImageInputs,
    prompts: PromptInput | Iterable[PromptInput],
    counter: CounterInput = "tiny",
    *,
    nouns: Mapping[str, Noun] | None = None,
    batch_size: int = BATCH_SIZE,
    progress: ProgressCallback | None = None,
) -> list[Judgement]:
    """Judge images against their prompts; returns one judgement an image, in order.

    An image that cannot be read is ``failed``, with the reason; the others are judged. A prompt without anything to count
    has the verdict ``None``. A noun that the counter does not know makes the judgement ``uncertain``.

    Args:
        images: As in `count`.
        prompts: One for each image, or a single one for all: texts, `Prompt` objects, targets by noun such as
            ``{"pig": 3, "wolf": "none"}``, or GenEval metadata.
        counter: A card's name, a spec or a loaded counter.
        nouns: What a suite says of its nouns (phrases, synonyms, distractors), by name.
        batch_size: Images detected together, 1 or more; changes no verdict.
        progress: Called with the number of images done and their total (``None`` when unknown).

    Raises:
        BadInput: For no images, when there are not as many prompts as images, or a target is written wrongly.

    >>> from countcheck.scenes import compose, render
    >>> (judgement,) = judge(render(compose({"pig": 4}, seed=1)), "three pigs")
    >>> judgement.verdict, judgement.reason
    (<Kind.OVER: 'over'>, 'asked for exactly 3 pig, counted 4 pig')
    """
    loaded = load_counter(counter)
    asked: list[Prompt] = []
    requests = _requests(images, prompts, nouns or {}, asked)
    judgements: list[Judgement] = []
    for image, detections in _detect(loaded, requests, batch_size, _reporting(progress, images)):
        prompt = asked[len(judgements)]
        if isinstance(detections, ImageCount):
            judgements.append(
                Judgement(
                    prompt=prompt, verdict=Kind.FAILED, leaning=Kind.FAILED, reason=detections.error, count=detections
                )
            )
        else:
            judgements.append(_judgement(loaded, image, detections, prompt, nouns or {}))
    return judgements


def nouns_of(prompt: Prompt, nouns: Mapping[str, Noun]) -> tuple[Noun, ...]:
    """Return what must be counted to judge a prompt, with the suite's phrases and synonyms where it has them."""
    phrases = {target.noun: target.phrase for target in prompt.targets}
    names = dict.fromkeys(noun for target in prompt.targets for noun in target.nouns)
    return tuple(nouns[name] if name in nouns else Noun(name=name, phrase=phrases.get(name, name)) for name in names)


_Request: TypeAlias = "tuple[ImageInput, tuple[Noun, ...], str | None]"


def _requests(
    images: ImageInputs,
    prompts: PromptInput | Iterable[PromptInput],
    nouns: Mapping[str, Noun],
    asked: list[Prompt],
) -> Iterator[_Request]:
    """Pair images with prompts; ``asked`` receives the prompts as they are used."""
    one_for_all = as_prompt(prompts) if isinstance(prompts, str | Prompt | Mapping) else None
    each_prompt = iter(()) if one_for_all is not None else iter(prompts)  # type: ignore[arg-type]
    number = 0
    for image in each_image(images):
        number += 1
        if one_for_all is not None:
            prompt = one_for_all
        else:
            try:
                prompt = as_prompt(next(each_prompt), place=f"prompt {number}")
            except StopIteration:
                raise BadInput(
                    f"there are fewer prompts than images ({number - 1}). Give one an image, or one for all."
                ) from None
        asked.append(prompt)
        yield image, nouns_of(prompt, nouns), prompt.tags.get("style")
    if next(each_prompt, None) is not None:
        raise BadInput(f"there are more prompts than images ({number}). Give one an image, or one for all.")


def _detect(
    counter: Counter, requests: Iterable[_Request], batch_size: int, report: Callable[[int], None]
) -> Iterator[tuple[ImageInput, Detections | ImageCount]]:
    """Yield each image with its detections, or with an entry that says why it cannot be read; in order.

    Images that ask for the same nouns share a batch, so that what is found never depends on a neighbour's prompt.
    """
    if batch_size < 1:
        raise BadInput(f"batch_size is {batch_size}. Give 1 or more.")
    done = 0
    for part in _parts(_loaded_ahead(requests), batch_size):
        results: list[Detections | ImageCount | None] = [None] * len(part)
        groups: dict[tuple[Noun, ...], list[int]] = {}
        for place, ((image, nouns, _), pixels) in enumerate(part):
            if isinstance(pixels, BadInput):
                results[place] = ImageCount(error=str(pixels), image=image)
            else:
                groups.setdefault(nouns, []).append(place)
        for nouns, places in groups.items():
            asked = [part[place] for place in places]
            found = _detect_group(
                counter, [pixels for _, pixels in asked], nouns, [style for (_, _, style), _ in asked]
            )
            for place, detections in zip(places, found, strict=True):
                image = part[place][0][0]
                results[place] = (
                    ImageCount(error=str(detections), image=image) if isinstance(detections, BadInput) else detections
                )
        done += len(part)
        report(done)
        for ((image, _, _), _), result in zip(part, results, strict=True):
            assert result is not None
            yield image, result
    if not done:
        raise BadInput("there are no images. Give at least one.")


def _loaded_ahead(requests: Iterable[_Request]) -> Iterator[tuple[_Request, Any]]:
    """Yield each request with its image's pixels, or with the error of an image that cannot be read; files read ahead."""

    def load(numbered: tuple[int, _Request]) -> tuple[_Request, Any]:
        number, request = numbered
        try:
            return request, load_image(request[0], place=f"image {number}")
        except BadInput as error:
            return request, error

    return read_ahead(enumerate(requests, 1), load, at_hand=lambda numbered: is_in_memory(numbered[1][0]))


def _detect_group(
    counter: Counter, pixels: Sequence[Pixels], nouns: tuple[Noun, ...], styles: Sequence[str | None]
) -> Sequence[Detections | BadInput]:
    """Detect in a batch; when one image of it has values that no image has, that one alone gets the error."""
    try:
        return counter.detect(pixels, nouns, styles)
    except BadInput as error:
        if len(pixels) == 1:
            return [error]
        return [
            found
            for image, style in zip(pixels, styles, strict=True)
            for found in _detect_group(counter, [image], nouns, [style])
        ]


def _parts(loaded: Iterable[tuple[_Request, Any]], size: int) -> Iterator[list[tuple[_Request, Any]]]:
    part: list[tuple[_Request, Any]] = []
    for each in loaded:
        part.append(each)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _reporting(progress: ProgressCallback | None, images: ImageInputs) -> Callable[[int], None]:
    if progress is None:
        return lambda done: None
    total = len(images) if hasattr(images, "__len__") and not isinstance(images, str | bytes) else None
    return lambda done: progress(done, total)


def _count_of(
    counter: Counter, image: ImageInput, detections: Detections, nouns: Sequence[Noun], style: str | None
) -> ImageCount:
    counted = counter.count(detections, list(nouns), style)
    return _entry(image, detections, counted)


def _entry(image: ImageInput, detections: Detections, counted: Count) -> ImageCount:
    return ImageCount(
        counts=dict(counted.counts),
        low=dict(counted.low),
        high=dict(counted.high),
        uncertain=counted.uncertain,
        unsupported=tuple(sorted(counted.unsupported)),
        boxes=tuple(_boxes(detections, counted.kept)),
        not_auditable=tuple(sorted(detections.not_auditable & set(counted.counts))),
        size=detections.size,
        image=image,
    )


def _judgement(
    counter: Counter, image: ImageInput, detections: Detections, prompt: Prompt, nouns: Mapping[str, Noun]
) -> Judgement:
    wanted = nouns_of(prompt, nouns)
    judged = judge_detections(counter, detections, prompt.targets, prompt.tags, list(wanted))
    entry = replace(_entry(image, detections, judged.count), unsupported=_unsupported(detections, wanted))
    if judged.verdict is None:
        reason = "the prompt asks for nothing that can be counted"
        return Judgement(prompt=prompt, verdict=None, leaning=None, reason=reason, count=entry)
    verdict = judged.verdict
    return Judgement(prompt=prompt, verdict=verdict.kind, leaning=verdict.leaning, reason=verdict.reason, count=entry)


def _unsupported(detections: Detections, nouns: Sequence[Noun]) -> tuple[str, ...]:
    return tuple(sorted(noun.name for noun in nouns if noun.name in detections.unsupported))


def _boxes(detections: Detections, kept: Iterable[int]) -> Iterator[Box]:
    for index in kept:
        if detections.nouns[index] in detections.not_auditable:
            continue
        x1, y1, x2, y2 = (round(float(value), 2) for value in detections.boxes[index])
        score = round(float(detections.scores[index]), 5)
        yield Box(noun=detections.nouns[index], score=score, xyxy=(x1, y1, x2, y2))


def _figure(entry: ImageCount, caption: str) -> str:
    """An HTML figure for a notebook: the image with its boxes, and one line below."""
    from countcheck.reports.draw_boxes import drawn_corners
    from countcheck.reports.notebook import figure_html

    boxes = [(box.noun, box.score, drawn_corners(box.xyxy, entry.size)) for box in entry.boxes]
    try:
        pixels = None if entry.error or entry.image is None else load_image(entry.image)
    except BadInput:  # the file is gone since
        pixels = None
    return figure_html(pixels, entry.size, boxes, caption) if pixels is not None else f"<p>{html.escape(caption)}</p>"
