"""The second and third labelled sets, read as a run reads it: answers of services from HTTP on, and what assistants say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from countcheck.generators.outcome import Picture, Refusal
from countcheck.generators.providers._google_protocol import GOOGLE_CODES
from countcheck.generators.providers.openai import reply_of_images
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.outcomes import Request, outcomes_of_reply
from countcheck.generators.remote.reply import Reply

HERE = Path(__file__).parent / "refusals"
NAMES = {"U": "unexplained", "C": "capability", "S": "stated", "K": "deflected", "D": "deflected", "F": "transient"}


def words(name: str = "fresh") -> list[tuple[str, str, str]]:
    """Label, language and words of each text, in order."""
    lines = (HERE / f"{name}_words.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line.strip() and not line.startswith("#")]  # type: ignore[misc]


def replies(name: str = "fresh") -> list[dict[str, Any]]:
    """Each answer with its label, in order."""
    return list(yaml.safe_load((HERE / f"{name}_replies.yaml").read_text(encoding="utf-8")))


def outcome_of(reply: Reply, *, codes: Any = None) -> Any:
    request = Request(keys=("k",), fetch=lambda url: b"", codes=codes or {})
    (settled,) = outcomes_of_reply(reply, request)
    return settled.outcome


def class_of(outcome: Any) -> str:
    if isinstance(outcome, Picture):
        return "picture"
    return str(outcome.reason if isinstance(outcome, Refusal) else outcome.fault)


def read_words_entry(entry: tuple[str, str, str]) -> tuple[str, str]:
    """The label of a text, and how it was read."""
    label, _, text = entry
    outcome = outcome_of(Reply(words=text))
    wanted = NAMES[label[0]] + label[1:]
    named = f"stated:{outcome.category}" if class_of(outcome) == "stated" else class_of(outcome)
    return wanted, named


def read_reply_entry(entry: dict[str, Any]) -> tuple[str, str]:
    """The label of an answer, and how it was read."""
    body, status = entry["body"], entry["status"]
    codes = GOOGLE_CODES if "INVALID_ARGUMENT" in str(body) or "RESOURCE_EXHAUSTED" in str(body) else {}
    if status < 300 and isinstance(body, dict):
        reply = reply_of_images(body)
    else:
        reply = reply_of_body(body, status=status, headers=entry.get("headers"))
    outcome = outcome_of(reply, codes=codes)
    wanted = entry["is"] + (f":{entry['category']}" if "category" in entry else "")
    named = class_of(outcome) + (f":{outcome.category}" if class_of(outcome) == "stated" else "")
    return wanted, named


def halves() -> dict[str, list[tuple[str, str, str]]]:
    """Label, reading and text of each entry: what was looked at while widening, and the half that was not."""
    (read, answers), more = _read("fresh"), _read("more")
    tuned = [*read[::2], *answers[::2], *more[0], *more[1]]
    return {"tuned": tuned, "untouched": [*read[1::2], *answers[1::2]]}


def _read(name: str) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    read = [(*read_words_entry(entry), entry[2]) for entry in words(name)]
    answers = [(*read_reply_entry(entry), f"{entry['status']} {entry['body']}") for entry in replies(name)]
    return read, answers
