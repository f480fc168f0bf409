"""``list`` of generators, counters and suites."""

import json

import pytest

from countcheck.cli.main import execute


def listed(capsys, *arguments):
    assert execute(["list", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("what", "name"), [("generators", "tiny"), ("counters", "owlv2"), ("suites", "demo")])
def test_each_kind_is_listed_as_table_and_json(capsys, what, name):
    assert name in {row["name"] for row in listed(capsys, what)}
    assert execute(["list", what]) == 0
    assert name in capsys.readouterr().out


def test_generators_are_filtered_by_family_and_by_where_they_run(capsys):
    assert {row["family"] for row in listed(capsys, "generators", "--family", "diffusers")} == {"diffusers"}
    services = {row["name"] for row in listed(capsys, "generators", "--kind", "service")}
    local = {row["name"] for row in listed(capsys, "generators", "--kind", "local")}
    assert "openai" in services and "tiny" in local
    assert services.isdisjoint(local)
    assert services | local == {row["name"] for row in listed(capsys, "generators")}


def test_plain_is_one_line_each(capsys):
    rows = listed(capsys, "counters")
    assert execute(["list", "counters", "--plain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [row["name"] for row in rows]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("generators", "--family", "difusers"), "Did you mean 'diffusers'"),
        (("suites", "--family", "x"), "suites have no family"),
        (("counters", "--kind", "local"), "counters have no kind"),
    ],
)
def test_a_filter_that_fits_nothing_is_refused(capsys, arguments, message):
    assert execute(["list", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_what_ends_soon_and_what_has_ended_is_marked(capsys, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-11-28")
    rows = {row["name"]: row for row in listed(capsys, "generators")}
    mini = rows["gpt-image-1-mini"]
    assert (mini["ends"], mini["replaced_by"], mini["lifetime"]) == ("2026-12-01", "gpt-image-2.6-flare", "ending")
    assert (rows["imagen-4"]["lifetime"], rows["gpt-image-2.6-flare"]["lifetime"]) == ("ended", "served")
    assert execute(["list", "generators"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "! ends 2026-12-01, in 3 days; use gpt-image-2.6-flare" in out
    assert "! ended 2026-08-17; use gemini-nano-banana-2.1" in out


def test_nothing_is_marked_long_before_its_end(capsys, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-10-01")
    assert {row["name"]: row for row in listed(capsys, "generators")}["gpt-image-1-mini"]["lifetime"] == "served"
    assert execute(["list", "generators", "--plain"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("gpt-image-1-mini\t"))
    assert "\tends 2026-12-01; use gpt-image-2.6-flare\t" in line


def test_a_day_that_is_none_is_refused(capsys, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "tomorrow")
    assert execute(["list", "generators"]) == 2
    assert "COUNTCHECK_TODAY is 'tomorrow'. Give a date such as 2026-12-02." in capsys.readouterr().err


def test_what_ends_can_be_listed_alone(capsys, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-11-28")
    assert execute(["list", "generators", "--ends", "--json"]) == 0
    ending = json.loads(capsys.readouterr().out)
    assert {"gpt-image-1-mini", "bedrock-nova-canvas"} <= {row["name"] for row in ending}
    assert {row["lifetime"] for row in ending} == {"ending", "ended"}
    assert execute(["list", "counters", "--ends"]) == 2
    assert "have no end" in capsys.readouterr().err
