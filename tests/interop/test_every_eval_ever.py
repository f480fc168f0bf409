"""The export for Every Eval Ever, against what version 0.3.0 of its schema demands of the parts that are written."""

from __future__ import annotations

import hashlib
import json

import pytest
from jsonschema import Draft7Validator

import countcheck as cc
from countcheck.cli.main import execute
from countcheck.suites.suite import Prompt, Suite, Target

TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def closed(required: dict, optional: dict | None = None) -> dict:
    """An object with these fields and no other."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": [*required], "properties": properties, "additionalProperties": False}


INTERVAL = closed(
    {"lower": NUMBER, "upper": NUMBER}, {"confidence_level": {**NUMBER, "minimum": 0, "maximum": 1}, "method": TEXT}
)
METRIC = closed(
    {
        "lower_is_better": {"type": "boolean"},
        "min_score": {"type": ["number", "null"]},
        "max_score": {"type": ["number", "null"]},
    },
    {
        **{name: TEXT for name in ("evaluation_description", "metric_id", "metric_name", "metric_unit")},
        "score_type": {"const": "continuous"},
        "additional_details": TEXTS,
    },
)
RESULT = closed(
    {
        "evaluation_name": TEXT,
        "source_data": closed({"dataset_name": TEXT, "source_type": {"const": "other"}}, {"additional_details": TEXTS}),
        "metric_config": METRIC,
        "score_details": closed(
            {"score": NUMBER},
            {"details": TEXTS, "uncertainty": closed({}, {"confidence_interval": INTERVAL, "num_samples": WHOLE})},
        ),
    },
    {"evaluation_result_id": TEXT},
)
MODEL = closed(
    {
        "name": TEXT,
        "id": TEXT,
        "additional_details": {
            **TEXTS,
            "required": ["deployment_type", "model_availability"],
            "properties": {
                "deployment_type": {"enum": ["self_deployed", "externally_managed", "unknown"]},
                "model_availability": {"enum": ["open_weights", "closed_weights", "unknown"]},
            },
        },
    },
    {"developer": TEXT, "inference_platform": TEXT},
)
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
RECORD = closed(
    {
        "schema_version": {"const": "0.3.0"},
        "evaluation_id": TEXT,
        "retrieved_timestamp": {**TEXT, "pattern": r"^\d+$"},
        "source_metadata": closed(
            {
                "source_type": {"const": "evaluation_run"},
                "source_organization_name": TEXT,
                "evaluator_relationship": {"enum": ["first_party", "third_party", "collaborative", "other"]},
            },
            {"source_name": TEXT},
        ),
        "model_info": MODEL,
        "eval_library": closed({"name": TEXT, "version": TEXT}),
        "evaluation_results": {"type": "array", "items": RESULT, "minItems": 1},
    },
    {
        "evaluation_timestamp": TEXT,
        "detailed_evaluation_results": closed(
            {
                "format": {"const": "jsonl"},
                "file_path": {**TEXT, "pattern": rf"^data/[^/]+/[^/]+/[^/]+/{UUID4}_samples\.jsonl$"},
            },
            {"hash_algorithm": {"const": "sha256"}, "checksum": TEXT, "total_rows": WHOLE},
        ),
    },
)
SAMPLE = closed(
    {
        **{name: TEXT for name in ("schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id")},
        "interaction_type": {"const": "single_turn"},
        "input": closed({"raw": TEXT, "reference": {"type": "array", "items": TEXT}}),
        "output": closed({"raw": {"type": "array", "items": TEXT}}),
        "answer_attribution": {
            "type": "array",
            "items": closed(
                {
                    "turn_idx": {**WHOLE, "minimum": 0},
                    **{name: TEXT for name in ("source", "extracted_value", "extraction_method")},
                    "is_terminal": {"type": "boolean"},
                }
            ),
        },
        "evaluation": closed({"score": NUMBER, "is_correct": {"type": "boolean"}}),
    },
    {
        "evaluation_result_id": TEXT,
        "performance": closed({}, {"latency_ms": {**NUMBER, "minimum": 0}}),
        "metadata": TEXTS,
    },
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    prompts = tuple(Prompt(id=f"p{n}", text=f"{n} pigs", targets=(Target(noun="pig", count=n),)) for n in (1, 2, 3))
    path = tmp_path_factory.mktemp("runs") / "run"
    cc.run(Suite(name="pigs", prompts=prompts), generators=["scenes", "scenes?error_rate=1"], path=path).close()
    return str(path)


def export(run, folder):
    assert execute(["export", run, "-f", "every-eval-ever", "-o", str(folder), "--organization", "farm"]) == 0
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_records_and_samples_are_what_the_schema_demands(run, tmp_path):
    files = export(run, tmp_path / "records")
    records = [json.loads(data) for name, data in files.items() if name.endswith(".json")]
    assert len(records) == 2 and len(files) == 4
    for record in records:
        Draft7Validator(RECORD).validate(record)
        details = record["detailed_evaluation_results"]
        samples = files[details["file_path"]]
        assert hashlib.sha256(samples).hexdigest() == details["checksum"]
        assert samples.count(b"\n") == details["total_rows"] == 3
        for line in samples.splitlines():
            sample = json.loads(line)
            Draft7Validator(SAMPLE).validate(sample)
            assert sample["evaluation_id"] == record["evaluation_id"]


def test_scores_are_the_summarys(run, tmp_path):
    files = export(run, tmp_path / "records")
    records = [json.loads(data) for name, data in files.items() if name.endswith(".json")]
    with cc.open_run(run) as opened:
        generators = opened.summary().generators
    for record in records:
        rates = generators[record["model_info"]["name"]].rates
        exact = next(
            r for r in record["evaluation_results"] if r["metric_config"]["metric_id"] == "countcheck.exact_rate"
        )
        assert exact["score_details"]["score"] == rates["exact_rate"].value
        assert exact["score_details"]["uncertainty"]["confidence_interval"]["lower"] == rates["exact_rate"].low
        over = next(
            r for r in record["evaluation_results"] if r["metric_config"]["metric_id"] == "countcheck.over_rate"
        )
        assert over["metric_config"]["lower_is_better"] is True
    samples = [json.loads(line) for name, data in files.items() if name.endswith("jsonl") for line in data.splitlines()]
    assert sum(sample["evaluation"]["is_correct"] for sample in samples) == 3
    assert all(0 <= sample["evaluation"]["score"] <= 1 for sample in samples)


def test_a_second_export_replaces_the_first(run, tmp_path):
    assert export(run, tmp_path / "records") == export(run, tmp_path / "records")


def test_it_needs_a_folder_that_can_be_written(run, tmp_path, capsys):
    assert execute(["export", run, "-f", "every-eval-ever"]) == 2
    assert "Name a folder with -o" in capsys.readouterr().err
    (tmp_path / "file").write_text("in the way")
    assert execute(["export", run, "-f", "every-eval-ever", "-o", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
