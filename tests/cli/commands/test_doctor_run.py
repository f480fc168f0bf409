from __future__ import annotations

import json

import pytest
from stored_runs import write_run

from countcheck.cli.main import execute


@pytest.fixture
def finished(tmp_path):
    write_run(tmp_path / "run").close()
    return tmp_path / "run"


def test_a_whole_run_exits_0(finished, capsys):
    assert execute(["doctor", str(finished)]) == 0
    assert "is whole: 2 pictures, their digests compared" in capsys.readouterr().out


def test_a_replaced_picture_exits_2_and_is_named(finished, capsys):
    picture = next((finished / "images").rglob("*.png"))
    picture.write_bytes(picture.read_bytes()[:-1])
    assert execute(["doctor", str(finished), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["healthy"], found["changed"]) == (False, [picture.relative_to(finished).as_posix()])
    assert execute(["doctor", str(finished)]) == 2
    assert "not the picture that was made" in capsys.readouterr().out


def test_summary_says_that_pictures_are_gone_or_changed(finished, capsys):
    first, second = (finished / "images").rglob("*.png")
    first.unlink()
    second.write_bytes(b"another")
    assert execute(["summary", str(finished), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["generators"]["g"]["counts"]["pictures"] == 2
    assert "1 picture file is gone and 1 is not the picture that was made" in told.err


@pytest.mark.parametrize("arguments", [["doctor", "nowhere"], ["doctor", "--repair"]])
def test_what_is_no_run_exits_2(arguments, capsys):
    assert execute(arguments) == 2
    assert capsys.readouterr().err
