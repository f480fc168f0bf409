"""Results, suites and pictures on the hub: the files, and the real client sending them to a hub on this machine."""

from __future__ import annotations

import io
import json

import pytest
import yaml
from writable_hub import serving

import countcheck as cc
from countcheck.cli.main import execute
from countcheck.suites.catalog import load_suite
from countcheck.suites.suite import Prompt, Suite, Target


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    prompts = tuple(
        Prompt(
            id=f"p{n}",
            text=f"{n} pigs",
            targets=(Target(noun="pig", count=n),),
            tags={"style": "noir"} if n > 1 else {},
        )
        for n in (1, 2, 3)
    )
    path = tmp_path_factory.mktemp("runs") / "run"
    cc.run(Suite(name="pigs", prompts=prompts), generators=["scenes", "scenes?error_rate=1"], path=path).close()
    return str(path)


@pytest.fixture
def hub(monkeypatch):
    with serving() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield hub


def test_a_models_results_are_proposed_in_the_hubs_format(run, hub, capsys):
    from huggingface_hub import parse_eval_result_entries

    command = ["push", run, "--model", "farm/painter", "--benchmark", "farm/pigs", "--generator", "scenes"]
    assert execute([*command, "--source", "https://example.com/report"]) == 0
    assert capsys.readouterr().out.strip() == f"{hub.url}/models/farm/painter/discussions/1"
    assert hub.proposals == ["models/farm/painter"] and not hub.made
    (content,) = (hub.files["models/farm/painter"][".eval_results/farm--pigs.yaml"],)
    exact, given = parse_eval_result_entries(yaml.safe_load(content))
    assert (exact.dataset_id, exact.task_id, exact.value) == ("farm/pigs", "exact_rate", 1.0)
    assert given.task_id == "exact_rate_given_picture"
    assert exact.source_url == "https://example.com/report"
    assert "95 % interval 0.439 to 1.000; 3 tries of 3 prompts; counted by tiny" in exact.notes
    assert "Bearer hf_secret" in hub.tokens


def test_a_suite_becomes_a_benchmark_that_its_results_name(run, hub, tmp_path):
    assert execute(["push", run, "--suite", "farm/pigs", "--public"]) == 0
    assert [(made["name"], made["type"], made["visibility"]) for made in hub.made] == [("pigs", "dataset", "public")]
    files = hub.files["datasets/farm/pigs"]
    definition = yaml.safe_load(files["eval.yaml"])
    assert {"name", "description", "evaluation_framework", "tasks"} == set(definition)
    assert [task["id"] for task in definition["tasks"]] == ["exact_rate", "exact_rate_given_picture"]
    (tmp_path / "suite.yaml").write_bytes(files["suite.yaml"])
    with cc.open_run(run) as opened:
        assert load_suite(str(tmp_path / "suite.yaml")).prompts == opened.suite.prompts
    import datasets

    front = yaml.safe_load(files["README.md"].split(b"---")[1])
    (tmp_path / "data").mkdir()
    (tmp_path / "data/test.jsonl").write_bytes(files["data/test.jsonl"])
    path = front["configs"][0]["data_files"][0]["path"]
    rows = datasets.load_dataset("json", data_files=str(tmp_path / path), cache_dir=str(tmp_path / "cache"))["train"]
    assert rows["text"] == ["1 pigs", "2 pigs", "3 pigs"]


def test_pictures_travel_inside_the_rows(run, hub):
    import pyarrow.parquet
    from PIL import Image

    assert execute(["push", run, "--pictures", "farm/drawn"]) == 0
    assert hub.made[0]["visibility"] == "private" and not hub.proposals
    content = hub.files["datasets/farm/drawn"]["data/test-00000-of-00001.parquet"]
    rows = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    assert len(rows) == 6
    for row in rows:
        assert Image.open(io.BytesIO(row["image"]["bytes"])).size
        assert json.loads(row["asked"])["pig"] in (1, 2, 3)


def test_nothing_is_sent_that_was_not_asked_for(run, hub, tmp_path, capsys):
    assert execute(["push", run, "--suite", "farm/pigs", "--dry-run", str(tmp_path / "files")]) == 0
    assert "nothing was sent" in capsys.readouterr().err
    assert (tmp_path / "files/eval.yaml").is_file()
    assert not hub.tokens


@pytest.mark.parametrize(
    ("status", "message"), [(403, "Set HF_TOKEN"), (404, "Check its name"), (400, "Try again later")]
)
def test_a_refusal_is_a_sentence_without_the_key(run, hub, capsys, monkeypatch, status, message):
    hub.refuse = status
    command = ["push", run, "--model", "farm/painter", "--benchmark", "farm/pigs", "--generator", "scenes", "--commit"]
    assert execute(command) == 2
    said = capsys.readouterr().err
    assert "the hub refused model farm/painter" in said and message in said
    assert "hf_secret" not in said and "Traceback" not in said


def test_a_hub_out_of_reach_is_a_sentence(run, capsys, monkeypatch):
    with serving() as hub:
        url = hub.url
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert execute(["push", run, "--suite", "farm/pigs"]) == 2
    assert "cannot be sent to the hub" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "name one thing to send"),
        (["--suite", "a/b", "--pictures", "a/b"], "name one thing to send"),
        (["--model", "a/b"], "go together"),
        (["--suite", "pigs"], "is no repository of the hub"),
        (["--suite", "../x"], "is no repository of the hub"),
        (["--model", "a/b", "--benchmark", "c/d"], "Name one with --generator"),
        (["--model", "a/b", "--benchmark", "c/d", "--generator", "sceens"], "scenes"),
    ],
)
def test_bad_input_is_a_sentence(run, capsys, options, message):
    assert execute(["push", run, *options]) == 2
    assert message in capsys.readouterr().err
