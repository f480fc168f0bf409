"""The batch APIs of OpenAI, Gemini and xAI on this machine. They draw squares for money, and keep their own books.

What becomes of a request stands in its text: ``3 squares``; ``refuse``, ``expire``, ``busy`` and ``dead`` are words in it.
"""

from __future__ import annotations

import base64
import collections
import json
import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import replace

import grpc
import squares
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2
from loopback import Answer, Loopback
from xai_sdk.proto import batch_pb2, image_pb2, usage_pb2

from countcheck.cards import Card
from countcheck.images.decode import encode_png

KEY = "BATCH_SERVICE_KEY"
PRICE = 0.02  # of a picture in a batch
TOKENS = 1000


def picture(text: str) -> str:
    return base64.b64encode(encode_png(squares.squares(int(text.split()[0]) % 9))).decode()


class Books:
    """What every service writes down.

    Attributes:
        asked: How often each text was handed in.
        ends: States that batches end in, one after another; the last one repeats.
        looks: Number of looks at a batch that find it waiting.
        stranger: Batches are not known to who asks.
        cut_off: Batches that are taken while the connection breaks off before the answer; of xAI's the half of one.
    """

    def __init__(self) -> None:
        self.asked: collections.Counter[str] = collections.Counter()
        self.created = 0
        self.ends = ["completed"]
        self.looks = 0
        self.stranger = False
        self.cut_off = 0
        self.calls: list[str] = []
        self.expired_before: set[str] = set()

    def cuts_off(self) -> bool:
        self.cut_off -= 1
        return self.cut_off >= 0

    def state(self, number: int) -> str:
        return self.ends[min(number, len(self.ends) - 1)]

    def hand_in(self, texts: list[str]) -> None:
        self.asked.update(texts)

    def look(self) -> bool:
        """Whether the batch waits still."""
        self.looks -= self.looks > 0
        return self.looks > 0

    def comes_to(self, text: str) -> bool:
        """Whether the service comes to a request; one with ``expire`` in it only the second time."""
        if "expire" in text and text not in self.expired_before:
            self.expired_before.add(text)
            return False
        return True

    def is_busy(self, text: str) -> bool:
        """Whether a request fails in passing: one with ``busy`` in it the first time."""
        return "busy" in text and self.asked[text] == 1


class OpenAIBatches(Books):
    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, list[dict]] = {}
        self.batches: dict[str, dict] = {}

    def __call__(self, request) -> Answer:
        path = request.path.partition("?")[0].removeprefix("/v1")
        self.calls.append(f"{request.method} {path}")
        if path == "/files":
            lines = [line for line in request.body.splitlines() if line.startswith(b'{"custom_id"')]
            name = f"file-{len(self.files)}"
            self.files[name] = [json.loads(line) for line in lines]
            return Answer(200, {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch", "status": "processed"})  # fmt: skip
        if path == "/batches" and request.method == "POST":
            return Answer(200, self._create(request.json), reset=self.cuts_off())
        if path == "/batches":
            found = sorted(self.batches.values(), key=lambda each: -each["created_at"])
            return Answer(200, {"object": "list", "data": found, "has_more": False})
        name = path.split("/")[2]
        if path.endswith("/content"):
            return Answer(200, b"".join(json.dumps(line).encode() + b"\n" for line in self.files[name]))
        if self.stranger or name not in self.batches:
            return Answer(404, {"error": {"message": f"No batch found with id '{name}'.", "code": "not_found"}})
        return Answer(200, self._shown(self.batches[name]))

    def _create(self, body: dict) -> dict:
        requests = self.files[body["input_file_id"]]
        assert {each["url"] for each in requests} == {body["endpoint"]} == {"/v1/images/generations"}
        name = f"batch_{self.created}"
        self.batches[name] = {
            "id": name, "object": "batch", "endpoint": body["endpoint"], "input_file_id": body["input_file_id"],
            "completion_window": "24h", "created_at": int(time.time()), "status": "validating", "metadata": body["metadata"],
            "number": self.created,
        }  # fmt: skip
        self.created += 1
        self.hand_in([each["body"]["prompt"] for each in requests])
        return self.batches[name]

    def _shown(self, batch: dict) -> dict:
        if self.look():
            return {**batch, "status": "in_progress"}
        if "done" not in batch:
            batch["done"] = self._end(batch)
        return batch["done"]

    def _end(self, batch: dict) -> dict:
        state = self.state(batch["number"])
        if state == "failed":
            return {**batch, "status": state, "errors": {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}]}}  # fmt: skip
        answers, errors = [], []
        requests = self.files[batch["input_file_id"]]
        for place, each in enumerate(requests):
            key, text = each["custom_id"], each["body"]["prompt"]
            cut = state in ("cancelled", "expired") and place >= len(requests) // 2
            if cut or not self.comes_to(text):
                code = "batch_cancelled" if state == "cancelled" else "batch_expired"
                errors.append({"custom_id": key, "response": None, "error": {"code": code, "message": "Not done."}})
            else:
                status, body = self._answer(text)
                line = {
                    "custom_id": key,
                    "response": {"status_code": status, "request_id": f"r-{key[:4]}", "body": body},
                }
                (answers if status == 200 else errors).append({**line, "error": None})
        answered, failed = f"answers-{batch['number']}", f"errors-{batch['number']}"
        self.files[answered], self.files[failed] = answers, errors
        done = {"output_file_id": answered if answers else None, "error_file_id": failed if errors else None}
        return {**batch, **done, "status": state, "completed_at": batch["created_at"] + 120}

    def _answer(self, text: str) -> tuple[int, dict]:
        if "refuse" in text:
            details = {"moderation_stage": "output", "categories": ["violence"]}
            return 400, {"error": {"code": "moderation_blocked", "type": "image_generation_user_error", "message": "Your request was rejected.", "moderation_details": details}}  # fmt: skip
        if "dead" in text:
            return 429, {"error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your current quota."}}  # fmt: skip
        if self.is_busy(text):
            return 500, {"error": {"code": "server_error", "message": "The server had an error."}}
        usage = {"input_tokens": 0, "output_tokens": TOKENS}
        return 200, {"created": 1, "data": [{"b64_json": picture(text)}], "usage": usage}


class GeminiBatches(Books):
    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, dict] = {}

    def __call__(self, request) -> Answer:
        path = request.path.partition("?")[0].split("/", 2)[2]
        self.calls.append(f"{request.method} {path}")
        if path.endswith(":batchGenerateContent"):
            return Answer(200, self._create(request.json["batch"]), reset=self.cuts_off())
        if path == "batches":
            return Answer(200, {"operations": [self._operation(each) for each in reversed(self.batches.values())]})
        if self.stranger or path not in self.batches:
            return Answer(404, {"error": {"code": 404, "status": "NOT_FOUND", "message": "Requested entity was not found."}})  # fmt: skip
        return Answer(200, self._shown(self.batches[path]))

    def _create(self, body: dict) -> dict:
        name = f"batches/b{self.created}"
        requests = body["inputConfig"]["requests"]["requests"]
        self.batches[name] = {
            "name": name,
            "display": body["displayName"],
            "requests": requests,
            "number": self.created,
        }
        self.created += 1
        self.hand_in([self._text(each) for each in requests])
        return self._operation(self.batches[name])

    @staticmethod
    def _text(request: dict) -> str:
        assert request["request"]["generationConfig"]["responseModalities"] == ["TEXT", "IMAGE"]
        return request["request"]["contents"][0]["parts"][0]["text"]

    @staticmethod
    def _operation(batch: dict, state: str = "PENDING", **more) -> dict:
        metadata = {
            "displayName": batch["display"],
            "state": f"BATCH_STATE_{state}",
            "createTime": "2026-11-28T10:00:00.123456789Z",
            "endTime": "2026-11-28T10:02:00Z",
            "batchStats": {"requestCount": str(len(batch["requests"])), "successfulRequestCount": "0"},
        }
        return {"name": batch["name"], "metadata": metadata, **more}

    def _shown(self, batch: dict) -> dict:
        if self.look():
            return self._operation(batch, "RUNNING")
        if "done" not in batch:
            batch["done"] = self._end(batch)
        return batch["done"]

    def _end(self, batch: dict) -> dict:
        state = self.state(batch["number"])
        if state == "failed":
            return self._operation(batch, "FAILED", done=True, error={"code": 3, "message": "Enqueued token limit reached."})  # fmt: skip
        answers = []
        for place, each in enumerate(batch["requests"]):
            cut = state in ("cancelled", "expired") and place >= len(batch["requests"]) // 2
            if not cut and self.comes_to(self._text(each)):
                answers.append({**self._answer(self._text(each)), "metadata": each["metadata"]})
        ended = {"completed": "SUCCEEDED", "cancelled": "CANCELLED", "expired": "EXPIRED"}[state]
        return self._operation(batch, ended, done=True, response={"inlinedResponses": {"inlinedResponses": answers}})

    def _answer(self, text: str) -> dict:
        if "refuse" in text:
            return {"response": {"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "Blocked. Support codes: 56562880"}], "usageMetadata": {"promptTokenCount": 0}}}  # fmt: skip
        if "dead" in text:
            return {"error": {"code": 7, "message": "Permission denied: API key was revoked."}}
        if self.is_busy(text):
            return {"error": {"code": 13, "message": "Internal error."}}
        part = {"inlineData": {"mimeType": "image/png", "data": picture(text)}}
        usage = {
            "candidatesTokenCount": TOKENS,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": TOKENS}],
        }
        return {"response": {"candidates": [{"finishReason": "STOP", "content": {"parts": [part]}}], "usageMetadata": usage}}  # fmt: skip


class XAIBatches(Books):
    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, batch_pb2.Batch] = {}
        self.requests: dict[str, list[batch_pb2.BatchRequest]] = {}

    def CreateBatch(self, request, context):
        self.calls.append("CreateBatch")
        name = f"batch-{self.created}"
        self.created += 1
        self.batches[name] = batch_pb2.Batch(batch_id=name, name=request.name)
        self.requests[name] = []
        return self.batches[name]

    def AddBatchRequests(self, request, context):
        self.calls.append("AddBatchRequests")
        added = list(request.batch_requests)
        if self.cuts_off():
            added = added[: len(added) // 2]
        self.requests[request.batch_id] += added
        self.hand_in([each.image_request.prompt for each in added])
        if len(added) < len(request.batch_requests):
            context.abort(grpc.StatusCode.UNAVAILABLE, "try again")
        return Empty()

    def ListBatches(self, request, context):
        self.calls.append("ListBatches")
        return batch_pb2.ListBatchesResponse(batches=list(self.batches.values()))

    def ListBatchRequestMetadata(self, request, context):
        have = [batch_pb2.BatchRequestMetadata(batch_request_id=each.batch_request_id) for each in self.requests[request.batch_id]]  # fmt: skip
        return batch_pb2.ListBatchRequestMetadataResponse(batch_request_metadata=have)

    def GetBatch(self, request, context):
        self.calls.append("GetBatch")
        if self.stranger or request.batch_id not in self.batches:
            context.abort(grpc.StatusCode.NOT_FOUND, "Batch not found.")
        batch = batch_pb2.Batch()
        batch.CopyFrom(self.batches[request.batch_id])
        total = len(self.requests[request.batch_id])
        waiting = self.look()
        batch.state.CopyFrom(batch_pb2.BatchState(num_requests=total, num_pending=total if waiting else 0))
        state = self.state(int(request.batch_id.partition("-")[2]))
        if not waiting and state == "cancelled":
            batch.cancel_time.CopyFrom(Timestamp(seconds=1))
        if not waiting and state == "expired":
            batch.state.num_pending = total // 2
            batch.expire_time.CopyFrom(Timestamp(seconds=1))
        return batch

    def ListBatchResults(self, request, context):
        """Pages of two results."""
        state = self.state(int(request.batch_id.partition("-")[2]))
        requests = self.requests[request.batch_id]
        kept = requests[: len(requests) // 2] if state in ("cancelled", "expired") else requests
        if not request.pagination_token:
            self._results = [self._result(each) for each in kept if self.comes_to(each.image_request.prompt)]
        start = int(request.pagination_token or 0)
        after = str(start + 2) if start + 2 < len(self._results) else ""
        return batch_pb2.ListBatchResultsResponse(
            results=self._results[start : start + 2], pagination_token=after or None
        )

    def _result(self, request):
        text, result = request.image_request.prompt, batch_pb2.BatchResult(batch_request_id=request.batch_request_id)
        if "dead" in text:
            result.error.CopyFrom(status_pb2.Status(code=7, message="Your team has no credits left."))
        elif self.is_busy(text):
            result.error.CopyFrom(status_pb2.Status(code=14, message="The service is overloaded."))
        else:
            refused = "refuse" in text
            image = image_pb2.GeneratedImage(respect_moderation=not refused)
            if not refused:
                image.base64 = f"data:image/png;base64,{picture(text)}"
            usage = usage_pb2.SamplingUsage(cost_in_usd_ticks=int(PRICE * 1e10))
            result.response.image_response.CopyFrom(image_pb2.ImageResponse(images=[image], usage=usage))
        return result


_METHODS = (
    "CreateBatch",
    "AddBatchRequests",
    "ListBatches",
    "ListBatchRequestMetadata",
    "GetBatch",
    "ListBatchResults",
)


@contextmanager
def serving_xai(service: XAIBatches) -> Iterator[str]:
    """Host and port of a server with xAI's batch service."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    described = batch_pb2.DESCRIPTOR.services_by_name["BatchMgmt"]
    handlers = {}
    for name in _METHODS:
        asked = described.methods_by_name[name].input_type
        handlers[name] = grpc.unary_unary_rpc_method_handler(
            getattr(service, name),
            request_deserializer=getattr(batch_pb2, asked.name).FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("xai_api.BatchMgmt", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


FAMILIES = ("openai", "google", "xai")
# The price of a thousand image tokens in a batch is that of a picture: half of what the card says.
_PRICING = {"per_million": {"input_text": 1, "output_text": 1, "output_image": 2 * PRICE * 1e6 / TOKENS}, "classes": [{"usd": [2 * PRICE, 3 * PRICE]}]}  # fmt: skip


@contextmanager
def serving(family: str) -> Iterator[tuple[Books, Card]]:
    """A batch service, and the card of a generator that uses it."""
    settings = {"mode": "batch", "key_env": KEY, "first_wait": 0.001, "batch_poll": 0.01, "attempts": 3}
    card = Card(name=f"{family}:squares", family=family, source="squares", batch_price=0.5, pricing=_PRICING)
    if family == "xai":
        xai = XAIBatches()
        with serving_xai(xai) as host:
            yield xai, replace(card, settings={**settings, "host": host})
        return
    service: Books = OpenAIBatches() if family == "openai" else GeminiBatches()
    with Loopback() as server:
        server.answers(service)  # type: ignore[arg-type]
        address = f"{server.url}/v1" if family == "openai" else server.url
        yield service, replace(card, settings={**settings, "base_url": address})
