"""Hugging Face's inference providers, through its own client, which gives one picture or an exception.

The client throws most signals away: a flagged picture is black, an empty answer is an `IndexError`, a Replicate
prediction that was moderated looks like a timeout. Where refusals matter, ask the provider itself.
"""

from __future__ import annotations

import binascii
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.error_replies import reply_of_error
from countcheck.generators.remote.http import given_fields
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

if TYPE_CHECKING:
    from PIL import Image


def reply_of_picture(picture: Image.Image) -> Reply:
    """Return the client's picture as a reply: its bytes as they came, where Pillow still holds them."""
    held = getattr(picture, "fp", None)
    if held is not None:
        held.seek(0)
        return Reply(slots=(Slot(data=held.read()),))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return Reply(slots=(Slot(data=buffer.getvalue()),))


def reply_of_hub_error(error: Exception) -> Reply:
    """Read an exception of the client, and undo what the client made of its providers' answers."""
    if isinstance(error, IndexError | KeyError):  # an empty list of pictures, or an item without one
        return Reply(slots=(Slot(),), raw=f"{type(error).__name__}: {error}")
    reply, text = reply_of_error(error), str(error)
    if type(error) is TimeoutError and "No output generated" in text:
        # Said of every prediction without output, a moderated one too: nobody can tell which it was.
        words = "the prediction has no output: moderated, still starting or broken, the client does not tell which"
        return Reply(error=True, codes=("no_output",), message=words, raw=text)
    if type(error) is ValueError:  # the client's own: its name says nothing, its words quote the provider
        codes = ("model_not_found",) if "is not supported" in text else ()
        return replace(reply, codes=codes)
    if type(error).__name__ == "UnidentifiedImageError":
        return replace(reply, message="the answer is no picture", raw="the answer is no picture")
    if isinstance(error, binascii.Error):
        # The client decoded the picture itself; half a picture's text is as good as none.
        return Reply(slots=(Slot(data="damaged"),), raw=f"base64: {error}")
    return reply


class HuggingFaceGenerator(EditingGenerator):
    """Make pictures with any text-to-image model that a provider of the hub serves, or an endpoint's URL."""

    family: ClassVar[str] = "huggingface"
    service: ClassVar[str] = "Hugging Face inference providers"
    extra: ClassVar[str] = "huggingface"
    modules: ClassVar[tuple[str, ...]] = ("huggingface_hub.inference._client", "huggingface_hub.inference._providers")
    key: ClassVar[tuple[str, ...]] = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    defaults: ClassVar[dict[str, Any]] = {
        "provider": "auto",
        "width": None,
        "height": None,
        "steps": None,
        "guidance": None,
        "negative_prompt": None,
        "extra": {},
        "edit_source": "",
    }
    seeded: ClassVar[bool] = True

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    @property
    def traits(self) -> Traits:
        """Describe what the model can do: it edits when ``edit_source`` names a model for that."""
        return replace(super().traits, edits=bool(self.settings["edit_source"]))

    def connect(self) -> Any:
        """Return the hub's client, which does not retry inference."""
        provider = None if self.source.startswith(("https://", "http://")) else str(self.settings["provider"])
        timeout = float(self.settings["timeout"])
        return self.sdk("huggingface_hub").InferenceClient(provider=provider, api_key=self.read_key(), timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one picture."""
        fields = dict(self._extra)
        plain = {
            "negative_prompt": self.settings["negative_prompt"],
            "num_inference_steps": self.settings["steps"],
            "guidance_scale": self.settings["guidance"],
        }
        if ask.picture is not None:
            edited = self.client.image_to_image(
                encode_png(ask.picture), ask.text, model=str(self.settings["edit_source"]), seed=ask.seed, **plain
            )
            return reply_of_picture(edited)
        return reply_of_picture(
            self.client.text_to_image(
                ask.text,
                model=self.source,
                seed=ask.seed,
                width=self.settings["width"],
                height=self.settings["height"],
                extra_body=fields or None,
                **plain,
            )
        )

    def explain(self, error: Exception) -> Reply:
        """Read an exception of the client."""
        return reply_of_hub_error(error)


PROVIDER = HuggingFaceGenerator
