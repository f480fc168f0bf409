"""A provider on this machine that answers every fifth prompt with the same picture in place of what was asked."""

from __future__ import annotations

import base64
import json

import pytest
from loopback import Answer, Loopback

import countcheck as cc
from countcheck.cli.main import execute
from countcheck.images.decode import encode_png
from countcheck.scenes import NOUNS, compose, render
from countcheck.suites.suite import Prompt, Suite, Target

PROMPTS = [f"two {noun}s, please" for noun in NOUNS]


def asked() -> Suite:
    prompts = [
        Prompt(id=f"p{k}", text=text, targets=(Target(noun=noun, count=2),))
        for k, (text, noun) in enumerate(zip(PROMPTS, NOUNS, strict=True))
    ]
    return Suite(name="animals", prompts=tuple(prompts))


def picture(counts, seed, style="plain"):
    return base64.b64encode(encode_png(render(compose(counts, style=style, seed=seed), 128))).decode()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    # A cat in the dark: a placeholder that could be somebody's picture, and of one thing that is asked for too.
    placeholder = picture({"cat": 1}, 5, "noir")

    def draw(request):
        k = PROMPTS.index(request.json["prompt"])
        data = placeholder if k % 5 == 0 else picture({NOUNS[k]: 2}, 100 + k)
        return Answer(body={"created": 1, "data": [{"b64_json": data}]})

    path = tmp_path_factory.mktemp("placeholder") / "run"
    with pytest.MonkeyPatch.context() as patch, Loopback() as server:
        patch.setenv("OPENAI_API_KEY", "sk-loopback-abcdefgh")
        server.answers(draw)
        spec = f"openai:gpt-image-2?base_url={server.url}/v1&api=images"
        cc.run(asked(), generators=[spec], counter="tiny", path=path).close()
    return path


def test_it_is_found_and_counted_as_silent(run):
    with cc.open_run(run) as opened:
        rows = opened.rows()
        (summary,) = opened.summary().generators.values()
        (sentence,) = [text for text in opened.summary().warnings if "placeholder" in text]
    silent = {row.prompt_id for row in rows if row.refusal == "silent"}
    assert silent == {f"p{k}" for k in range(0, len(NOUNS), 5)}
    assert summary.counts["refusals"] == len(silent) and summary.reasons == {"silent": len(silent)}
    assert summary.counts["pictures"] == len(NOUNS) - len(silent) and "distinct" not in summary.counts
    assert f"{len(silent)} of {len(NOUNS)} samples" in sentence


def test_it_is_shown_in_the_report(run, tmp_path):
    assert execute(["report", str(run), "-o", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    section = page[page.index('<section id="refusals"') :]
    section = section[: section.index("</section>")]
    assert "Gave a blank, black or withheld picture" in section and "repeated-picture" in section
    assert "<img" in section and "data:image/" in section


def test_the_summary_names_it(run, capsys):
    assert execute(["summary", str(run)]) == 0
    assert "taken for a placeholder" in " ".join(capsys.readouterr().out.split())
    assert execute(["export", str(run)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(line["code"] == "repeated-picture" and bool(line["picture"]) for line in lines) == 4
