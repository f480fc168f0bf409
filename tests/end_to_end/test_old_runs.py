"""Runs of version 0.1 give the rows and rates that version 0.1 printed: programs outside the project read them.

Each folder of `runs_of_version_0_1` is a run without its pictures; beside it lies what ``export --format jsonl`` and
``summary --json`` printed then. `labels` was counted by two people too, `conversations` holds repairs, refusals and a
failure of a recorded model, `refusals` came from a provider that refused, failed and sent black pictures.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from countcheck.cli.main import execute

RUNS = Path(__file__).parent / "runs_of_version_0_1"
NAMES = ("labels", "conversations", "refusals")
# Keys that later versions print as well. Add a key when an output gains it; never one whose value changed.
NEW_IN_ROWS: frozenset[str] = frozenset()
NEW_IN_SUMMARY = frozenset(
    {
        "distinct",
        "entity_exact_rate",
        "next_labels",
        "repair_exact_rate",
        "repair_refusal_rate",
        "scripted_refusal_rate",
    }
)
# Rates whose meaning has changed since: they take in every turn of a conversation, repairs too.
OF_EVERY_TURN = frozenset({"refusal_rate", "unclear_refusal_rate", "turn_refusal_rate", "turn_unclear_refusal_rate"})


def without(body: Any, keys: frozenset[str]) -> Any:
    if isinstance(body, dict):
        return {key: without(value, keys) for key, value in body.items() if key not in keys}
    if isinstance(body, float):
        return round(body, 9)  # the last bits of a sum may differ by machine
    return [without(value, keys) for value in body] if isinstance(body, list) else body


def printed(capfd, tmp_path: Path, name: str, command: str, *options: str) -> str:
    run = shutil.copytree(RUNS / name, tmp_path / name)
    assert execute([command, str(run), *options]) == 0
    return capfd.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_stay(capfd, tmp_path, name):
    before = (RUNS / f"{name}.jsonl").read_text()
    rows = [json.loads(line) for line in printed(capfd, tmp_path, name, "export", "--format", "jsonl").splitlines()]
    # Compared as text, so that the order of the keys counts too.
    assert [json.dumps(without(row, NEW_IN_ROWS)) for row in rows] == [
        json.dumps(without(json.loads(line), frozenset())) for line in before.splitlines()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_stays(capfd, tmp_path, name):
    before = without(json.loads((RUNS / f"{name}.summary.json").read_text()), frozenset())
    summary = without(json.loads(printed(capfd, tmp_path, name, "summary", "--json")), NEW_IN_SUMMARY)
    # New: a sentence for pictures that came again, which names one of them.
    summary["warnings"] = [said for said in summary["warnings"] if "Look at images/" not in said]
    for generator, body in summary["generators"].items():
        was = before["generators"][generator]
        body.pop("failures", None)  # new: the commonest reasons; `counts` has a key of this name since 0.1
        body["rates"], was["rates"] = comparable(body["rates"], was["rates"])
        for tag, values in body["by"].items():
            for value, rates in values.items():
                values[value], was["by"][tag][value] = comparable(rates, was["by"][tag][value])
    assert summary == before


def comparable(rates: dict[str, Any], before: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both without the rates of every turn, and without the numbers that are not given any more: too few to say."""
    rates = {name: rate for name, rate in rates.items() if name not in OF_EVERY_TURN}
    silent = {name for name, rate in rates.items() if str(rate["method"]).startswith("too few to say")}
    for name in silent:
        assert rates[name]["low"] is None
        assert rates[name]["high"] is None
        assert (rates[name]["n"], rates[name]["clusters"]) == (before[name]["n"], before[name]["clusters"])
    kept = {name: rate for name, rate in before.items() if name not in OF_EVERY_TURN and name not in silent}
    return {name: rate for name, rate in rates.items() if name not in silent}, kept


def test_the_runs_hold_what_they_are_kept_for():
    corrected, conversations, refusals = (json.loads((RUNS / f"{name}.summary.json").read_text()) for name in NAMES)
    assert all(generator["corrected"] for generator in corrected["generators"].values())
    assert all("repaired_rate" in generator["rates"] for generator in conversations["generators"].values())
    (provider,) = refusals["generators"].values()
    assert provider["reasons"] == {"stated": 2, "silent": 2}
    assert provider["counts"]["failures"] == 2
