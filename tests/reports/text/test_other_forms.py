from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import jsonschema
import orjson
import pytest
import yaml
from made_up import a_run, a_suite

from countcheck.errors import MissingExtra
from countcheck.interop.trackers import log_mlflow, log_wandb, metrics, parameters
from countcheck.reports.json_document import report_to_json
from countcheck.reports.report import read_report
from countcheck.reports.text.markdown import render_markdown
from countcheck.reports.text.model_card import render_model_card
from countcheck.schemas import schema
from countcheck.storage.run_info import GeneratorInfo

HOSTILE = "</td>| [x](javascript:1) `a` @everyone #1 <img src=x>\n# no\u202e"


@pytest.fixture(scope="module")
def report(two_runs):
    return read_report(two_runs)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    suite = a_suite(8, 1, hostile=HOSTILE)
    folder = tmp_path_factory.mktemp("hostile") / "run"
    with a_run(folder, suite=suite, generators=((f"bad{HOSTILE}", 0.4, 0.4),), words=HOSTILE) as run:
        return read_report([run])


def test_the_document_holds_to_its_schema(report, hostile):
    for one in (report, hostile):
        jsonschema.validate(orjson.loads(orjson.dumps(report_to_json(one))), schema("report"))


def test_markdown_tables_have_as_many_cells_as_columns(report, hostile):
    for one in (report, hostile):
        text = render_markdown(one)
        head = next(line for line in text.splitlines() if line.startswith("| Model |"))
        rows = [line for line in text.splitlines() if line.startswith("| **") and "asked" not in line]
        assert {line.count("|") for line in rows[: len(one.models)]} == {head.count("|")}


def test_hostile_words_make_no_markup(hostile):
    for text in (render_markdown(hostile), render_model_card(hostile)):
        assert "<img" not in text.split("---\n", 2)[-1]
        assert "](javascript" not in text.split("---\n", 2)[-1]


def test_the_model_card_carries_a_model_index(report):
    front = yaml.safe_load(render_model_card(report).split("---")[1])
    entry = front["model-index"][0]
    assert entry["name"] == "alpha"
    (result,) = entry["results"]
    assert result["task"]["type"] == "text-to-image"
    exact = next(metric for metric in result["metrics"] if metric["type"] == "exact_rate")
    assert exact["value"] == pytest.approx(report.models[0].rates["exact_rate"]["value"], abs=1e-4)


def test_trackers_get_rates_with_their_ends(report):
    logged = dict(metrics(report.models[0]))
    assert logged["exact_rate.low"] <= logged["exact_rate"] <= logged["exact_rate.high"]
    assert dict(parameters(report, report.models[0]))["counter"] == "dots"


def test_trackers_get_the_recipe_of_a_real_run(report):
    source = report.runs[0]
    known = {"recipe": {"revision": "r1", "settings": {"steps": 20}}, "family": "diffusers", "priced": ""}
    info = replace(source.info, generators={"alpha": GeneratorInfo.from_json(known)})
    told = replace(report, runs=(replace(source, info=info), *report.runs[1:]))
    found = dict(parameters(told, told.models[0]))
    assert found["generator.revision"] == "r1"
    assert (found["generator.steps"], found["generator.family"]) == ("20", "diffusers")
    assert "generator.priced" not in found


def test_a_tracker_that_chatters_leaves_stdout_alone(report, monkeypatch, capsys):
    class Chatter:
        exceptions = SimpleNamespace(MlflowException=RuntimeError)

        def __getattr__(self, name):
            return lambda *_, **__: (sys.stdout.write("view run at"), nullcontext())[1]

    monkeypatch.setitem(sys.modules, "mlflow", Chatter())
    log_mlflow(report, "name")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("log", "package"), [(log_mlflow, "mlflow"), (log_wandb, "wandb")])
def test_a_tracker_that_is_not_installed_is_named(report, monkeypatch, log, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"countcheck\[{package}\]"):
        log(report, "name")
