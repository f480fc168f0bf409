"""Write a run's rates in the format of Every Eval Ever, a shared record of evaluations: a JSON file and its samples a generator.

Files are named as its store wants them: ``data/SUITE/DEVELOPER/MODEL/UUID.json`` and ``UUID_samples.jsonl`` beside it.
"""

from __future__ import annotations

import hashlib
import math
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.files import atomic_write
from countcheck.library.reward import target_score
from countcheck.metrics.rates import Unit, find_rate, unit_of
from countcheck.metrics.summary import GeneratorSummary, summarize
from countcheck.stats.estimate import Estimate
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import GeneratorInfo
from countcheck.suites.compose import slug
from countcheck.version import __version__

SCHEMA_VERSION = "0.3.0"
_UNITS = {Unit.SHARE: "proportion", Unit.USD: "USD", Unit.SECONDS: "seconds"}
_LOCAL = ("diffusers", "transformers", "folder")


def write_every_eval_ever(run: RunFolder, folder: Path, *, organization: str = "unknown") -> int:
    """Write the files of every generator of a run, and return how many generators that is.

    Args:
        run: Holds the results.
        folder: Where ``data`` goes.
        organization: Who made the run.

    Raises:
        BadInput: When nothing was scored, or the folder cannot be written.
    """
    rows = run.rows()
    summary = summarize(rows, run.info.called(run.name))
    files: dict[str, bytes] = {}
    written = 0
    for name, own in summary.generators.items():
        if own.scored:
            files |= _files(run, name, own, [row for row in rows if row.generator == name], organization)
            written += 1
    if not files:
        raise BadInput(f"{run.path}: nothing was scored, so there is no rate. Export another run.")
    try:
        for place, data in files.items():
            atomic_write(folder / place, data)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written ({error.strerror}). Name another folder.") from error
    return written


def _files(
    run: RunFolder, name: str, summary: GeneratorSummary, rows: Iterable[ResultRow], organization: str
) -> dict[str, bytes]:
    info = run.info.generators.get(name, GeneratorInfo())
    model = _model_info(name, info)
    moment = _moment(run.info.created)
    suite = slug(run.info.suite) or "suite"
    identity = f"{suite}/{model['id']}/{moment}"
    samples = b"".join(orjson.dumps(sample) + b"\n" for sample in _samples(run, rows, identity, model["id"]))
    # The same run gives the same name, so that a second export replaces the first.
    digest = hashlib.sha256(f"{run.info.suite_digest}/{identity}".encode()).digest()
    place = f"data/{suite}/{slug(model['developer']) or 'unknown'}/{slug(name) or 'model'}/{uuid.UUID(bytes=digest[:16], version=4)}"
    body = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": identity,
        "evaluation_timestamp": run.info.created or moment,
        "retrieved_timestamp": moment,
        "source_metadata": {
            "source_name": "countcheck",
            "source_type": "evaluation_run",
            "source_organization_name": organization,
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "countcheck", "version": run.info.versions.get("countcheck", __version__)},
        "model_info": model,
        "evaluation_results": list(_results(run, summary, identity)),
        "detailed_evaluation_results": {
            "format": "jsonl",
            "file_path": f"{place}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(samples).hexdigest(),
            "total_rows": samples.count(b"\n"),
        },
    }
    return {f"{place}.json": orjson.dumps(body, option=orjson.OPT_INDENT_2), f"{place}_samples.jsonl": samples}


def _model_info(name: str, info: GeneratorInfo) -> dict[str, Any]:
    source = info.source or name
    developer = source.partition("/")[0] if source.count("/") == 1 and not Path(source).exists() else info.family
    remote = bool(info.traits.get("remote"))
    local = info.family in _LOCAL
    details = {
        "deployment_type": "externally_managed" if remote else "self_deployed" if local else "unknown",
        "model_availability": "open_weights" if info.family in ("diffusers", "transformers") else "unknown",
        "revision": info.revision,
        **{f"setting_{key}": str(value) for key, value in info.settings.items() if value is not None},
    }
    body = {
        "name": name,
        "id": f"{developer or 'unknown'}/{slug(name) or 'model'}",
        "developer": developer or "unknown",
        "additional_details": {key: value for key, value in details.items() if value},
    }
    return body | ({"inference_platform": info.family} if remote else {})


def _results(run: RunFolder, summary: GeneratorSummary, identity: str) -> Iterator[dict[str, Any]]:
    for rate, estimate in summary.rates.items():
        if estimate.value is None or isinstance(estimate.value, str) or not math.isfinite(estimate.value):
            continue
        yield {
            "evaluation_result_id": f"{identity}/{rate}",
            "evaluation_name": run.info.suite or run.name,
            "source_data": {
                "dataset_name": run.info.suite or run.name,
                "source_type": "other",
                "additional_details": {"suite_digest": run.info.suite_digest},
            },
            "metric_config": _metric(rate, run.info.counter.name),
            "score_details": _score(estimate),
        }


def _metric(rate: str, counter: str) -> dict[str, Any]:
    known = find_rate(rate)
    share = known is not None and known.is_share
    return {
        "evaluation_description": (
            rate.replace("_", " ") if known is None else f"{known.title}: {known.numerator} / {known.denominator}"
        ),
        "metric_id": f"countcheck.{rate}",
        "metric_name": rate.replace("_", " ") if known is None else known.title,
        "metric_unit": _UNITS.get(unit_of(rate), "number"),
        "lower_is_better": known is not None and not known.higher_is_better,
        "score_type": "continuous",
        "min_score": 0,
        "max_score": 1 if share else None,
        "additional_details": {"counter": counter or "people"},
    }


def _score(estimate: Estimate) -> dict[str, Any]:
    uncertainty: dict[str, Any] = {"num_samples": estimate.n}
    if estimate.low is not None and estimate.high is not None and math.isfinite(estimate.high):
        uncertainty["confidence_interval"] = {
            "lower": estimate.low,
            "upper": estimate.high,
            "confidence_level": estimate.level,
            "method": estimate.method,
        }
    return {
        "score": estimate.value,
        "details": {"prompts": str(estimate.clusters)},
        "uncertainty": uncertainty,
    }


def _samples(run: RunFolder, rows: Iterable[ResultRow], identity: str, model: str) -> Iterator[dict[str, Any]]:
    """One record a sample that ended in a picture or a refusal and was judged; turns of conversations are left out."""
    for row in rows:
        if row.conversation or row.outcome not in ("picture", "refusal") or row.verdict is None:
            continue
        counted = ", ".join(f"{number:g} {noun}" for noun, number in row.counted.items())
        answer = row.picture if row.outcome == "picture" else row.words or row.reason
        yield {
            "schema_version": SCHEMA_VERSION,
            "evaluation_id": identity,
            "model_id": model,
            "evaluation_name": run.info.suite or run.name,
            "evaluation_result_id": f"{identity}/exact_rate",
            "sample_id": f"{row.prompt_id}/{row.repeat}",
            "interaction_type": "single_turn",
            "input": {"raw": row.text, "reference": [target.sentence() for target in row.targets]},
            "output": {"raw": [answer]},
            "answer_attribution": [
                {
                    "turn_idx": 0,
                    "source": "output.raw",
                    "extracted_value": counted or str(row.verdict),
                    "extraction_method": f"counter {run.info.counter.name or 'people'}",
                    "is_terminal": True,
                }
            ],
            "evaluation": {"score": _row_score(row), "is_correct": row.verdict is Kind.EXACT},
            "performance": {"latency_ms": 1000 * row.seconds},
            "metadata": _metadata(row),
        }


def _row_score(row: ResultRow) -> float:
    """The dense reward of a picture, 0 for a refusal."""
    counts = {noun: int(number) for noun, number in row.counted.items()}
    if row.outcome != "picture" or any(noun not in counts for target in row.targets for noun in target.nouns):
        return 0.0
    return sum(target_score(target, counts) for target in row.targets) / max(len(row.targets), 1)


def _metadata(row: ResultRow) -> dict[str, str]:
    fields: Mapping[str, Any] = {
        "verdict": row.verdict,
        "outcome": row.outcome,
        "refusal": row.refusal,
        "seed": row.seed,
        **{f"tag_{tag}": value for tag, value in row.tags.items()},
    }
    return {name: str(value) for name, value in fields.items() if value is not None}


def _moment(created: str) -> str:
    """Seconds since 1970 of a run's record, as text; of now where none is recorded."""
    from calendar import timegm

    try:
        return str(timegm(time.strptime(created, "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return str(int(time.time()))
