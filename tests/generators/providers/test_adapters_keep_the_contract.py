"""Every adapter against a server that always draws keeps what `countcheck.testing` asks of a generator."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import contextmanager

import grpc_loopback
import numpy as np
import pytest
from PIL import Image
from scripted import Says, serve
from telling import made
from xai_sdk.proto import image_pb2

from countcheck.images.decode import encode_png
from countcheck.testing import check_generator


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name in ["STABILITY", "BFL", "TOGETHER", "IDEOGRAM", "OPENROUTER", "XAI", "DASHSCOPE"]:
        monkeypatch.setenv(f"{name}_API_KEY", "a-test-key-1234567890")
    for name in (
        "REVE_API_TOKEN",
        "REPLICATE_API_TOKEN",
        "FAL_KEY",
        "HF_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ):
        monkeypatch.setenv(name, "a-test-key-1234567890")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def drawn(asked) -> bytes:
    """Noise that depends on what is asked, and on nothing else."""
    body = asked.body if isinstance(asked.body, bytes) else json.dumps(asked.body, sort_keys=True).encode()
    body = b"".join(line for line in body.splitlines() if not line.startswith(b"--"))  # a form's borders are chance
    seed = int.from_bytes(hashlib.sha256(body).digest()[:4], "big")
    return encode_png(Image.fromarray(np.random.default_rng(seed).integers(0, 255, (32, 32, 3), np.uint8)))


def text_of(asked) -> str:
    return base64.b64encode(drawn(asked)).decode()


def url_of(asked) -> str:
    return f"data:image/png;base64,{text_of(asked)}"


ANSWERS = {
    "stability": ("core", lambda asked: {"image": text_of(asked), "finish_reason": "SUCCESS", "seed": 1}),
    "fal": ("fal-ai/flux/dev", lambda asked: {"images": [{"url": url_of(asked)}], "seed": 1}),
    "replicate": (
        "owner/model",
        lambda asked: {
            "id": "p1",
            "status": "succeeded",
            "output": [url_of(asked)],
            "input": {},
            "model": "m",
            "version": "v",
            "urls": {},
        },
    ),
    "together": ("black-forest-labs/FLUX.2-pro", lambda asked: {"data": [{"index": 0, "b64_json": text_of(asked)}]}),
    "bedrock": ("amazon.nova-canvas-v1:0", lambda asked: {"images": [text_of(asked)]}),
    "ideogram": ("v3", lambda asked: {"data": [{"url": url_of(asked), "is_image_safe": True}]}),
    "openrouter": (
        "maker/model",
        lambda asked: {
            "id": "g",
            "choices": [{"message": {"content": "Here.", "images": [{"image_url": {"url": url_of(asked)}}]}}],
        },
    ),
    "dashscope": (
        "qwen-image-2.0",
        lambda asked: {
            "output": {"choices": [{"message": {"content": [{"image": url_of(asked)}]}}]},
            "request_id": "r",
        },
    ),
    "reve": ("latest", lambda asked: {"image": text_of(asked), "version": "v", "content_violation": False}),
    "a1111": ("", lambda asked: {"images": [text_of(asked)], "info": "{}"}),
    "huggingface": ("URL", drawn),
}


@pytest.mark.parametrize("family", ANSWERS)
def test_the_contract_is_kept(family):
    source, answer = ANSWERS[family]
    with serve(lambda asked, _: Says(answer(asked))) as server:
        settings = {} if family == "huggingface" else {"base_url": server.url}
        check_generator(lambda: made(family, server.url if source == "URL" else source, **settings))


def filed(asked, server, held):
    """A server of filed requests: BFL's and ComfyUI's ways of asking, filing, looking and fetching."""
    number = asked.path.rpartition("=")[2] if "id=" in asked.path else asked.path.rpartition("/")[2]
    if asked.path.startswith("/sdcpp/v1/jobs/"):
        images = [{"index": 0, "b64_json": base64.b64encode(held[number]).decode()}]
        return {"id": number, "status": "completed", "result": {"images": images}}
    if asked.method == "POST":
        held[str(len(held))] = drawn(asked)
        number = str(len(held) - 1)
        return {"id": number, "polling_url": f"{server.url}/looks?id={number}", "prompt_id": number}
    if asked.path.startswith("/looks"):
        url = f"data:image/png;base64,{base64.b64encode(held[number]).decode()}"
        return {"id": number, "status": "Ready", "result": {"sample": url}}
    if asked.path.startswith("/history"):
        return {number: {"outputs": {"7": {"images": [{"filename": number, "subfolder": "", "type": "output"}]}}}}
    return held[asked.path.partition("filename=")[2].partition("&")[0]]


@pytest.mark.parametrize(
    ("family", "source"),
    [("bfl", "flux-2-pro"), ("bfl", "flux-3-image"), ("comfyui", "model.safetensors"), ("sdcpp", "")],
)
def test_the_contract_is_kept_with_filed_requests(family, source):
    held: dict[str, bytes] = {}
    with serve(lambda asked, _: Says(filed(asked, server, held))) as server:
        check_generator(lambda: made(family, source, base_url=server.url, poll=0.005))


@contextmanager
def xai_server():
    """Pictures that depend on the request alone."""

    class Painting(list):
        def __getitem__(self, _):
            request = service.asked[-1]
            seed = int.from_bytes(hashlib.sha256(request.SerializeToString()).digest()[:4], "big")
            noise = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), np.uint8)
            text = base64.b64encode(encode_png(Image.fromarray(noise))).decode()
            image = image_pb2.GeneratedImage(base64=f"data:image/png;base64,{text}", respect_moderation=True)
            return grpc_loopback.Says(images=[image])

    with grpc_loopback.serve(grpc_loopback.Says()) as (host, service):
        service.script = Painting([None])
        yield host


def test_the_contract_is_kept_over_grpc():
    with xai_server() as host:
        check_generator(lambda: made("xai", "grok-imagine-image", host=host))
