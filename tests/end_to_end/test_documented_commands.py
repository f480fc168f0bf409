"""Every fenced command of the documentation runs as it is written, and bash and zsh understand it alike.

What needs weights, a GPU or a server is carried out by a stand-in: the scenes for other generators, the shipped counter
for other counters, a server on the loopback for the addresses of serving engines; and a run makes a few pictures. A gate's
verdict on stand-ins says nothing, so its exit code is not looked at, as long as it is a verdict.
"""

from __future__ import annotations

import base64
import csv
import json
import re
import shutil
import socket
from pathlib import Path

import pytest
from PIL import Image
from scripted import Says, serve
from shells import Sandbox

from countcheck import open_run
from countcheck.counting.self_test import run_self_test
from countcheck.engine import counter_check
from countcheck.images.decode import encode_png
from countcheck.scenes import compose, render

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```bash\n(.*?)^```", re.M | re.S)
LIMIT = {"label-and-calibrate.md": 32}
PORTS = (8091, 8092)


def blocks(page: Path) -> list[str]:
    return FENCE.findall(page.read_text(encoding="utf-8"))


WITH_COMMANDS = [page for page in PAGES if blocks(page)]


def stand_in(arguments: list[str], limit: int) -> list[str]:
    """The arguments that are carried out for those that are written."""
    done = []
    other_counter = any(re.match("owlv2|mask2former", word) for word in arguments)
    for before, word in zip(["", *arguments], arguments, strict=False):
        if before == "-d" and re.match("owlv2|mask2former", word):
            done.append("tiny")
        elif before == "-g" and (found := re.match(r"(?:([\w-]+)=)?(sdxl-turbo|flux|diffusers:)", word)):
            done.append(f"{found[1] + '=' if found[1] else ''}scenes?error_rate=0.2")
        elif arguments[0] == "run" and other_counter and word == "counting":
            done.append("demo")  # the shipped counter does not know what that asks for
        else:
            done.append(word)
    if arguments[0] == "run" and not {"--limit", "--shard", "--dry-run"} & set(arguments):
        done += ["--limit", str(limit)]
    return done


def shown(arguments: list[str], code: int) -> int:
    return 0 if arguments[0] == "gate" and code in (1, 3) else code


@pytest.fixture(autouse=True)
def tested_once(monkeypatch):
    """The counter's self-test takes longer than all the rest of a short run: the same one is made once."""

    def cached(counter, **asked):
        key = repr((counter.name, counter.rule, sorted(map(repr, asked.items()))))
        if key not in SELF_TESTS:
            SELF_TESTS[key] = run_self_test(counter, **asked)
        return SELF_TESTS[key]

    monkeypatch.setattr(counter_check, "run_self_test", cached)


@pytest.fixture
def engines(monkeypatch):
    """A server that draws three or four pigs, reached at the documented ports."""
    pictures = [base64.b64encode(encode_png(render(compose({"pig": n}, seed=n)))).decode() for n in (3, 4, 3)]

    def draw(asked, count):
        return Says({"created": 1, "data": [{"b64_json": pictures[count % 3]}]})

    connect = socket.create_connection
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-sent-anywhere")
    with serve(draw) as server:
        own = int(server.url.rpartition(":")[2])

        def redirected(address, *rest, **options):
            return connect((address[0], own if address[1] in PORTS else address[1]), *rest, **options)

        monkeypatch.setattr(socket, "create_connection", redirected)
        yield server


def geneval_files(folder: Path) -> None:
    """GenEval's prompt file, and its tree of pictures."""
    entries = [
        {"tag": "counting", "include": [{"class": noun, "count": n}], "exclude": [{"class": noun, "count": n + 1}],
         "prompt": f"a photo of {n} {noun}s"}
        for noun, n in (("cat", 2), ("dog", 3), ("car", 2))
    ]  # fmt: skip
    (folder / "evaluation_metadata.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for place, entry in enumerate(entries):
        samples = folder / "geneval_outputs" / f"{place:05}" / "samples"
        samples.mkdir(parents=True)
        (samples.parent / "metadata.jsonl").write_text(json.dumps(entry))
        (thing,) = entry["include"]
        for seed in range(2):
            scene = render(compose({thing["class"]: thing["count"]}, seed=seed))
            Image.fromarray(scene).save(samples / f"{seed:04}.png")


def label_all(folder: Path) -> None:
    """What a person does with the exported table: write down what the pictures show, here as the counter saw it."""
    path, run = folder / "labels.csv", open_run(folder / "runs/labelled")
    counted = {row.key: row.counted for row in run.rows()}
    run.close()
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["count"], row["labeller"] = str(counted[row["key"]][row["noun"]]), "ann"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


SELF_TESTS = {}
BEFORE = {("geneval.md", 0): geneval_files, ("label-and-calibrate.md", 2): label_all}
NEEDS_A_RUN = {"ci.md": ["runs/released"]}


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    """A run that pages speak of without making it."""
    from countcheck.cli.main import execute

    path = tmp_path_factory.mktemp("made") / "run"
    assert execute(["run", "demo", "-g", "scenes", "-d", "tiny", "--limit", "4", "-o", str(path), "-q"]) == 0
    return path


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_every_fenced_command_runs_as_written_in_bash_and_zsh(page, tmp_path, engines, a_run):
    limit = LIMIT.get(page.name, 6)
    for place in NEEDS_A_RUN.get(page.name, ()):
        shutil.copytree(a_run, tmp_path / place)
    with Sandbox(tmp_path, lambda arguments: stand_in(arguments, limit), shown) as sandbox:
        for place, script in enumerate(blocks(page)):
            if prepare := BEFORE.get((page.name, place)):
                prepare(tmp_path)
            sandbox.calls = []
            done = sandbox.run(script)
            assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
            assert sandbox.arguments(script, "bash") == sandbox.calls
            assert sandbox.arguments(script, "zsh") == sandbox.calls
    assert "Traceback" not in sandbox.said
    if page.name == "README.md":
        assert (tmp_path / "runs/report.html").stat().st_size > 100_000


def test_no_fenced_command_has_a_comment_behind_it():
    """An interactive zsh takes it for arguments."""
    commented = [
        f"{page.name}: {line}"
        for page in WITH_COMMANDS
        for script in blocks(page)
        for line in re.sub(r"<<'(\w+)'\n.*?^\1$", "", script, flags=re.M | re.S).splitlines()
        if re.search(r"(^|\s)#", line)
    ]
    assert commented == []
