"""Making and opening runs from Python."""

from __future__ import annotations

import json
import re

import pytest

import countcheck as cc
from countcheck.cli.main import execute
from countcheck.errors import BadInput, CountcheckError, UnknownName
from countcheck.suites.suite import Prompt, Suite, Target


def suite(numbers=(1, 2, 3, 2, 1, 3)) -> Suite:
    prompts = tuple(
        Prompt(id=f"p{place}", text=f"{n} pigs, picture {place}", targets=(Target(noun="pig", count=n),))
        for place, n in enumerate(numbers)
    )
    return Suite(name="pigs", prompts=prompts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two runs of one suite: ``good`` draws what is asked, ``bad`` errs."""
    folder = tmp_path_factory.mktemp("runs")
    for name, spec in (("good", "scenes"), ("bad", "scenes?error_rate=0.9")):
        cc.run(suite(), generators=[spec], counter="tiny", path=folder / name).close()
    return folder


def test_the_summary_is_that_of_the_command_line(folder, capsys):
    assert execute(["summary", str(folder / "bad"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    with cc.open_run(folder / "bad") as run:
        assert run.summary().to_json() == printed


def test_a_metric_over_the_same_pictures_gives_the_same_rates(folder):
    with cc.open_run(folder / "bad") as run:
        rows = run.rows()
        rates = run.summary().generators["scenes?error_rate=0.9"].rates
        metric = cc.CountMetric("tiny", nouns=run.suite.nouns)
        for part in (rows[:2], rows[2:]):
            prompts = [Prompt(id=row.prompt_id, text=row.text, targets=row.targets, tags=row.tags) for row in part]
            metric.update([run.path / row.picture for row in part], prompts)
    computed = metric.compute()
    for name in ("exact_rate", "over_rate", "under_rate", "missing_rate", "mean_abs_error", "weighted_error"):
        assert computed[name] == rates[name], name


def test_going_on_makes_nothing_twice(folder, tmp_path):
    calls = []
    cc.run(
        suite(), generators=["scenes"], path=tmp_path / "r", limit=2, progress=lambda *call: calls.append(call)
    ).close()
    assert calls == [("scenes", 1, 2), ("scenes", 2, 2)]
    calls.clear()
    again = cc.run(suite(), generators=["scenes"], path=tmp_path / "r", limit=2, progress=lambda *c: calls.append(c))
    with again:
        assert [row.outcome for row in again.rows()] == ["picture", "picture"]
    assert calls == []


def test_two_runs_are_compared_in_pairs(folder):
    with cc.open_run(folder / "good") as good, cc.open_run(folder / "bad") as bad:
        comparison = good.compare(bad)
    assert comparison.pairs == 6
    assert comparison.rates["exact_rate"].difference.value < 0


def test_a_gate_is_decided_from_fields_or_a_file(folder, tmp_path):
    policy = {"rules": [{"rate": "exact_rate", "at_least": 0.99, "side": "value"}]}
    (tmp_path / "policy.yaml").write_text(json.dumps(policy))
    with cc.open_run(folder / "good") as good, cc.open_run(folder / "bad") as bad:
        assert good.gate(policy).decision == good.gate(tmp_path / "policy.yaml").decision == "pass"
        assert bad.gate(policy).exit_code == 1


def test_tables_have_the_columns_of_the_export(folder, capsys):
    execute(["export", str(folder / "good")])
    exported = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    with cc.open_run(folder / "good") as run:
        pandas, polars, arrow = run.to_pandas(), run.to_polars(), run.to_arrow()
    assert list(pandas.columns) == list(polars.columns) == arrow.column_names == list(exported[0])
    assert list(pandas["counted"]) == [row["counted"] for row in exported]
    assert [json.loads(text) for text in polars["counted"]] == [row["counted"] for row in exported]
    assert arrow.column("verdict").to_pylist() == [row["verdict"] for row in exported]


def test_a_report_is_written(folder, tmp_path):
    with cc.open_run(folder / "good") as good, cc.open_run(folder / "bad") as bad:
        page = good.report(tmp_path / "page.html", others=[bad])
    assert page.stat().st_size > 50_000


def test_a_notebook_shows_the_rates(folder):
    with cc.open_run(folder / "good") as run, cc.open_run(folder / "bad") as other:
        pages = [run._repr_html_(), run.summary()._repr_html_()]
        comparison = run.compare(other)._repr_html_()
    for page in pages:
        assert re.findall(r"<th [^>]*>([^<]*)</th>", page) == ["rate", "scenes"]
        assert dict(re.findall(r"<td [^>]*>([^<]*)</td><td [^>]*>([^<]*)</td>", page))["scored"] == "6 of 6"
        assert "100 %" in page
    assert "scenes?error_rate=0.9 in bad against scenes in good; 6 pairs" in comparison
    assert re.search(r"<td [^>]*>exact</td><td [^>]*>100 %", comparison)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda folder: cc.open_run(folder / "nowhere"), BadInput),
        (lambda folder: cc.run("no-such-suite", generators=["scenes"], path=folder / "x"), CountcheckError),
        (lambda folder: cc.run("demo", generators=["no-such-model"], path=folder / "x"), UnknownName),
    ],
)
def test_errors_are_those_of_the_command_line(folder, call, error):
    with pytest.raises(error):
        call(folder)
