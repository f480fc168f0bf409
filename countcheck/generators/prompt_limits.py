"""How much of a prompt a pipeline's text encoders read: what comes after their limit, the model never sees."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from countcheck.suites.suite import Suite

# Limits that stand in the code of these classes alone, in tokens; the beginning of a class's name.
_FIXED = {"IF": 77, "Kandinsky3": 128, "LDMTextToImage": 77, "UnCLIP": 77}
_NO_LIMIT = 100_000  # tokenizers without a limit say a number far above this


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation:
    """A prompt of which no text encoder reads the end.

    Attributes:
        tokens: Of the whole prompt, by the encoder that reads most of it.
        limit: Tokens that this encoder reads.
        unseen: The text after the limit.
    """

    tokens: int
    limit: int
    unseen: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, as an outcome records them."""
        return {"tokens": self.tokens, "limit": self.limit, "unseen": self.unseen[:500]}


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPrompt:
    """A prompt of a suite, or a turn of a conversation, of which a generator does not read the end.

    Attributes:
        id: The prompt's or the conversation's.
        turn: Of a conversation, from 1; ``None`` for a prompt.
        truncation: What is not read.
    """

    id: str
    turn: int | None
    truncation: Truncation

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"id": self.id, "turn": self.turn, **self.truncation.to_json()}


def cut_prompts(suite: Suite, truncation: Callable[[str], Truncation | None]) -> list[CutPrompt]:
    """List what of a suite is longer than a generator reads.

    Args:
        suite: The prompts and conversations.
        truncation: The generator's, see `countcheck.generators.base.LimitsPrompts`.
    """
    texts: list[tuple[str, int | None, str]] = [(prompt.id, None, prompt.text) for prompt in suite.prompts]
    for conversation in suite.conversations:
        texts += [(conversation.id, number, turn.say) for number, turn in enumerate(conversation.turns, 1)]
    found = ((id, turn, truncation(text)) for id, turn, text in texts)
    return [CutPrompt(id=id, turn=turn, truncation=cut) for id, turn, cut in found if cut is not None]


class PromptLimits:
    """The limits of a pipeline's text encoders.

    A prompt is cut where every encoder cuts it: Flux's CLIP reads 77 tokens and its T5 reads 512, so 100 tokens are not.

    Args:
        encoders: Each encoder's tokenizer with its limit in tokens; ``None`` for no limit.
    """

    def __init__(self, encoders: list[tuple[Any, int | None]]) -> None:
        self._encoders = encoders
        self._known: dict[str, Truncation | None] = {}

    @classmethod
    def of(cls, pipe: Any, settings: Mapping[str, Any]) -> PromptLimits:
        """Read the limits of a pipeline.

        Args:
            pipe: A diffusers pipeline.
            settings: The generator's; ``max_sequence_length`` (tokens) is the limit of other encoders than CLIP.
        """
        return cls.of_parts(type(pipe), getattr(pipe, "components", {}), settings)

    @classmethod
    def of_parts(cls, kind: type, parts: Mapping[str, Any], settings: Mapping[str, Any]) -> PromptLimits:
        """Read the limits of a pipeline's class and its tokenizers, without its weights.

        Args:
            kind: The class.
            parts: The pipeline's parts by name: its tokenizers, and anything but ``None`` for each text encoder it has.
            settings: The generator's; ``max_sequence_length`` (tokens) is the limit of other encoders than CLIP.
        """
        encoders = []
        for name, tokenizer in parts.items():
            encoder = parts.get(name.replace("tokenizer", "text_encoder"))
            if "tokenizer" in name and callable(tokenizer) and encoder is not None:
                encoders.append((tokenizer, _limit(kind, tokenizer, settings.get("max_sequence_length"))))
        return cls(encoders)

    def truncation(self, text: str) -> Truncation | None:
        """Return what of a prompt no encoder reads; ``None`` when one of them reads all of it."""
        if text not in self._known:
            self._known[text] = self._find(text)
        return self._known[text]

    def _find(self, text: str) -> Truncation | None:
        longest: Truncation | None = None
        for tokenizer, limit in self._encoders:
            if limit is None or (tokens := _tokens(tokenizer, text)) is None or len(tokens) <= limit:
                return None
            if longest is None or limit > longest.limit:
                # The last token that is read ends the sequence, so one less is of the prompt.
                unseen = tokenizer.decode(tokens[limit - 1 :], skip_special_tokens=True).strip()
                longest = Truncation(tokens=len(tokens), limit=limit, unseen=str(unseen))
        return longest


def _limit(kind: type, tokenizer: Any, setting: int | None) -> int | None:
    own = getattr(tokenizer, "model_max_length", None)
    own = int(own) if own is not None and own < _NO_LIMIT else None
    if "CLIP" in type(tokenizer).__name__:
        return own
    parameter = inspect.signature(kind.__call__).parameters.get("max_sequence_length")
    if parameter is not None:
        default = parameter.default if isinstance(parameter.default, int) else None
        return setting or default or own
    fixed = (limit for start, limit in _FIXED.items() if kind.__name__.startswith(start))
    return next(fixed, own)


def _tokens(tokenizer: Any, text: str) -> list[int] | None:
    """The prompt's tokens with those that begin and end a sequence; ``None`` when this tokenizer cannot tell."""
    try:
        return list(tokenizer(text, truncation=False, verbose=False).input_ids)
    except (TypeError, ValueError, AttributeError):
        return None
