"""Verdict rows made up for tests: what would come back from a run, without one."""

from __future__ import annotations

from countcheck.counting.verdict import Kind
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import RunInfo
from countcheck.suites.suite import Target

KINDS = {"e": "exact", "o": "over", "u": "under", "m": "missing", "x": "mixed", "?": "uncertain"}
REASONS = {"r": "stated", "c": "capability", "n": "unexplained", "d": "deflected", "s": "silent"}


def row(letter, prompt="p", repeat=0, *, generator="g", noun="pig", asked=3, counted=None, **fields):
    """One row: e exact, o over, u under, m missing, x mixed, ? uncertain; r stated refusal, n unexplained, s silent,
    d deflected, c capability; f failed; - not made yet."""
    given = {
        "key": f"{generator}/{prompt}/{repeat}",
        "generator": generator,
        "prompt_id": prompt,
        "repeat": repeat,
        "seed": repeat,
        "text": "told" if isinstance(asked, dict) else f"{asked} {noun}",
        "asked": asked if isinstance(asked, dict) else {noun: asked},
        "targets": () if isinstance(asked, dict) else (Target(noun=noun, count=asked),),
    }
    if letter in KINDS:
        kind = Kind(KINDS[letter])
        if not isinstance(counted, dict) and not isinstance(asked, dict):
            n = {"e": asked, "o": asked + 1, "u": max(asked - 1, 0), "m": 0}.get(letter, asked)
            counted = {noun: n if counted is None else counted}
        given |= {"outcome": "picture", "verdict": kind, "leaning": kind, "counted": counted, "seconds": 2.0}
    elif letter in REASONS:
        given |= {"outcome": "refusal", "refusal": REASONS[letter], "verdict": Kind.REFUSED, "seconds": 1.0}
    elif letter == "f":
        given |= {"outcome": "failure", "failure": "transient", "verdict": Kind.FAILED}
    elif letter == "-":
        given |= {"outcome": "missing"}
    else:
        raise ValueError(letter)
    return ResultRow(**(given | fields))


def rows(spec, *, generator="g", **fields):
    """Rows from "eeu ern": a word a prompt (p0, p1 ...), a letter a repeat; see `row`."""
    return [
        row(letter, f"p{i}", repeat, generator=generator, **fields)
        for i, word in enumerate(spec.split())
        for repeat, letter in enumerate(word)
    ]


def turn(letter, script, repair=0, *, turn, talk="t0", **fields):
    """One turn of a conversation."""
    return row(letter, talk, conversation=True, turn=turn, script=script, repair=repair, **({"key": talk} | fields))


def run_info(**changes):
    """What a run was made with, from the names and values of a ledger."""
    return RunInfo.from_json(
        {
            "name": "made-up",
            "suite": "pigs",
            "suite_digest": "0" * 32,
            "counter": {"name": "tiny", "rule": {"threshold": 0.3}},
            "controls": {"passed": True, "right": 48, "total": 48, "by_style": {}},
            "repeats": 1,
            "generators": {},
        }
        | changes
    )
