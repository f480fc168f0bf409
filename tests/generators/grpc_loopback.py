"""A gRPC server on the loopback that speaks xAI's image service with the SDK's own messages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from xai_sdk.proto import image_pb2, usage_pb2


@dataclass
class Says:
    """What the server answers to one call: pictures, or an error."""

    images: Sequence[image_pb2.GeneratedImage] = ()
    code: grpc.StatusCode | None = None
    details: str = ""
    trailing: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    ticks: int | None = None
    garbage: bytes = b""


@dataclass
class Service:
    """Answers call after call from a list; the last answer repeats."""

    script: list[Says]
    asked: list[image_pb2.GenerateImageRequest] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def GenerateImage(
        self, request: image_pb2.GenerateImageRequest, context: grpc.ServicerContext
    ) -> image_pb2.ImageResponse | bytes:
        self.asked.append(request)
        self.keys += [str(value) for name, value in context.invocation_metadata() if name == "authorization"]
        says = self.script[min(len(self.asked), len(self.script)) - 1]
        time.sleep(says.seconds)
        if says.trailing:
            context.set_trailing_metadata(says.trailing)
        if says.code is not None:
            context.abort(says.code, says.details)
        if says.garbage:
            return says.garbage
        usage = (
            usage_pb2.SamplingUsage() if says.ticks is None else usage_pb2.SamplingUsage(cost_in_usd_ticks=says.ticks)
        )
        return image_pb2.ImageResponse(images=says.images, model="grok-imagine-image-quality", usage=usage)


@contextmanager
def serve(*script: Says) -> Iterator[tuple[str, Service]]:
    """Host and port of a server that answers by the script, and the service with what it was asked."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    service = Service(list(script))
    method = grpc.unary_unary_rpc_method_handler(
        service.GenerateImage,
        request_deserializer=image_pb2.GenerateImageRequest.FromString,
        response_serializer=lambda said: said if isinstance(said, bytes) else said.SerializeToString(),
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("xai_api.Image", {"GenerateImage": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", service
    finally:
        server.stop(grace=None).wait()
