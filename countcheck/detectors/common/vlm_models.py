"""The two ways to reach a vision-language model: an OpenAI-compatible server, or transformers on this machine."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from countcheck.cards import Card
from countcheck.credentials import read_key
from countcheck.detectors.common.devices import need_torch, resolve_devices, resolve_dtype
from countcheck.errors import BadSettings, BadWeights, GeneratorClosed, MissingExtra, first_line

if TYPE_CHECKING:
    from PIL import Image

TOP_TOKENS = 20  # the most that servers tell of


class ServedModel:
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

    def answer(self, image: Image.Image, prompt: str, times: int) -> list[tuple[str, bool]]:
        """Ask the same question some times: every answer, and whether it is whole.

        Raises:
            GeneratorClosed: When the server refuses access or cannot be reached.
            BadSettings: When it rejects the request.
        """
        answers = []
        for _ in range(times):
            choice = self._ask(image, prompt, max_completion_tokens=int(self._settings["longest"]))
            whole = choice is None or choice.finish_reason != "length"
            answers.append(("" if choice is None else choice.message.content or "", whole))
        return answers

    def first_token(self, image: Image.Image, prompt: str) -> dict[str, float]:
        """Ask a question: the likeliest first tokens of the answer with their probabilities.

        Raises:
            GeneratorClosed: When the server refuses access or cannot be reached.
            BadSettings: When it rejects the request, or tells no probabilities.
        """
        choice = self._ask(image, prompt, max_completion_tokens=4, logprobs=True, top_logprobs=TOP_TOKENS)
        if choice is None:
            return {}
        tokens = choice.logprobs.content if choice.logprobs is not None else None
        if not tokens:
            raise BadSettings(
                f"{self._card.name}: the server tells no probabilities of its words. Serve the model with vLLM or "
                "llama.cpp, or ask for numbers, boxes or points."
            )
        return {token.token: math.exp(token.logprob) for token in tokens[0].top_logprobs}

    def _ask(self, image: Image.Image, prompt: str, **more: Any) -> Any:
        """Send one question; the reply's first choice, or ``None`` where the server refuses this picture."""
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
        content = [{"type": "text", "text": prompt}, {"type": "image_url", "image_url": {"url": url}}]
        errors = self._openai
        try:
            answer = self._client.chat.completions.create(
                model=self._card.source,
                messages=[{"role": "user", "content": content}],
                **more,
                **({} if self._settings["temperature"] is None else {"temperature": self._settings["temperature"]}),
            )
        except (errors.AuthenticationError, errors.PermissionDeniedError, errors.NotFoundError) as error:
            raise GeneratorClosed(
                f"{self._card.name}: the server refuses access ({type(error).__name__}). "
                f"Check the key in {self._settings['key_env']} and the model name {self._card.source!r}."
            ) from error
        except errors.BadRequestError as error:
            if any(word in str(error).lower() for word in ("policy", "filter", "safety")):
                return None  # it refuses this picture: no number, so unsupported there
            raise BadSettings(
                f"{self._card.name}: the server rejects the request ({_message(error)}). Correct the settings."
            ) from error
        except errors.OpenAIError as error:
            raise GeneratorClosed(
                f"{self._card.name}: the server cannot be reached or is overloaded ({type(error).__name__}). Try later."
            ) from error
        return answer.choices[0] if answer.choices else None


def _message(error: Exception) -> str:
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or type(error).__name__).split())[:160]


class LocalModel:
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
                f"({first_line(error, 160)}). Download one and give its folder."
            ) from error
        self._model = self._model.to(self._device).eval()

    def answer(self, image: Image.Image, prompt: str, times: int) -> list[tuple[str, bool]]:
        """Ask the same question some times: every answer, and whether it is whole."""
        import torch

        inputs = self._inputs(image, prompt)
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
        whole = out.shape[1] - start < int(self._settings["longest"])
        return [(text, whole) for text in texts]

    def first_token(self, image: Image.Image, prompt: str) -> dict[str, float]:
        """Ask a question: the likeliest first tokens of the answer with their probabilities."""
        import torch

        inputs = self._inputs(image, prompt)
        with torch.inference_mode():
            logits = self._model(**inputs).logits[0, -1].float()
        best = torch.topk(logits.softmax(dim=-1), min(TOP_TOKENS, logits.shape[-1]))
        tokens: dict[str, float] = {}
        for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            text = self._processor.batch_decode([[index]])[0]
            tokens[text] = tokens.get(text, 0.0) + probability
        return tokens

    def _inputs(self, image: Image.Image, prompt: str) -> Any:
        content = [{"type": "image", "image": image}, {"type": "text", "text": prompt}]
        return self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._device, self._model.dtype)
