"""The command ``run``: what it prints and how it exits."""

from __future__ import annotations

import json
import socket
import sys
import types

import pytest

from countcheck.cli.main import execute
from countcheck.storage.run_folder import RunFolder


@pytest.fixture
def dead_server(monkeypatch):
    """The address of a port on which nobody listens."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-abcdefgh")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return f"openai:flux?base_url=http://127.0.0.1:{port}/v1&first_wait=0.001&attempts=2"


@pytest.mark.parametrize("limit", [1, 3])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_run_in_which_every_sample_failed_exits_3_and_says_why(dead_server, tmp_path, capsys, limit, as_json):
    arguments = [
        "run",
        "three-little-pigs",
        "-g",
        dead_server,
        "-d",
        "tiny",
        "--limit",
        str(limit),
        "-o",
        str(tmp_path / "run"),
    ]
    assert execute([*arguments, "--json"] if as_json else arguments) == 3
    out, err = capsys.readouterr()
    assert "Connection refused" in err
    assert ("all 3 samples" in err) == (limit == 3)
    if as_json:
        assert next(iter(json.loads(out)["generators"].values()))["counts"]["failures"] == limit


def test_a_run_in_which_one_sample_did_not_fail_exits_0(tmp_path, capsys):
    assert execute(["run", "demo", "-g", "scenes?size=64", "--limit", "1", "-o", str(tmp_path / "run")]) == 0


def test_workers_are_rays(tmp_path, capsys, monkeypatch):
    command = ["run", "demo", "-g", "scenes?size=64", "--limit", "1", "-o", str(tmp_path / "run"), "--workers", "3"]
    assert execute(command) == 2
    assert "Add --engine ray" in capsys.readouterr().err
    given = {}

    def run_on_ray(config, counter, **options):
        from countcheck.counting.counter import load_counter
        from countcheck.engine.run import run

        given.update(options)
        return run(config, load_counter(counter))

    ray = types.ModuleType("countcheck.engine.ray")
    ray.run_on_ray = run_on_ray
    monkeypatch.setitem(sys.modules, "countcheck.engine.ray", ray)
    assert execute([*command, "--engine", "ray"]) == 0
    assert (given["workers"].lowest, given["workers"].highest) == (3, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "2"], "Add --engine ray"),
        (["--gpus-per-worker", "2"], "Add --engine ray"),
        (["--engine", "ray", "--device", "cpu"], "Leave one out"),
        (["--engine", "ray", "--workers", "8-2"], "Write N, or MIN-MAX"),
        (["--device", "cuda:97"], "device is 'cuda:97', and this machine has"),
        (["--pictures", "bucket/pigs"], "is no URL. Write s3://"),
        (["--pictures", "nothing://bucket/pigs"], "nothing:// is not known"),
        (["--pictures", "sftp://ann:secret@host/pigs"], "holds a password"),
        (["--image-format", "gif"], "Known: jpeg-95, png, webp-lossless"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_a_sentence(tmp_path, capsys, options, said):
    path = tmp_path / "run"
    assert (
        execute(["run", "demo", "-g", "scenes?size=64", "-d", "tiny", "--limit", "1", "-o", str(path), *options]) == 2
    )
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (path / "run.sqlite").exists()


def test_pictures_may_lie_elsewhere_and_in_another_format(tmp_path, capsys):
    url = f"file://{tmp_path}/bucket"
    command = ["run", "demo", "-g", "scenes?size=64", "-d", "tiny", "--limit", "2", "--pictures", url]
    assert execute([*command, "--image-format", "webp-lossless", "-o", str(tmp_path / "run")]) == 0
    assert len(list((tmp_path / "bucket/images").rglob("*.webp"))) == 2
    assert not list((tmp_path / "run/images").rglob("*.webp"))
    assert execute(["doctor", str(tmp_path / "run")]) == 0
    assert execute(["report", str(tmp_path / "run")]) == 0
    assert "data:image/webp" in (tmp_path / "run/report.html").read_text()
    capsys.readouterr()
    assert execute([*command, "-o", str(tmp_path / "run")]) == 2
    assert "another image format (webp-lossless, now png)" in " ".join(capsys.readouterr().err.split())
    assert execute([*command, "-o", str(tmp_path / "other"), "--image-format", "webp-lossless"]) == 2
    assert "holds a picture of this run's samples already" in " ".join(capsys.readouterr().err.split())


def test_what_happens_to_cut_prompts_is_chosen_by_name(tmp_path, capsys):
    command = ["run", "demo", "-g", "scenes?size=64", "--limit", "1", "-o", str(tmp_path / "run"), "-d", "tiny"]
    assert execute([*command, "--truncated", "drop"]) == 2
    assert "--truncated 'drop' is not known. Give leave-out or judge" in capsys.readouterr().err
    for choice in ("judge", "leave-out"):
        assert execute([*command, "--truncated", choice]) == 0
        with RunFolder.open(tmp_path / "run") as run:
            assert run.judges_truncated == (choice == "judge")


def planned(capsys, *specs):
    arguments = [part for spec in specs for part in ("-g", spec)]
    assert execute(["run", "three-little-pigs", *arguments, "--limit", "10", "--dry-run", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["generators"]


def test_a_dry_run_shows_least_and_most(capsys):
    flat, formula, unknown, local = planned(
        capsys, "grok-imagine", "gpt-image-2", "huggingface-flux-dev", "scenes?size=64"
    )
    assert (flat["price"], flat["cost"]) == (0.02, 0.2)
    assert flat["cost_range"] == [0.2, 0.2]
    assert formula["price"] is None and formula["priced"] and formula["price_source"]
    low, high = formula["cost_range"]
    assert 0.5 <= low < high <= 0.7
    assert unknown["cost_range"] is None
    assert unknown["why"].startswith("unknown: whichever provider the hub chooses sets its own price (taken as at most")
    assert local["why"] == "free: made on this machine"


def test_a_dry_run_never_says_unknown_without_a_reason(capsys):
    assert execute(["run", "three-little-pigs", "-g", "openai:some-model", "--limit", "1", "--dry-run"]) == 0
    assert "the card states" in " ".join(capsys.readouterr().out.split())


def dry_run(capsys, *arguments):
    code = execute(["run", "counting", "--limit", "1", "--dry-run", *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_a_dry_run_names_the_replacement_of_an_ended_model(capsys, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-12-02")
    code, out, err = dry_run(capsys, "-g", "gpt-image-1-mini")
    assert code == 2
    assert "gpt-image-1-mini" in out
    assert "its end was announced for 2026-12-01. Use gpt-image-2.6-flare, or add ends=none" in err


def test_a_dry_run_warns_of_an_end_that_is_near(capsys, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-11-30")
    code, out, err = dry_run(capsys, "-g", "gpt-image-1-mini", "--json")
    (line,) = json.loads(out)["generators"]
    assert (code, line["ends"], line["replaced_by"]) == (0, "2026-12-01", "gpt-image-2.6-flare")
    assert "gpt-image-1-mini ends 2026-12-01, in 1 day; use gpt-image-2.6-flare" in err


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("openai:gpt-image-1-mini", 2),
        ("gpt-image-1-mini?ends=none", 0),
        ("gpt-image-1-mini?ends=2027-01-01", 0),
        ("openai:gpt-image-1-mini?base_url=http://127.0.0.1:9/v1", 0),
        ("gpt-image-2.6-flare", 0),
        ("gpt-image-1-mini?ends=soon", 2),
    ],
)
def test_an_end_holds_for_the_model_at_its_own_service_unless_it_is_moved(capsys, monkeypatch, spec, code):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-12-02")
    assert dry_run(capsys, "-g", spec)[0] == code
