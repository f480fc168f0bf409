"""ComfyUI, on this machine or the local network: a graph is filed, its history polled, its pictures fetched."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import orjson

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.refusals.codes import Meaning, Sense, code_table
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.http import Answer, HttpClient, poll_until_ready
from countcheck.generators.remote.reply import Ask, Reply, Slot


def plain_graph(checkpoint: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usual text-to-image graph for a checkpoint file that ComfyUI knows."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "%prompt%", "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "%negative_prompt%", "clip": ["1", 1]}},
        "4": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": settings["width"], "height": settings["height"], "batch_size": 1},
        },
        "5": {
            "class_type": "KSampler",
            "inputs": {
                "seed": "%seed%",
                "steps": settings["steps"],
                "cfg": settings["guidance"],
                "sampler_name": settings["sampler"],
                "scheduler": settings["scheduler"],
                "denoise": 1.0,
                "model": ["1", 0],
                "positive": ["2", 0],
                "negative": ["3", 0],
                "latent_image": ["4", 0],
            },
        },
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"filename_prefix": "countcheck", "images": ["6", 0]}},
    }


def filled(graph: Any, values: Mapping[str, Any]) -> Any:
    """Replace ``%name%`` in a graph. A field that holds nothing else takes the value itself, so numbers stay numbers."""
    if isinstance(graph, Mapping):
        return {name: filled(inner, values) for name, inner in graph.items()}
    if isinstance(graph, list):
        return [filled(inner, values) for inner in graph]
    if not isinstance(graph, str):
        return graph
    marks = re.compile(f"%({'|'.join(map(re.escape, values))})%")
    if whole := marks.fullmatch(graph):
        return values[whole[1]]
    # In one go: a prompt that itself says "%steps%" is drawn as it is.
    return marks.sub(lambda found: str(values[found[1]]), graph)


def reply_of_history(answer: Answer, prompt_id: str) -> Reply | tuple[Mapping[str, Any], ...] | None:
    """Read the history of a filed graph: its pictures' places, or why there are none; ``None`` while it runs."""
    if answer.status != 200 or not isinstance(answer.body, Mapping):
        return answer.fault()
    entry = answer.fields.get(prompt_id)
    if not isinstance(entry, Mapping):
        return None
    status = entry.get("status")
    fields: Mapping[str, Any] = status if isinstance(status, Mapping) else {}
    if fields.get("status_str") == "error":
        return replace(_broken(fields, entry), request_id=prompt_id)
    places = tuple(_pictures(entry.get("outputs")))
    kept = tuple(place for place in places if place.get("type") != "temp")
    if places:
        return kept or places
    if fields and not fields.get("completed", True):
        return None
    words = "the graph ran and saved no picture: it has no SaveImage node, or the server had it in its cache"
    return Reply(error=True, codes=("no_outputs",), message=words, request_id=prompt_id, raw=entry)


def reply_of_rejection(answer: Answer) -> Reply:
    """Read why a graph was not filed: the nodes that did not pass validation, by name and with what is wrong."""
    fault = answer.fault()
    nodes = answer.body.get("node_errors") if isinstance(answer.body, Mapping) else None
    sentences, codes = [], []
    for node_id, node in nodes.items() if isinstance(nodes, Mapping) else ():
        errors = node.get("errors") if isinstance(node, Mapping) else None
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, Mapping):
                what = ": ".join(str(error[name]) for name in ("message", "details") if error.get(name))
                sentences.append(f"node {node_id} ({node.get('class_type') or 'unknown'}): {what}")
                codes.append(str(error.get("type") or ""))
    if not sentences:
        return fault
    return replace(fault, codes=(*filter(None, codes), *fault.codes), message="; ".join(sentences)[:2000])


class ComfyUIGenerator(RemoteGenerator):
    """Make pictures with a graph in ComfyUI's API format (a JSON file), or the plain graph for a checkpoint's file name.

    In a graph, ``%prompt%``, ``%negative_prompt%``, ``%seed%``, ``%steps%``, ``%guidance%``, ``%width%`` and ``%height%``
    are filled in; ``%seed%`` must be there, because the server draws nothing for a graph that it has drawn before.
    """

    family: ClassVar[str] = "comfyui"
    codes: ClassVar[Mapping[str, Meaning]] = {
        # A model file or a node that the server lacks is lacking for every prompt.
        **code_table(Sense.CLOSED, "value_not_in_list invalid_prompt missing_node_type"),
        **code_table(Sense.NOTHING, "prompt_outputs_failed_validation prompt_no_outputs"),
    }
    service: ClassVar[str] = "ComfyUI"
    defaults: ClassVar[dict[str, Any]] = {
        "steps": 20,
        "guidance": 7.0,
        "width": 1024,
        "height": 1024,
        "sampler": "euler",
        "scheduler": "normal",
        "negative_prompt": "",
        "base_url": "http://127.0.0.1:8188",
    }
    # One machine draws one picture at a time; poll: seconds between two looks at a filed graph.
    connection: ClassVar[dict[str, Any]] = {"concurrency": 1, "poll": 0.5}
    seeded: ClassVar[bool] = True

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._graph = _graph(card, self.settings)
        digest = hashlib.sha256(orjson.dumps(self._graph, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        # Another graph in the same file is another generator.
        self._recipe = replace(self._recipe, settings={**self._recipe.settings, "graph": digest})

    def connect(self) -> HttpClient:
        """Return a connection. With ``key_env``, its key is sent as a bearer token for a proxy before the server."""
        headers = {"Authorization": f"Bearer {self.read_key()}"} if self.settings["key_env"] else {}
        base, timeout = str(self.settings["base_url"]), float(self.settings["timeout"])
        return HttpClient(base, headers=headers, timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """File a graph, wait until it ran, and fetch the pictures it saved."""
        names = ("negative_prompt", "steps", "guidance", "width", "height")
        values = {"prompt": ask.text, "seed": ask.seed, **{name: self.settings[name] for name in names}}
        body = {"prompt": filled(self._graph, values), "client_id": "countcheck"}
        filed = self.client.call("POST", "/prompt", json=body)
        prompt_id = str(filed.fields.get("prompt_id") or "")
        if not prompt_id:
            return reply_of_rejection(filed)
        found: list[Mapping[str, Any]] = []

        def look() -> Reply | None:
            seen = reply_of_history(self.client.call("GET", f"/history/{quote(prompt_id, safe='')}"), prompt_id)
            if not isinstance(seen, tuple):
                return seen
            found[:] = seen
            return Reply(request_id=prompt_id)

        pause, seconds = float(self.settings["poll"]), float(self.settings["timeout"])
        reply = poll_until_ready(look, seconds=seconds, pause=pause)
        if not found:
            return reply
        return self._fetched(found, reply, seconds=seconds, pause=pause)

    def _fetched(self, places: list[Mapping[str, Any]], reply: Reply, *, seconds: float, pause: float) -> Reply:
        slots: list[Slot] = []
        for place in places:
            which = {name: str(place.get(name) or "") for name in ("filename", "subfolder", "type")}

            def fetch(which: dict[str, str] = which) -> Reply:
                answer = self.client.call("GET", "/view", params=which)
                if answer.status != 200 or not isinstance(answer.body, bytes):
                    return answer.fault()
                return Reply(slots=(Slot(data=answer.body),))

            got = poll_until_ready(fetch, seconds=seconds, pause=pause)
            if got.error and not got.transport:  # it was drawn, and is not there: no word about the server as a whole
                words = f"the server answered {got.status} instead of the picture {which['filename']!r}"
                return replace(got, status=None, codes=("picture_gone",), message=words, request_id=reply.request_id)
            if got.error:
                return replace(got, request_id=reply.request_id)
            slots += got.slots
        return replace(reply, slots=tuple(slots))


def _graph(card: Card, settings: Mapping[str, Any]) -> dict[str, Any]:
    if not card.source.endswith(".json"):
        return plain_graph(card.source, settings)
    beside = card.path.parent / card.source if card.path else Path(card.source)
    path = beside if beside.is_file() else Path(card.source)
    try:
        graph = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadSettings(
            f"{card.name}: {path} is no graph that can be read ({error}). Save one in API format."
        ) from error
    if not isinstance(graph, dict) or not all(
        isinstance(node, dict) and "class_type" in node for node in graph.values()
    ):
        raise BadSettings(f"{card.name}: {path} is not in ComfyUI's API format. Export it with Save (API Format).")
    text = orjson.dumps(graph).decode()
    for name in ("%prompt%", "%seed%"):
        if name not in text:
            raise BadSettings(f"{card.name}: {path} has no {name}. Put it where the graph's own value stands.")
    return graph


def _broken(status: Mapping[str, Any], entry: Mapping[str, Any]) -> Reply:
    """Read the exception of a node. Paid nodes raise their service's refusal here."""
    for message in status.get("messages") or ():
        if isinstance(message, list) and len(message) == 2 and isinstance(message[1], Mapping):
            kind, told = message
            if kind == "execution_interrupted":
                return Reply(error=True, codes=("interrupted",), message="the run was interrupted", raw=entry)
            if kind == "execution_error":
                name = str(told.get("exception_type") or "").rpartition(".")[2]
                text = str(told.get("exception_message") or "").strip()
                # Any other exception's name says nothing: paid nodes raise a plain one for a refusal.
                codes = (name,) if name == "OutOfMemoryError" else ()
                return Reply(error=True, codes=codes, message=f"{name}: {text}", raw=entry)
    return Reply(error=True, message="the graph broke", raw=entry)


def _pictures(outputs: Any) -> Iterator[Mapping[str, Any]]:
    for output in outputs.values() if isinstance(outputs, Mapping) else ():
        listed = output.get("images") if isinstance(output, Mapping) else None
        for picture in listed if isinstance(listed, list) else ():
            if isinstance(picture, Mapping) and picture.get("filename"):
                yield picture


PROVIDER = ComfyUIGenerator
