"""xAI's pictures, through its own client, which speaks gRPC."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from countcheck.generators.outcome import Stage
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.error_replies import reply_of_error
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.generators.remote.waits import retry_after
from countcheck.images.decode import encode_png

_USD_PER_TICK = 1e-10
# gRPC's codes as the HTTP statuses that the protocol's own mapping gives them.
_STATUS = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}


def reply_of_message(message: Any) -> Reply:
    """Read xAI's answer, a protocol buffer."""
    told = message.usage.HasField("cost_in_usd_ticks")
    return Reply(
        slots=tuple(_slot(image) for image in message.images),
        cost=message.usage.cost_in_usd_ticks * _USD_PER_TICK if told else None,
        extra={"model": message.model} if message.model else {},
        raw=None if message.images else "an answer without pictures",
    )


def reply_of_grpc_error(error: BaseException) -> Reply:
    """Read an exception of the client: gRPC keeps code and words behind methods."""
    code, details = getattr(error, "code", None), getattr(error, "details", None)
    if not callable(code) or not callable(details) or code() is None:
        return reply_of_error(error)
    name, headers = str(code().name), _trailing(error)
    return Reply(
        error=True,
        transport=name == "DEADLINE_EXCEEDED",
        status=_STATUS.get(name),
        codes=(name,),
        message=str(details() or name),
        request_id=headers.get("x-request-id", ""),
        retry_after=retry_after(headers),
        raw=f"{name}: {details()}",
    )


class XAIGenerator(EditingGenerator):
    """Make pictures with xAI's Grok Imagine models, which take neither seeds nor sizes in pixels."""

    family: ClassVar[str] = "xai"
    service: ClassVar[str] = "xAI"
    extra: ClassVar[str] = "xai"
    modules: ClassVar[tuple[str, ...]] = ("xai_sdk.sync.client",)
    reports_cost: ClassVar[bool] = True
    key: ClassVar[tuple[str, ...]] = ("XAI_API_KEY",)
    defaults: ClassVar[dict[str, Any]] = {
        "aspect_ratio": "1:1",
        "resolution": "1k",
        "quality": None,
        "host": "api.x.ai",
    }
    connection: ClassVar[dict[str, Any]] = {"requests_per_minute": 300.0}
    max_per_request: ClassVar[int] = 10

    def connect(self) -> Any:
        """Return the client with its own retries off. A ``host`` on this machine is called without encryption."""
        host = str(self.settings["host"])
        return self.sdk("xai_sdk").Client(
            api_key=self.read_key(),
            api_host=host,
            timeout=float(self.settings["timeout"]),
            channel_options=[("grpc.enable_retries", 0)],
            use_insecure_channel=host.startswith(("127.0.0.1:", "localhost:")),
        )

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one or several pictures."""
        options = {name: self.settings[name] for name in ("aspect_ratio", "resolution", "quality")}
        if ask.picture is not None:
            options = {"image_url": "data:image/png;base64," + base64.b64encode(encode_png(ask.picture)).decode()}
        filed = self.client.image.prepare(ask.text, self.source, image_format="base64", **options)
        request = filed.image_request
        request.n = ask.count
        # The client's own call drops every picture of an answer that has fewer than were asked for.
        return reply_of_message(self.client.image._stub.GenerateImage(request))

    def explain(self, error: Exception) -> Reply:
        """Read an exception of gRPC; a `ValueError` is the client's own, about a setting."""
        if type(error) is ValueError:
            return Reply(error=True, codes=("invalid_value",), message=str(error), raw=str(error))
        return reply_of_grpc_error(error)


def _slot(image: Any) -> Slot:
    if not image.respect_moderation:
        code, words = "respect_moderation", "the picture did not respect moderation rules"
        return Slot(withheld=True, codes=(code,), message=words, stage=Stage.PICTURE)
    return Slot(data=image.base64 or None, url=image.url)


def _trailing(error: BaseException) -> dict[str, str]:
    trailing = getattr(error, "trailing_metadata", None)
    pairs = trailing() if callable(trailing) else ()
    return {str(name).lower(): str(value) for name, value in pairs or ()}


PROVIDER = XAIGenerator
