from __future__ import annotations

from dataclasses import replace

from made_up import a_run, a_suite

from countcheck.reports.provenance import flat, how_it_was_made
from countcheck.reports.report import read_report
from countcheck.storage.run_info import CounterInfo, GeneratorInfo


def told(report, **changes):
    source = report.runs[0]
    changed = replace(source, info=replace(source.info, **changes))
    return dict(how_it_was_made(replace(report, runs=(changed, *report.runs[1:])), 0))


def test_a_reader_finds_suite_models_counter_and_controls(two_runs):
    found = told(read_report(two_runs))
    assert found["Suite"].startswith("made-up, 24 prompts, 2 conversations, version ")
    assert found["Tries"] == "2 tries of each prompt"
    assert found["Made on"] == "2026-11-22 14:00 UTC on cpu"
    assert found["Model alpha"] == "revision 0123abc; steps 4"
    assert found["Self-test"].startswith("passed: 47 of 48 pictures with known counts were counted right")
    assert "threshold 0.4" in found["Counting rule"]
    assert found["Calibration"].startswith("none: ")
    assert not any(name.startswith("Model gamma") for name in found)


def test_coverage_says_what_was_lost(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(80, 0), generators=(("solo", 0.5, 0.0),)) as run:
        report = read_report([run])
    model = report.models[0]
    assert model.counts["failures"]
    scored = told(report)["Scored of solo"]
    assert scored.startswith(f"{160 - model.counts['failures']} of 160, {model.counts['failures']} failure")


def test_what_a_real_run_keeps_of_a_model_and_a_calibrated_counter(two_runs):
    generator = {
        "recipe": {"revision": "r1", "settings": {"source": "x", "width": 96}},
        "family": "diffusers",
        "source": "x",
        "price": 0.04,
        "priced": "2026-11",
    }
    agreement = {"value": 0.9, "low": 0.8, "high": 0.95}
    measured = {"calibrated_on": "june", "labelled": 120, "pictures": 96, "agreement": agreement}
    counter = {"name": "tiny", "vocabulary": ["pig"], "measured": measured}
    found = told(
        read_report(two_runs),
        generators={"alpha": GeneratorInfo.from_json(generator)},
        counter=CounterInfo.from_json(counter),
        counting=2,
        counting_name="owlv2",
        countings=("tiny", "owlv2"),
    )
    assert (
        found["Model alpha"] == "revision r1; family diffusers, source x; width 96; $0.04 a picture (price of 2026-11)"
    )
    assert found["Calibration"] == (
        "on the run june, 120 counts by people in 96 pictures; the same count as people in 90\u00a0% (80 to 95)"
    )
    assert found["Counter"] == "tiny; knows 1 noun"
    assert found["Counting"] == "owlv2 is shown; the run was also counted by tiny"


def test_what_nobody_foresaw_is_told_too():
    assert list(flat("cluster", {"nodes": 3, "names": ["a", "b"], "deep": {"x": True, "empty": None}})) == [
        ("cluster", "nodes 3"),
        ("cluster · names", "a, b"),
        ("cluster · deep", "x yes"),
    ]


def test_the_surest_counts_of_a_calibrated_counter_are_said(two_runs):
    measured = {
        "calibrated_on": "runs/x",
        "probability": {"risk_coverage": [{"coverage": 0.5, "risk": 0.01}, {"coverage": 0.92, "risk": 0.04}]},
    }
    found = told(read_report(two_runs), counter=CounterInfo(name="tiny", measured=measured))["Calibration"]
    assert found.replace("\u00a0", " ").endswith("of the surest 92 % of counts 4 % were wrong")


def test_whether_a_model_took_its_seeds_is_said_where_it_is_on_record(two_runs):
    def seeds(**traits):
        return told(read_report(two_runs), generators={"alpha": GeneratorInfo(traits=traits)}).get("Seeds of alpha", "")

    assert seeds(seeded=True).startswith("given") and seeds(seeded=False).startswith("none") and seeds() == ""
