"""Walk the body of an answer, whatever its shape: where it may speak, whether it says an error, where pictures are. Pure.

Bodies packed as JSON into strings, once or several times, are unpacked on the way.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from countcheck.generators.remote.reply import Slot

MAX_DEPTH = 6
MAX_ITEMS = 20  # looked at of one list

# Fields in which an answer speaks of itself.
_SPEAKING = (
    "error",
    "errors",
    "inner_error",
    "innererror",
    "fault",
    "ctx",
    "metadata",
    "raw",
    "detail",
    "details",
    "violations",
    "message",
    "msg",
    "error_message",
    "base_resp",
    "response",
    "moderation",
    "moderation_details",
    "content_filter_results",
    "content_filter_result",
)
# Fields whose objects may hold an error beside what was asked for.
_HOLDING = ("data", "output", "result", "response")


def nodes_of(body: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in which a body may speak, outermost first.

    >>> [sorted(node) for node in nodes_of({"error": {"message": '{"code": "429"}'}})]
    [['error'], ['message'], ['code']]
    """
    if depth > MAX_DEPTH:
        return
    if isinstance(body, str):
        yield from nodes_of(unpacked(body), depth + 1) if "{" in body else ()
    elif isinstance(body, Mapping):
        node = _plainly_named(body)
        yield node
        for name in _SPEAKING:
            yield from nodes_of(node.get(name), depth + 1)
    elif isinstance(body, list):
        for inner in body[:MAX_ITEMS]:
            yield from nodes_of(inner, depth + 1)


def _plainly_named(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with names that begin in lower case: some services write ``Error``, ``Code`` and ``Message``."""
    if not any(str(name)[:1].isupper() for name in node):
        return node
    return {**{str(name)[:1].lower() + str(name)[1:]: value for name, value in node.items()}, **node}


def unpacked(text: str) -> Any:
    """Return the JSON object or list that a string holds, whatever stands around it; ``None`` when there is none.

    >>> unpacked('upstream said: {"code": 429}')
    {'code': 429}
    """
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    for start in sorted(starts)[:2]:
        try:
            value = orjson.loads(text[start : end + 1])
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, Mapping | list):
            return value
    return None


_GOOD = frozenset({"", "0", "200", "ok", "success", "succeeded", "completed", "none", "null", "10000", "20000"})
_BAD_STATES = frozenset(
    {"failed", "fail", "failure", "error", "errored", "canceled", "cancelled", "rejected", "blocked"}
)
_PENDING_STATES = frozenset(
    {"pending", "queued", "processing", "in_progress", "running", "starting", "submitted", "waiting", "created"}
)
_STATES = ("status", "state", "task_status", "taskStatus", "result")
_CODES = ("code", "error_code", "errno", "errcode", "status_code", "statusCode", "err_code", "errorCode")
_SENTENCES = ("message", "msg", "error_message", "error_msg", "errmsg", "status_msg", "detail", "failure_reason")


def says_error(body: Any) -> bool:
    """Tell whether a body that came with a 2xx says that something went wrong.

    >>> says_error({"data": [], "error": {"code": "insufficient_quota"}})
    True
    >>> says_error({"created": 1, "data": []})
    False
    """
    return bool(error_nodes(body))


def error_nodes(body: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a body that say that something went wrong."""
    return [node for node in _own_nodes(body) if _node_says_error(node)]


def _own_nodes(body: Any) -> Iterator[Mapping[str, Any]]:
    """Yield a body's own objects: itself, and those that stand where the answer should."""
    if isinstance(body, list):
        for inner in body[:MAX_ITEMS]:
            yield from _own_nodes(inner)
    if not isinstance(body, Mapping):
        return
    node = _plainly_named(body)
    yield node
    for name in (*_HOLDING, "base_resp", "moderation"):
        inner = node.get(name)
        for held in inner[:MAX_ITEMS] if isinstance(inner, list) else (inner,):
            if isinstance(held, Mapping):
                yield _plainly_named(held)


def _node_says_error(node: Mapping[str, Any]) -> bool:
    if node.get("error") or node.get("errors") or node.get("success") is False:
        return True
    if node.get("flagged") is True or is_marked_unsafe(node):
        return True
    if any(str(node.get(name) or "").strip().lower() in _BAD_STATES for name in _STATES):
        return True
    worded = any(isinstance(node.get(name), str) and node[name].strip() for name in _SENTENCES)
    for name in _CODES:
        value = node.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).lower() not in _GOOD and worded:
            return True
    return False


def is_marked_unsafe(node: Mapping[str, Any]) -> bool:
    """Tell whether an object marks its picture, or one of its pictures, as unsafe for work."""
    marks = [node.get(name) for name in ("nsfw", "is_nsfw", "nsfw_content_detected", "has_nsfw_concepts")]
    return any(mark is True or (isinstance(mark, list) and True in mark) for mark in marks)


def names_task(body: Any) -> bool:
    """Tell whether a body names a task that is still under way, in place of a picture.

    >>> names_task({"data": {"task_id": "8c1"}})
    True
    """
    for node in _own_nodes(body):
        if any(node.get(name) for name in ("task_id", "taskId", "job_id", "jobId", "polling_url", "status_url")):
            return True
        if any(str(node.get(name) or "").strip().lower() in _PENDING_STATES for name in _STATES):
            return True
    return False


# What items of an answer say beside their picture.
_BESIDE = frozenset(
    [
        "index",
        "revised_prompt",
        "prompt",
        "seed",
        "type",
        "object",
        "id",
        "model",
        "created",
        "created_at",
        "finish_reason",
        "finishreason",
        "width",
        "height",
        "size",
        "content_type",
        "mime_type",
        "mimetype",
        "timings",
        "resolution",
        "style_type",
        "nsfw",
        "is_image_safe",
        "respect_moderation",
        "safety",
        "content_filter_results",
        "prompt_filter_results",
        "safety_ratings",
        "embedding",
        "b64_json",
        "url",
        "file_name",
        "duration",
        "format",
        "quality",
    ]
)


def unread_fields(body: Any) -> list[str]:
    """Name the fields of an answer's items that are filled and not known: a picture may be in one of them.

    >>> unread_fields({"data": [{"picture_token": "abcd", "index": 0}]})
    ['picture_token']
    >>> unread_fields({"data": [{"b64_json": None, "index": 0}]})
    []
    """
    if not isinstance(body, Mapping):
        return []
    names: dict[str, None] = {}
    for holder in ("data", "images", "output", "outputs", "result", "results", "predictions", "artifacts"):
        inner = body.get(holder)
        for item in inner[:MAX_ITEMS] if isinstance(inner, list) else (inner,):
            if isinstance(item, Mapping):
                names |= {str(name): None for name, value in item.items() if value and str(name).lower() not in _BESIDE}
    return list(names)


_PICTURE_FIELDS = (
    "b64_json", "b64", "base64", "image_base64", "image_b64", "bytesBase64Encoded", "binary", "image_data", "imageData",
    "inline_data", "inlineData", "image", "img", "picture", "photo", "url", "image_url", "imageUrl", "imageURL", "img_url", "uri",
    "src", "href", "link", "file_url", "download_url", "signed_url", "sample", "file", "media", "asset", "images", "image_urls",
    "imageUrls", "pictures", "imgs", "urls", "files", "artifacts", "data", "output", "outputs", "result", "results", "generations",
    "generated_images", "predictions", "items", "content", "choices", "message", "assets",
)  # fmt: skip
_ADDRESS_FIELDS = frozenset(
    [
        "image",
        "img",
        "picture",
        "photo",
        "url",
        "image_url",
        "imageUrl",
        "imageURL",
        "img_url",
        "uri",
        "src",
        "href",
        "link",
        "file_url",
        "download_url",
        "signed_url",
        "sample",
        "file",
        "media",
        "asset",
        "images",
        "image_urls",
        "imageUrls",
        "pictures",
        "imgs",
        "urls",
        "files",
        "output",
        "outputs",
        "result",
        "results",
        "data",
    ]
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]{64,}={0,2}\s*")
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
_NOT_PICTURES = re.compile(r"\.(?:json|txt|html?|mp4|webm|mov|mp3|wav|zip|md)(?:$|[?#])", re.IGNORECASE)


def pictures_in(value: Any, *, field: str = "", depth: int = 0) -> list[Slot]:
    """Find the pictures in an answer of unknown shape: data URLs, base64 and addresses, in order, each once.

    >>> [slot.url for slot in pictures_in({"output": {"image": "https://example.org/a.png", "nsfw": False}})]
    ['https://example.org/a.png']
    """
    if depth > MAX_DEPTH:
        return []
    if isinstance(value, str):
        slot = _slot_of_text(value, field)
        return [slot] if slot else []
    if isinstance(value, list):
        return [slot for inner in value for slot in pictures_in(inner, field=field, depth=depth + 1)]
    if isinstance(value, Mapping):
        for name in _PICTURE_FIELDS:
            # One object stands for one picture, under whichever of its fields it is found first.
            if name in value and (found := pictures_in(value[name], field=name, depth=depth + 1)):
                return found
    return []


def _slot_of_text(text: str, field: str) -> Slot | None:
    text = text.strip()
    if text.startswith("data:image/"):
        return Slot(data=text)
    if _looks_like_picture(text):
        return Slot(data=_standard_base64(text))
    return Slot(url=text) if field in _ADDRESS_FIELDS and _is_address(text) else None


def _is_address(text: str) -> bool:
    """Tell whether a text may be where a picture is; a bare path must end in a file's name."""
    if len(text) > 8000 or any(char.isspace() for char in text) or _NOT_PICTURES.search(text):
        return False
    return text.startswith(("https://", "http://")) or (text.startswith("/") and "." in text.rpartition("/")[2])


def _looks_like_picture(text: str) -> bool:
    """Tell whether a text is base64 of a picture, by its first bytes."""
    if len(text) < 64 or not _BASE64.match(text[:4096]):
        return False
    try:
        head = base64.b64decode(_standard_base64(text[:64]))
    except ValueError:
        return False
    return head.startswith(_MAGIC) or head[4:12] in (b"ftypavif", b"ftypheic")


def _standard_base64(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")
