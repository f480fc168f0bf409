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
