"""Conversations cut off in every way, with every provider's real client: the next process says the next thing.

The server's log must be that of a conversation nobody disturbed, so nothing was asked twice and the history sent is
the history; and so must be the ledger.
"""

from __future__ import annotations

import base64
import io
import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc_loopback
import pytest
import squares
import tiny_pipelines
from PIL import Image
from scripted import Asked, Says, serve
from xai_sdk.proto import image_pb2

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.errors import GeneratorClosed
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.suite import Conversation, Suite, Target, Turn

PRICE = 0.01
NO = "I'm sorry, but I can't create that image."
DRAWN = (4, 3, None, 2, 2)  # squares in each answer; the third is refused where the model can speak


def suite(**settings: Any) -> Suite:
    """Three turns; the first and the last are drawn wrong and are complained about once."""
    three = (Target(noun="square", count=3),)
    turns = tuple(Turn(say=say, targets=three) for say in ("Three squares.", "Now in noir.", "Make it rain."))
    return Suite(name="talk", conversations=(Conversation(id="t", turns=turns, repairs=1, **settings),))


def picture(n: int, place: int) -> bytes:
    """A PNG that our own encoder would write otherwise."""
    buffer = io.BytesIO()
    Image.fromarray(squares.squares(n, place)).save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


def text(n: int, place: int) -> str:
    return base64.b64encode(picture(n, place)).decode()


@dataclass
class Family:
    """One provider: its card, and how it answers the request in a place of the conversation; ``None``: it refuses."""

    family: str
    source: str
    answer: Callable[[int, int | None], Any]
    settings: dict[str, Any] = field(default_factory=dict)
    speaks: bool = False


def responses(place: int, n: int | None) -> Any:
    said = NO if n is None else "Here you are."
    call = [] if n is None else [{"type": "image_generation_call", "id": f"ig_{place}", "status": "completed"}]
    for one in call:
        one["result"] = text(n or 0, place)
    words = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": said}]}
    return {
        "id": f"resp_{place}",
        "object": "response",
        "status": "completed",
        "model": "gpt",
        "output": [*call, words],
    }


def gemini(place: int, n: int | None) -> Any:
    """With a thought, its picture and signatures, all of which go back as they came."""
    signature = base64.b64encode(f"signature {place}".encode()).decode()
    sketch = {"inlineData": {"mimeType": "image/png", "data": text(1, 90 + place)}, "thought": True}
    parts: list[Any] = [{"text": "Let me think.", "thought": True}, sketch]
    if n is None:
        parts.append({"text": NO, "thoughtSignature": signature})
    else:
        shown = {"inlineData": {"mimeType": "image/png", "data": text(n, place)}, "thoughtSignature": signature}
        parts += [{"text": "Here you are."}, shown]
    candidate = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}
    return {"candidates": [candidate], "modelVersion": "g", "responseId": f"r{place}"}


def openrouter(place: int, n: int | None) -> Any:
    url = f"data:image/png;base64,{text(n, place)}" if n is not None else ""
    images = [{"image_url": {"url": url}}] if url else []
    return {"id": f"g{place}", "choices": [{"message": {"content": "Here." if url else NO, "images": images}}]}


def urls(place: int, n: int | None) -> str:
    return f"data:image/png;base64,{text(n or 3, place)}"


FAMILIES = {
    "responses": Family("openai", "gpt-5.6", responses, {"api": "responses"}, speaks=True),
    "gemini": Family("google", "gemini-3.1-flash-image", gemini, speaks=True),
    "openrouter": Family("openrouter", "maker/model", openrouter, speaks=True),
    "images": Family("openai", "gpt-image-2", lambda k, n: {"data": [{"b64_json": text(n or 3, k)}]}),
    "compatible": Family(
        "openai",
        "flux",
        lambda k, n: {"data": [{"b64_json": text(n or 3, k)}]},
        {"api": "images", "seed_field": "seed"},
    ),
    "azure": Family("azure", "gpt-image-2", lambda k, n: {"data": [{"b64_json": text(n or 3, k)}]}),
    "together": Family(
        "together", "black-forest-labs/FLUX.2-pro", lambda k, n: {"data": [{"index": 0, "b64_json": text(n or 3, k)}]}
    ),
    "fal": Family(
        "fal",
        "fal-ai/flux/dev",
        lambda k, n: {"images": [{"url": urls(k, n)}], "seed": 1},
        {"edit_source": "fal-ai/flux-pro/kontext"},
    ),
    "replicate": Family(
        "replicate",
        "owner/model",
        lambda k, n: {
            "id": "p1",
            "status": "succeeded",
            "output": [urls(k, n)],
            "input": {},
            "model": "m",
            "version": "v",
            "urls": {},
        },
        {"edit_field": "input_image"},
    ),
    "bfl": Family(
        "bfl",
        "flux-2-pro",
        lambda k, n: {"id": f"t{k}", "status": "Ready", "result": {"sample": urls(k, n)}},
        {"poll": 0.005},
    ),
    # No provider of the hub's is asked, but endpoints of one's own, by their URLs.
    "huggingface": Family("huggingface", "{url}/draw", lambda k, n: picture(n or 3, k), {"edit_source": "{url}/edit"}),
}
EDITING = ["images", "huggingface"]
SPEAKING = [name for name, family in FAMILIES.items() if family.speaks]


class Killed(BaseException):
    """The process ends here: nothing that would have followed happens."""


class Service:
    """Plays a provider; an answered request is a place further in the conversation."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.url = ""
        self.begin()

    def begin(self) -> None:
        self.log: list[Any] = []
        self.requests = 0
        self.before: dict[int, Callable[[], Says | None]] = {}

    def __call__(self, asked: Asked, _: int) -> Says:
        if asked.method == "GET":  # a filed request is looked at
            return Says(self.answer(len(self.log) - 1))
        self.requests += 1
        instead = self.before.get(self.requests, lambda: None)()
        if instead is not None:
            return instead
        self.log.append((asked.path, plain(asked)))
        place = len(self.log) - 1
        if self.family.family == "bfl":
            return Says({"id": f"t{place}", "polling_url": f"{self.url}/looks?id={place}"})
        return Says(self.answer(place))

    def answer(self, place: int) -> Any:
        return self.family.answer(place, DRAWN[place] if self.family.speaks or DRAWN[place] else 3)


def plain(asked: Asked) -> Any:
    """A request's body, without a form's borders, which are chance."""
    if not isinstance(asked.body, bytes):
        return asked.body
    border = asked.body.partition(b"\r\n")[0]
    return asked.body.replace(border, b"")


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name in ("OPENAI", "AZURE_OPENAI", "GEMINI", "GOOGLE", "OPENROUTER", "TOGETHER", "BFL", "XAI"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-loopback-abcdefgh")
    monkeypatch.setenv("REPLICATE_API_TOKEN", "a-test-key-1234567890")
    monkeypatch.setenv("FAL_KEY", "a-test-key-1234567890")
    monkeypatch.setenv("HF_TOKEN", "hf_testkey1234567890")
    # The tests as a whole keep the hub away; its client may speak to this machine.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture(scope="module")
def stages():
    """A server for each family, and what an undisturbed conversation with it leaves in log and ledger."""
    import contextlib

    with contextlib.ExitStack() as stack:
        built: dict[str, tuple[Service, Card]] = {}

        def stage(name: str) -> tuple[Service, Card]:
            if name not in built:
                service = Service(FAMILIES[name])
                server = stack.enter_context(serve(service))
                service.url = server.url
                built[name] = service, card_of(FAMILIES[name], server.url)
            built[name][0].begin()
            return built[name]

        yield stage


def card_of(family: Family, url: str) -> Card:
    base = f"{url}/v1" if family.family == "openai" else url
    source = family.source.format(url=url)
    own = {name: value.format(url=url) if isinstance(value, str) else value for name, value in family.settings.items()}
    where = {} if source.startswith(url) else {"base_url": base}
    settings = {**where, "first_wait": 0.001, "attempts": 1, "timeout": 30, **own}
    name = f"{family.family}:{source}"
    return Card(name=name, family=family.family, source=source, price=PRICE, settings=settings)


WHOLE: dict[tuple[str, str], tuple[list[Any], Any]] = {}


def whole(name: str, stage: Any, tmp_path: Any, **settings: Any) -> tuple[list[Any], Any]:
    """Log and ledger of the undisturbed conversation."""
    known = (name, str(settings))
    if known not in WHOLE:
        service, card = stage(name)
        hold(card, tmp_path / "whole", **settings)
        WHOLE[known] = list(service.log), contents(tmp_path / "whole")
        assert len(service.log) == len(DRAWN)
        service.begin()
    return WHOLE[known]


def hold(card: Card, path: Any, counter: Counter | None = None, stop: Any = None, on_refusal="continue", **more):
    order = RunConfig(suite=suite(on_refusal=on_refusal), generators=[card], path=path, **more)
    engine.run(order, counter or squares.counter(), stop=stop).close()


def contents(path: Any) -> Any:
    """Everything that an interruption must not change: rows, pictures, and nothing left over."""
    with sqlite3.connect(path / "run.sqlite") as ledger:
        rows = [
            *ledger.execute("SELECT key, repeat, seed, done FROM samples"),
            *ledger.execute(
                "SELECT key, turn, script, repair, text, outcome, picture, digest, cost FROM outcomes ORDER BY turn"
            ),
            *ledger.execute("SELECT key, turn, counting, body FROM detections ORDER BY turn"),
            *ledger.execute("SELECT key, turn, verdict, leaning, reason, counted FROM verdicts ORDER BY turn"),
            *ledger.execute("SELECT id, counter FROM countings"),
            *ledger.execute("SELECT * FROM uncounted"),
            *ledger.execute("SELECT * FROM dialogues"),
        ]
        details = [json.loads(row[0]) for row in ledger.execute("SELECT detail FROM outcomes ORDER BY turn")]
    for detail in details:
        detail.pop("attempts", None)
    files = {one.relative_to(path): one.read_bytes() for one in path.rglob("*") if one.suffix == ".png"}
    return rows, details, files, (path / "talks").exists()


class DyingCounter(Counter):
    """A counter in whose hands the process is killed, at the so-manieth picture of the run."""

    after = 0

    def detect(self, pictures, nouns, styles=None):
        if all(getattr(picture, "size", ()) == (64, 64) for picture in pictures):
            self.after -= 1
            if self.after == 0:
                raise Killed
        return super().detect(pictures, nouns, styles)


def dying(after: int) -> Counter:
    plain = squares.counter()
    counter = DyingCounter(plain.card, plain.detector)
    counter.after = after
    return counter


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("name", SPEAKING)
def test_stopped_by_ctrl_c_after_a_turn(stages, tmp_path, name, k):
    log, ledger = whole(name, stages, tmp_path)
    service, card = stages(name)
    stopping = threading.Event()
    service.before[k] = stopping.set
    hold(card, tmp_path / "run", stop=stopping)
    assert len(service.log) == k
    hold(card, tmp_path / "run")
    assert service.log == log
    assert contents(tmp_path / "run") == ledger


@pytest.mark.parametrize(("name", "k"), [*((name, 2) for name in FAMILIES), ("images", 1), ("images", 3)])
def test_stopped_by_the_budget(stages, tmp_path, name, k):
    log, ledger = whole(name, stages, tmp_path)
    service, card = stages(name)
    hold(card, tmp_path / "run", budget=k * PRICE)
    assert sum(row[-1] or 0.0 for row in contents(tmp_path / "run")[0][1 : 1 + len(service.log)]) <= k * PRICE + 1e-9
    hold(card, tmp_path / "run", budget=k * PRICE)
    assert len(service.log) < len(DRAWN)
    hold(card, tmp_path / "run")
    assert service.log == log
    assert contents(tmp_path / "run") == ledger


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("name", [*SPEAKING, *EDITING])
def test_killed_while_a_picture_was_counted(stages, tmp_path, name, k):
    log, ledger = whole(name, stages, tmp_path)
    service, card = stages(name)
    with pytest.raises(Killed):
        hold(card, tmp_path / "run", counter=dying(k))
    hold(card, tmp_path / "run")
    assert service.log == log
    assert contents(tmp_path / "run") == ledger


@pytest.mark.parametrize("name", [*SPEAKING, *EDITING])
def test_killed_before_a_row_was_written(stages, tmp_path, monkeypatch, name):
    log, ledger = whole(name, stages, tmp_path)
    service, card = stages(name)

    def die(*_):
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "write", die)
        with pytest.raises(Killed):
            hold(card, tmp_path / "run")
    assert len(service.log) == 1
    hold(card, tmp_path / "run")
    assert service.log == log
    assert contents(tmp_path / "run") == ledger


@pytest.mark.parametrize(("name", "k"), [*((name, 4) for name in [*SPEAKING, *EDITING]), ("responses", 1)])
def test_an_account_closed_between_turns(stages, tmp_path, name, k):
    log, ledger = whole(name, stages, tmp_path)
    service, card = stages(name)
    service.before[k] = lambda: Says(
        {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "Incorrect API key provided."}}, status=401
    )
    with pytest.raises(GeneratorClosed, match="--retry-failed"):
        hold(card, tmp_path / "run")
    hold(card, tmp_path / "run", retry_failed=True)
    assert service.log == log
    assert contents(tmp_path / "run") == ledger


@pytest.mark.parametrize("name", SPEAKING)
def test_the_place_to_rewind_to_is_remembered(stages, tmp_path, name):
    log, ledger = whole(name, stages, tmp_path, on_refusal="rewind")
    service, card = stages(name)
    for k in (1, 2, 3, 4):
        stopping = threading.Event()
        service.before[k] = stopping.set
        hold(card, tmp_path / "run", stop=stopping, on_refusal="rewind")
    hold(card, tmp_path / "run", on_refusal="rewind")
    assert service.log == log
    assert contents(tmp_path / "run") == ledger


def test_xai_is_shown_the_picture_of_the_run(tmp_path):
    says = [
        grpc_loopback.Says(
            images=[
                image_pb2.GeneratedImage(base64=f"data:image/png;base64,{text(n or 3, k)}", respect_moderation=True)
            ]
        )
        for k, n in enumerate(DRAWN)
    ]
    with grpc_loopback.serve(*says) as (host, service):
        settings = {"host": host, "first_wait": 0.001}
        card = Card(name="xai:grok", family="xai", source="grok", price=PRICE, settings=settings)
        hold(card, tmp_path / "whole")
        log = [one.SerializeToString() for one in service.asked]
        service.asked.clear()
        for k in range(1, len(DRAWN)):
            hold(card, tmp_path / "run", budget=k * PRICE)
            assert len(service.asked) == k
        hold(card, tmp_path / "run")
        assert [one.SerializeToString() for one in service.asked] == log
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.fixture(scope="module")
def painter(tmp_path_factory):
    """A pipeline of diffusers that edits, a log of what its two forms are called with, and log and ledger undisturbed."""
    from countcheck.generators.diffusers import DiffusersGenerator

    log: list[Any] = []
    plain = DiffusersGenerator._call

    def call(pipe, prompts, seeds, arguments):
        shown = arguments.get("image")
        log.append((type(pipe).__name__, prompts, seeds, shown and shown.tobytes()))
        return plain(pipe, prompts, seeds, arguments)

    model = tiny_pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))
    settings = {"steps": 2, "size": 32, "edits": True, "strength": 0.5}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DiffusersGenerator, "_call", staticmethod(call))
        card = Card(name="painter", family="diffusers", source=str(model), settings=settings)
        path = tmp_path_factory.mktemp("whole")
        hold(card, path / "run")
        assert [pipe for pipe, *_ in log] == ["StableDiffusionPipeline"] + ["StableDiffusionImg2ImgPipeline"] * 5
        yield log, card, (list(log), contents(path / "run"))


@pytest.mark.parametrize("way", ["stopped", "killed while counting", "killed before a row"])
@pytest.mark.parametrize("k", [1, 4])
def test_a_pipeline_here_is_shown_the_picture_of_the_run(painter, tmp_path, k, way):
    log, card, undisturbed = painter
    log.clear()
    stopping = threading.Event()

    def interrupt(*_: Any) -> None:
        if len(log) >= k:
            if way == "stopped":
                stopping.set()
            else:
                raise Killed

    with pytest.MonkeyPatch.context() as patch:
        method = (Counter, "detect") if way != "killed before a row" else (RunFolder, "write")
        original = getattr(*method)
        patch.setattr(*method, lambda *given, **named: (interrupt(), original(*given, **named))[1])
        if way == "stopped":
            hold(card, tmp_path / "run", stop=stopping)
        else:
            with pytest.raises(Killed):
                hold(card, tmp_path / "run")
    assert len(log) == k
    hold(card, tmp_path / "run")
    assert (log, contents(tmp_path / "run")) == undisturbed
