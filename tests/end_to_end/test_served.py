"""A chat model played by a server on this machine: it draws, refuses, lies and is too busy once; every rate is then
what its own log says."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from loopback import Answer, Loopback, Request

from countcheck.counting.counter import load_counter
from countcheck.engine.scoring import nouns_of
from countcheck.images.decode import encode_png
from countcheck.scenes.composition import compose
from countcheck.scenes.rendering import render
from countcheck.suites.merge import load_suites
from countcheck.suites.suite import Suite

COUNTER = "tiny"
ROOT = Path(__file__).parents[2]
REFUSES = {("the-tale", 1, 0)}
LIES = {("the-tale-with-numbers-said-again", 1, 0): "Sure! Here are exactly three pigs."}
SLIPS = {("four-pigs-and-two-wolves", 0, 0), ("four-pigs-and-two-wolves", 0, 1)}
NO = "I'm sorry, but I can't generate images of that."


class Album:
    """Pictures of so many pigs and wolves that the counter gets right in every style: it is not what is tested here."""

    def __init__(self, suite: Suite) -> None:
        self._counter, self._nouns = load_counter(COUNTER), nouns_of(suite)
        tags = [asked.tags for asked in suite.asked] + [t.tags for talk in suite.conversations for t in talk.turns]
        self._styles = [None, *sorted({tag["style"] for tag in tags if "style" in tag})]
        self._pages: dict[tuple[int, int], bytes] = {}
        self._turning = threading.Lock()

    def png(self, pigs: int, wolves: int) -> bytes:
        with self._turning:
            if (pigs, wolves) not in self._pages:
                self._pages[pigs, wolves] = encode_png(self._find(pigs, wolves))
            return self._pages[pigs, wolves]

    def _find(self, pigs: int, wolves: int):
        for seed in range(300):
            counts = {noun: n for noun, n in (("pig", pigs), ("wolf", wolves)) if n}
            pixels = render(compose(counts, seed=seed), 96)
            if all(self._right(pixels, style, pigs, wolves) for style in self._styles):
                return pixels
        raise AssertionError(f"no picture of {pigs} pigs and {wolves} wolves that is counted right")

    def _right(self, pixels, style, pigs, wolves) -> bool:
        (found,) = self._counter.detect([pixels], self._nouns, [style])
        counted = self._counter.count(found, self._nouns, style)
        return not counted.uncertain and counted.counts == {"pig": pigs, "wolf": wolves}


class Model:
    """The model behind the server, and its log of what it really did."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.album = Album(suite)
        self.prompts = {prompt.text: (place, prompt) for place, prompt in enumerate(suite.prompts)}
        self.talks = {talk.turns[0].say: talk for talk in suite.conversations}
        self.states: dict[str, tuple[str, int, int]] = {}
        self.log: list[dict] = []
        self.requests = 0
        self._one_at_a_time = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        with self._one_at_a_time:
            self.requests += 1
            if self.requests == 5:
                return Answer(
                    429, {"error": {"code": "rate_limit_exceeded", "message": "Slow down."}}, {"retry-after": "0"}
                )
            said = request.json["input"]
            before = request.json.get("previous_response_id")
            if before is None and said in self.prompts:
                return self._prompt(*self.prompts[said])
            return self._turn(said, before)

    def _prompt(self, place, prompt) -> Answer:
        refused, slips = place % 7 == 3, place % 5 == 1
        return self._answer({"prompt": prompt.id}, prompt.targets, refused=refused, slips=slips)

    def _turn(self, said, before) -> Answer:
        if before is None:
            at = (self.talks[said].id, 0, 0)
        else:
            name, script, repair = self.states[before]
            turns = next(t for t in self.suite.conversations if t.id == name).turns
            goes_on = script + 1 < len(turns) and said == turns[script + 1].say
            at = (name, script + 1, 0) if goes_on else (name, script, repair + 1)
        talk = next(t for t in self.suite.conversations if t.id == at[0])
        entry = {"talk": at[0], "script": at[1], "repair": at[2]}
        words = LIES.get(at, "")
        return self._answer(
            entry,
            talk.turns[at[1]].targets,
            refused=at in REFUSES,
            slips=at in SLIPS or bool(words),
            words=words,
            at=at,
        )

    def _answer(self, entry, targets, *, refused, slips, words="", at=None) -> Answer:
        name = f"resp_{len(self.log)}"
        if at is not None:
            self.states[name] = at
        self.log.append({**entry, "refused": refused, "right": not refused and not slips, "claims": bool(words)})
        output = (
            []
            if refused
            else [
                {
                    "type": "image_generation_call",
                    "id": "ig",
                    "status": "completed",
                    "result": self._draw(targets, slips),
                }
            ]
        )
        spoken = NO if refused else words
        if spoken:
            output.append(
                {
                    "type": "message",
                    "id": "m",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": spoken}],
                }
            )
        return Answer(200, {"id": name, "object": "response", "status": "completed", "model": "gpt", "output": output})

    def _draw(self, targets, slips) -> str:
        counts = {target.noun: target.count or 0 for target in targets}
        return base64.b64encode(self.album.png(counts.get("pig", 0) + slips, counts.get("wolf", 0))).decode()


def shares(model: Model) -> dict[str, float]:
    """Every rate, worked out from the log alone."""
    prompts = [entry for entry in model.log if "prompt" in entry]
    pictures = [entry for entry in prompts if not entry["refused"]]
    turns = [entry for entry in model.log if "talk" in entry]
    wrong = [entry for entry in turns if not entry["refused"] and not entry["right"]]
    kept, repaired, sticky = [], [], []
    for talk in model.suite.conversations:
        mine = sorted((e for e in turns if e["talk"] == talk.id), key=lambda e: (e["script"], e["repair"]))
        sticky += [b["refused"] for a, b in itertools.pairwise(mine) if a["refused"]]
        scripts = [list(group) for _, group in itertools.groupby(mine, key=lambda e: e["script"])]
        for before, after in itertools.pairwise(scripts):
            carried = set(talk.turns[before[0]["script"]].targets) & set(talk.turns[after[0]["script"]].targets)
            if before[-1]["right"] and carried:
                kept.append(after[0]["right"])
        repaired += [
            any(e["right"] for e in group[1:]) for group in scripts if not group[0]["refused"] and not group[0]["right"]
        ]
    return {
        "exact_rate": sum(e["right"] for e in prompts) / len(prompts),
        "exact_rate_given_picture": sum(e["right"] for e in pictures) / len(pictures),
        "over_rate": sum(not e["right"] for e in pictures) / len(prompts),
        # Of all that was said: prompts, turns and repairs.
        "refusal_rate": sum(e["refused"] for e in [*prompts, *turns]) / len([*prompts, *turns]),
        "unclear_refusal_rate": sum(e["refused"] for e in [*prompts, *turns]) / len([*prompts, *turns]),
        "turn_refusal_rate": sum(e["refused"] for e in turns) / len(turns),
        "kept_rate": sum(kept) / len(kept),
        "repaired_rate": sum(repaired) / len(repaired),
        "false_claim_rate": sum(e["claims"] for e in wrong) / len(wrong),
        "sticky_refusal_rate": sum(sticky) / len(sticky),
    }


def countcheck(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    names = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **environment}
    return subprocess.run(
        [sys.executable, "-m", "countcheck", *arguments], capture_output=True, text=True, env=names, timeout=250
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    suite = load_suites(["three-little-pigs"])
    model = Model(suite)
    path = tmp_path_factory.mktemp("served") / "run"
    with Loopback() as server:
        server.answers(model)
        spec = f"openai:gpt-5.6?base_url={server.url}/v1&api=responses&key_env=MY_KEY&first_wait=0.01&concurrency=4"
        arguments = ("run", "three-little-pigs", "-g", spec, "-d", COUNTER, "-o", str(path), "--json")
        done = countcheck(*arguments, MY_KEY="sk-loopback-secretsecret")
        first = model.requests
        again = countcheck(*arguments, MY_KEY="sk-loopback-secretsecret")
    return model, path, done, again, first


def test_every_rate_is_the_one_worked_out_from_the_servers_log(served):
    model, _, done, _, _ = served
    assert done.returncode == 0, done.stderr[-2000:]
    (summary,) = json.loads(done.stdout)["generators"].values()
    assert summary["counts"]["failures"] == summary["counts"]["missing"] == summary["counts"]["uncertain"] == 0
    found = {name: summary["rates"][name]["value"] for name in shares(model)}
    assert found == pytest.approx(shares(model))


def test_it_did_refuse_lie_slip_and_stumble(served):
    model, _, _, _, _ = served
    figures = shares(model)
    assert 0 < figures["refusal_rate"] < 0.3 and 0 < figures["kept_rate"] < 1
    assert figures["false_claim_rate"] == pytest.approx(1 / 3)
    assert figures["repaired_rate"] == 0.5
    assert model.requests == len(model.log) + 1


def test_the_same_command_again_asks_for_nothing(served):
    model, _, done, again, first = served
    assert again.returncode == 0, again.stderr[-2000:]
    assert model.requests == first
    assert json.loads(again.stdout)["generators"] == json.loads(done.stdout)["generators"]


def test_the_key_is_nowhere(served):
    _, path, done, again, _ = served
    assert "secretsecret" not in done.stdout + done.stderr + again.stdout + again.stderr
    for file in path.rglob("*"):
        assert not file.is_file() or b"secretsecret" not in file.read_bytes(), file
