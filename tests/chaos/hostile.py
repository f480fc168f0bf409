"""Damages the files that people write, and gives odd texts to the parsers: a result or a sentence, and soon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from chaos.damage import POLICY, command, damaged
from chaos.tally import Tally
from stored_runs import write_run

from countcheck.cli.main import BUG
from countcheck.errors import CountcheckError
from countcheck.images.decode import decode, encode_png
from countcheck.suites.language.read_targets import read_targets

_SUITE = """name: farm
description: A farm.
prompts:
  - {id: a, text: three pigs, targets: {pig: 3}, tags: {style: noir}}
  - {id: b, text: "two cats and a dog", targets: {cat: 2, dog: 1}}
conversations:
  - {id: t, repairs: 1, turns: [{say: three pigs, targets: {pig: 3}}, {say: in noir}]}
"""
_CARD = "family: scenes\nsettings: {size: 64, error_rate: 0.2}\nlicence: MIT\n"
_TRANSCRIPT = '{"id": "a", "picture": "a.png", "words": "Here."}\n{"id": "b", "refusal": "I cannot draw that."}\n'
_LABELS = "key,turn,noun,count,labeller\n0123456789abcdef,0,square,3,ada\n"
_PROMPTS = 'prompt,style\nthree pigs,noir\n"two, cats",plain\n'
_ODD = (
    "\x00",
    "\u202e",
    "\x1b[31m",
    "\ud83d",
    "::error::",
    "##vso[task]",
    "=1+1",
    "<script>",
    "{{7*7}}",
    "`",
    "1" * 400,
    "[" * 200,
)
_WORDS = (
    "two ",
    "three pigs, ",
    '"',
    "no ",
    "and ",
    "a few of the ",
    "twenty-",
    "(",
    "not ",
    "1,000 ",
    "\n",
    "pair of ",
)


def files(folder: Path, dice: random.Random, *, times: int) -> Tally:
    """Damage so many suites, cards, policies, transcripts, tables of prompts, label files and baselines."""
    tally = Tally(kind="damaged inputs")
    write_run(folder / "run").close()
    _, summary, _ = command(["summary", str(folder / "run"), "--json"])
    kinds = (
        ("suite.yaml", _SUITE, lambda path: ("suite", "show", path, "--json")),
        ("prompts.csv", _PROMPTS, lambda path: ("suite", "show", path, "--json")),
        ("card.yaml", _CARD, lambda path: ("run", "demo", "-g", path, "-o", str(folder / "new"), "--dry-run")),
        ("policy.yaml", POLICY, lambda path: ("gate", str(folder / "run"), "--policy", path)),
        ("chat.jsonl", _TRANSCRIPT, lambda path: ("run", "demo", "-g", f"transcript:{path}", "--dry-run")),
        ("labels.csv", _LABELS, lambda path: ("review", str(folder / "run"), "--import", path)),
        ("baseline.json", summary, lambda path: ("compare", path, str(folder / "run"), "--json")),
    )
    for _ in range(times):
        name, text, arguments = dice.choice(kinds)
        data = text.encode()
        if dice.random() < 0.5:
            place = dice.randrange(len(text))
            data = (text[:place] + dice.choice(_ODD) + text[place:]).encode("utf-8", "surrogatepass")
        else:
            data = damaged(data, dice)
        path = folder / name
        path.write_bytes(data)
        tally.tried += 1
        began = time.process_time()
        code, _, err = command(arguments(str(path)))
        if code == BUG or "Traceback" in err:
            tally.tracebacks += 1
            tally.note(f"{name}: {err.strip()[:200]} ({data[:200]!r})")
        if time.process_time() - began > 10:
            tally.different += 1
            tally.note(f"{name}: {time.process_time() - began:.0f} s ({data[:200]!r})")
    return tally


def texts(dice: random.Random, *, times: int) -> Tally:
    """Read so many odd prompts of up to 20,000 characters, and decode as many damaged pictures."""
    tally = Tally(kind="odd texts and pictures")
    picture = encode_png(np.random.default_rng(0).integers(0, 255, (24, 24, 3), np.uint8))
    for _ in range(times):
        parts = dice.choices((*_WORDS, *_ODD), k=dice.choice((3, 10, 1000)))
        text = dice.choice(("".join(parts), parts[0] * 5000))[:20_000]
        _try(tally, f"prompt {text[:80]!r}", lambda text=text: read_targets(text))
        _try(tally, "picture", lambda: decode(damaged(picture, dice)))
    return tally


def _try(tally: Tally, what: str, do: Callable[[], object]) -> None:
    tally.tried += 1
    began = time.process_time()
    try:
        do()
    except CountcheckError:
        pass
    except Exception as error:
        tally.tracebacks += 1
        tally.note(f"{what}: {type(error).__name__}: {error}"[:300])
    if time.process_time() - began > 5:
        tally.different += 1
        tally.note(f"{what}: {time.process_time() - began:.0f} s")
