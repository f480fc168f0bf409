"""xAI's pictures, through its own client, which speaks gRPC."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from countcheck.generators.batch_notes import BatchNote
from countcheck.generators.outcome import Stage
from countcheck.generators.remote.batches import BatchingGenerator, BatchState
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.error_replies import reply_of_error
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.generators.remote.waits import retry_after
from countcheck.images.decode import encode_png

_USD_PER_TICK = 1e-10
_ADDED_AT_ONCE = 50  # requests of a batch that are handed over in one call
_PAGE = 100  # entries of a list that are read in one call
_RESULTS = 10  # results, each with its picture
# gRPC's codes in their order, from 1, as the HTTP statuses that the protocol's own mapping gives them.
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


class XAIGenerator(BatchingGenerator, EditingGenerator):
    """Make pictures with xAI's Grok Imagine models, which take neither seeds nor sizes in pixels.

    With ``mode=batch`` requests are handed in by the Batch API.
    """

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
    batch_limit: ClassVar[int] = 200

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
        # The client's own call drops every picture of an answer that has fewer than were asked for.
        return reply_of_message(self.client.image._stub.GenerateImage(self._request(ask).image_request))

    def _request(self, ask: Ask) -> Any:
        options = {name: self.settings[name] for name in ("aspect_ratio", "resolution", "quality")}
        if ask.picture is not None:
            options = {"image_url": "data:image/png;base64," + base64.b64encode(encode_png(ask.picture)).decode()}
        request = self.client.image.prepare(ask.text, self.source, image_format="base64", **options)
        request.image_request.n = ask.count
        return request

    def hand_in(self, note: BatchNote, asks: Mapping[str, Ask], known: Callable[[str], None]) -> None:
        """Begin a batch, and add the requests that it lacks, some at a time."""
        batch = note.id
        if batch:
            have = {each.batch_request_id for each in self._pages("requests", batch)}
        else:
            batch, have = self.client.batch.create(f"countcheck-{note.token}").batch_id, set()
            known(batch)
        lacking = [(key, ask) for key, ask in asks.items() if key not in have]
        for start in range(0, len(lacking), _ADDED_AT_ONCE):
            requests = []
            for key, ask in lacking[start : start + _ADDED_AT_ONCE]:
                request = self._request(ask)
                request.batch_request_id = key
                requests.append(request)
            self.client.batch.add(batch, requests)

    def find(self, note: BatchNote, since: float) -> str:
        """Find the batch that is called by the note's token."""
        for batch in self._pages("batches", ""):
            if batch.name == f"countcheck-{note.token}":
                return str(batch.batch_id)
        return ""

    def look(self, note: BatchNote) -> BatchState:
        """Return how far the batch is. One without an end has expired once its time is over."""
        batch = self.client.batch.get(note.id)
        state = batch.state
        over = batch.HasField("cancel_time") or (
            batch.HasField("expire_time") and batch.expire_time.ToSeconds() < time.time()
        )
        return BatchState(
            waiting=not over and (state.num_pending > 0 or not state.num_requests),
            answered=state.num_success + state.num_error,
            total=state.num_requests,
            cancelled=batch.HasField("cancel_time"),
        )

    def fetch(self, note: BatchNote) -> Iterator[tuple[str, Reply | None]]:
        """Read the results page by page."""
        for result in self._pages("results", note.id):
            if result.error.code:
                yield result.batch_request_id, _reply_of_status(result.error)
            else:
                yield result.batch_request_id, reply_of_message(result.response.image_response)

    def _pages(self, what: str, batch: str) -> Iterator[Any]:
        client, token = self.client.batch, None
        while True:
            if what == "batches":
                page = client.list(limit=_PAGE, pagination_token=token)
                yield from page.batches
            elif what == "requests":
                page = client.list_batch_requests(batch, limit=_PAGE, pagination_token=token)
                yield from page.batch_request_metadata
            else:
                page = client.list_batch_results(batch, limit=_RESULTS, pagination_token=token).proto
                yield from page.results
            token = page.pagination_token
            if not token:
                return

    def explain(self, error: Exception) -> Reply:
        """Read an exception of gRPC; a `ValueError` is the client's own, about a setting."""
        if type(error) is ValueError:
            return Reply(error=True, codes=("invalid_value",), message=str(error), raw=str(error))
        return reply_of_grpc_error(error)


def _reply_of_status(error: Any) -> Reply:
    """Read the error of one request of a batch: gRPC's code as a number, and a sentence."""
    names = tuple(_STATUS)
    name = names[error.code - 1] if error.code <= len(names) else "UNKNOWN"
    message = str(error.message or name)
    return Reply(error=True, status=_STATUS[name], codes=(name,), message=message, raw=f"{name}: {message}")


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
