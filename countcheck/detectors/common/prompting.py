"""How each open-vocabulary family of transformers is prompted with words, and how its output is read."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.detectors.common.boxes import corners_of
from countcheck.detectors.common.pictures import size_of
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, np.dtype[Any]]
SENTENCE_ENDS = re.compile(r"[.?!;]+")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What was found in one picture: boxes in its pixels (n, 4), scores (n,) from 0 to 1, and the word of each."""

    boxes: Array
    scores: Array
    words: tuple[str, ...]
    masks: tuple[np.ndarray[Any, np.dtype[np.bool_]], ...] = ()


class PromptedModel(ABC):
    """A model that is prompted with words.

    Args:
        model: On its device, in evaluation mode.
        processor: Of the same folder.
        floor: Lowest score to report, 0 to 1.
        template: Caption round a word, for families that were trained on captions; ``{}`` is the word.
    """

    max_words = 64

    def __init__(self, model: Any, processor: Any, *, floor: float, template: str) -> None:
        self.model, self.processor = model, processor
        self.floor, self.template = floor, template

    def knows(self, word: str) -> bool:
        """Tell whether the tokenizer has a token for this word, and room for all of it.

        A model would look for the first tokens of a longer word, which may be another thing: "a toy pig on a ..."
        """
        tokenizer = self.processor.tokenizer
        ids = tokenizer(self.text_of(word), add_special_tokens=False)["input_ids"]
        if len(ids) > self._window() - tokenizer.num_special_tokens_to_add():
            return False
        return (
            any(token != tokenizer.unk_token_id for token in ids) if tokenizer.unk_token_id is not None else bool(ids)
        )

    def _window(self) -> int:
        """Most tokens of one text, special ones included: 16 for OWL."""
        positions = getattr(getattr(self.model.config, "text_config", None), "max_position_embeddings", None)
        limit = int(self.processor.tokenizer.model_max_length)
        return min(limit, int(positions)) if positions else limit

    def text_of(self, word: str) -> str:
        """Write a word as the model is given it: lower case, without marks that end a phrase."""
        return " ".join(SENTENCE_ENDS.sub(" ", word.lower()).split())

    def batches(self, words: Sequence[str]) -> Iterator[Sequence[str]]:
        """Split the words into batches that fit one prompt."""
        for k in range(0, len(words), self.max_words):
            yield words[k : k + self.max_words]

    @abstractmethod
    def detect(self, pictures: Sequence[Pixels], words: Sequence[str]) -> list[Answer]:
        """Detect these words in each picture; the pictures are of one size."""

    def _inputs(self, **given: Any) -> Any:
        """Make the processor's tensors on the model's device, floating ones in its number format."""
        inputs = self.processor(return_tensors="pt", **given)
        return inputs.to(self.model.device, self.model.dtype)


def _sizes(pictures: Sequence[Pixels]) -> list[tuple[int, int]]:
    """Height and width of each picture."""
    return [size_of(picture)[::-1] for picture in pictures]


def _answer(output: Any, words: Sequence[str]) -> Answer:
    """Read a transformers result with ``boxes``, ``scores`` and ``labels`` that number the words."""
    return Answer(
        boxes=output["boxes"].float().cpu().numpy().reshape(-1, 4),
        scores=output["scores"].float().cpu().numpy(),
        words=tuple(words[int(k)] for k in output["labels"]),
    )


class GroundingDino(PromptedModel):
    """Grounding DINO, MM-Grounding-DINO and LLMDet: one prompt of phrases, each ending with a dot.

    A box's score for a word is the best of the word's own tokens. The family's own reading joins all tokens above a
    threshold, which makes "pig wolf" of two nouns in one prompt.
    """

    def batches(self, words: Sequence[str]) -> Iterator[Sequence[str]]:
        """Split the words into batches that fit the text window."""
        room = self._room()
        part: list[str] = []
        used = 0
        for word in words:
            length = min(len(self._tokens(word)), room) + 1
            if part and used + length > room:
                yield part
                part, used = [], 0
            part.append(word)
            used += length
        if part:
            yield part

    def detect(self, pictures: Sequence[Pixels], words: Sequence[str]) -> list[Answer]:
        """Detect these words in each picture."""
        import torch

        tokenizer = self.processor.tokenizer
        text = " ".join(f"{tokenizer.decode(self._tokens(word)[: self._room() - 1])}." for word in words)
        inputs = self._inputs(images=list(pictures), text=[text] * len(pictures))
        outputs = self.model(**inputs)
        spans = self._spans(inputs["input_ids"][0].tolist(), len(words))
        scores = outputs.logits.float().sigmoid()
        by_word = torch.stack([scores[..., span].amax(dim=-1) for span in spans], dim=-1)  # (n, queries, words)
        boxes = _in_pixels(outputs.pred_boxes.float(), _sizes(pictures))
        return [self._read(boxes[k], by_word[k], words) for k in range(len(pictures))]

    def _room(self) -> int:
        return int(self.model.config.max_text_len) - 2

    def _window(self) -> int:
        return self._room() - 1 + int(self.processor.tokenizer.num_special_tokens_to_add())

    def _tokens(self, word: str) -> list[int]:
        ids: list[int] = self.processor.tokenizer(self.text_of(word), add_special_tokens=False)["input_ids"]
        return ids

    def _spans(self, ids: Sequence[int], number: int) -> list[list[int]]:
        """Find the positions of each phrase's tokens."""
        tokenizer = self.processor.tokenizer
        breaks = {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id}
        breaks |= {tokenizer.convert_tokens_to_ids("."), tokenizer.convert_tokens_to_ids("?")}
        breaks.discard(tokenizer.unk_token_id)
        spans: list[list[int]] = [[]]
        for position, token in enumerate(ids):
            if token in breaks:
                spans += [[]] if spans[-1] else []
            else:
                spans[-1].append(position)
        spans = [span for span in spans if span]
        if len(spans) != number:
            raise ValueError(f"{number} phrases were asked for, and {len(spans)} are in the prompt")
        return spans

    def _read(self, boxes: torch.Tensor, scores: torch.Tensor, words: Sequence[str]) -> Answer:
        query, word = (scores >= self.floor).nonzero(as_tuple=True)
        return Answer(
            boxes=boxes[query].cpu().numpy(),
            scores=scores[query, word].cpu().numpy(),
            words=tuple(words[int(k)] for k in word),
        )


def _in_pixels(boxes: torch.Tensor, sizes: Sequence[tuple[int, int]]) -> torch.Tensor:
    """Scale boxes (n, k, 4) of centre, width and height, 0 to 1, to corners in the picture's pixels."""
    import torch

    scale = torch.tensor([[w, h, w, h] for h, w in sizes], device=boxes.device, dtype=boxes.dtype)[:, None]
    return corners_of(boxes) * scale


class Owl(PromptedModel):
    """OWL-ViT and OWLv2: every word a query of its own, in a short caption."""

    def text_of(self, word: str) -> str:
        """Write a word in its caption."""
        return self.template.format(super().text_of(word))

    def detect(self, pictures: Sequence[Pixels], words: Sequence[str]) -> list[Answer]:
        """Detect these words in each picture."""
        most = int(self.model.config.text_config.max_position_embeddings)
        queries = [self.text_of(word) for word in words]
        inputs = self._inputs(
            images=list(pictures),
            text=[queries] * len(pictures),
            padding="max_length",
            max_length=most,
            truncation=True,
        )
        outputs = self.processor.post_process_grounded_object_detection(
            self.model(**inputs), threshold=self.floor, target_sizes=_sizes(pictures)
        )
        return [_answer(output, words) for output in outputs]


class OmDet(PromptedModel):
    """OmDet-Turbo: the words as classes, and a sentence that states the task."""

    def detect(self, pictures: Sequence[Pixels], words: Sequence[str]) -> list[Answer]:
        """Detect these words in each picture."""
        classes = [self.text_of(word) for word in words]
        inputs = self._inputs(
            images=list(pictures),
            text=[classes] * len(pictures),
            task=[f"Detect {', '.join(classes)}."] * len(pictures),
        )
        outputs = self.processor.post_process_grounded_object_detection(
            self.model(**inputs), threshold=self.floor, nms_threshold=0.7, target_sizes=_sizes(pictures)
        )
        return [_answer(output, words) for output in outputs]


class Sam3(PromptedModel):
    """SAM 3: one phrase at a time over features computed once a picture."""

    def detect(self, pictures: Sequence[Pixels], words: Sequence[str]) -> list[Answer]:
        """Detect these words in each picture."""
        most = int(self.model.config.text_config.max_position_embeddings)
        pixels = self._inputs(images=list(pictures))["pixel_values"]
        features = self.model.get_vision_features(pixel_values=pixels)
        answers: list[list[Answer]] = [[] for _ in pictures]
        for word in words:
            text = self.processor.tokenizer(
                self.text_of(word), return_tensors="pt", padding="max_length", max_length=most, truncation=True
            ).to(self.model.device)
            rows = {name: text[name].expand(len(pictures), -1) for name in ("input_ids", "attention_mask")}
            outputs = self.processor.post_process_object_detection(
                self.model(vision_embeds=features, **rows), threshold=self.floor, target_sizes=_sizes(pictures)
            )
            for answer, output in zip(answers, outputs, strict=True):
                answer.append(_answer({**output, "labels": [0] * len(output["scores"])}, [word]))
        return [joined(parts) for parts in answers]


def joined(parts: Sequence[Answer]) -> Answer:
    """Join the answers to several prompts about one picture."""
    return Answer(
        boxes=np.concatenate([part.boxes.reshape(-1, 4) for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        words=tuple(word for part in parts for word in part.words),
    )


FAMILIES: dict[str, type[PromptedModel]] = {
    "grounding-dino": GroundingDino,
    "mm-grounding-dino": GroundingDino,
    "owlv2": Owl,
    "owlvit": Owl,
    "omdet-turbo": OmDet,
    "sam3": Sam3,
    "sam3_lite_text": Sam3,
}
