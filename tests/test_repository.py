"""The files around the program: workflows, containers, hooks, forms, citation, model cards."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from countcheck.cli.main import execute
from countcheck.version import __version__

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
DOCKERFILES = sorted((ROOT / "docker").iterdir())


def read(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_pinned_and_may_only_read(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)
    assert all("${{" not in step.get("run", "") for step in steps), "input reaches a script as a variable alone"


def test_the_workflows_call_targets_that_the_makefile_has():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    for path in WORKFLOWS:
        for target in re.findall(r"run: make (\w+)", path.read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.M), target


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile: name and the rest, lines joined."""
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_keeps_the_rules(path):
    told = instructions(path)
    names = [name for name, _ in told]
    assert set(names) <= {"FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD", "ARG", "LABEL"}
    for name, rest in told:
        if name == "FROM":
            image = rest.split()[0]
            assert ":" in image and not image.endswith(":latest"), "a base image has a version"
        if name in ("ENTRYPOINT", "CMD"):
            assert rest.startswith("["), "signals reach the program only in the form of a list"
        if name == "RUN" and "apt-get install" in rest:
            assert "--no-install-recommends" in rest and "rm -rf /var/lib/apt/lists/*" in rest
            assert rest.startswith("apt-get update")
        if name == "RUN" and "pip install" in rest:
            assert "--no-cache-dir" in rest and "--constraint" in rest
        assert "sudo" not in rest and name != "ADD"
    assert names.count("FROM") == 2, "the compiler's leftovers stay in the first stage"
    last = names[len(names) - names[::-1].index("FROM") :]
    assert "USER" in last and last.index("USER") < last.index("ENTRYPOINT"), "nothing runs as root"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_installs_extras_that_exist(path):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (wanted,) = re.findall(r"/source\[([\w,]+)\]", path.read_text())
    assert set(wanted.split(",")) <= set(extras)


def test_the_context_of_the_containers_has_what_the_package_is_built_from():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {"countcheck", "models", "prompts", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"} <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_hook_for_suites_accepts_good_ones_and_refuses_bad_ones(tmp_path, capsys):
    (hook,) = read(ROOT / ".pre-commit-hooks.yaml")
    assert hook["language"] == "python" and re.search(hook["files"], "suites/farm.yaml")
    command = shlex.split(hook["entry"])
    assert command.pop(0) == "countcheck"
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("name: good\nprompts:\n  - {text: three pigs, targets: {pig: 3}}\n")
    bad.write_text("name: bad\nprompts:\n  - {text: three pigs, target: {pig: 3}}\n")
    assert execute([*command, str(good)]) == 0
    assert execute([*command, str(good), str(bad)]) == 2
    assert "bad.yaml" in capsys.readouterr().err


def test_the_hooks_of_this_repository_call_what_is_there():
    for hook in read(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]:
        words = shlex.split(hook["entry"])
        assert words[0].startswith(".venv/bin/")
        assert all((ROOT / word).exists() for word in words if word.endswith(".py"))


@pytest.mark.parametrize("path", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.name)
def test_an_issue_form_is_one_that_github_takes(path):
    form = read(path)
    assert form["name"] and form["description"] and form["body"]
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    for part in form["body"]:
        assert part["type"] in ("input", "textarea", "dropdown", "checkboxes", "markdown")
        assert part["attributes"]["label"]
        assert set(part) <= {"type", "id", "attributes", "validations"}


def test_the_citation_names_this_version():
    citation = read(ROOT / "CITATION.cff")
    assert citation["version"] == __version__
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)


def test_the_changelog_has_a_section_for_this_version():
    sections = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert sections[0] == __version__
    assert sections == sorted(sections, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


@pytest.mark.parametrize("name", ["tiny-painter", "tiny-counter"])
def test_a_model_card_begins_with_what_a_hub_reads(name):
    text = (ROOT / "models" / name / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(re.match(r"---\n(.*?)---\n", text, re.S)[1])
    assert front["license"] == "apache-2.0"
    assert {"library_name", "pipeline_tag", "tags"} <= set(front)
