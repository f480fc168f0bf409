from __future__ import annotations

import errno
import html
import os
import re
import signal

import pytest
from made_up import a_run, a_suite

from countcheck.errors import DiskFull
from countcheck.reports.html.page import write_html
from countcheck.reports.html.tables import trend_chart
from countcheck.reports.report import read_report
from countcheck.reports.sections import trends
from countcheck.storage.run_info import GeneratorInfo

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\x07{{ 7*7 }}" + "long" * 2500


@pytest.fixture(scope="module")
def page(two_runs, tmp_path_factory):
    target = tmp_path_factory.mktemp("page") / "report.html"
    return write_html(read_report(two_runs), two_runs, target).read_text(encoding="utf-8")


def test_the_page_asks_the_network_for_nothing(page):
    assert re.search(r"""(?:src|href)=["'](?!data:|#)""", page) is None
    assert "default-src 'none'" in html.unescape(page)
    assert "unsafe" not in page.split("</head>")[0].split("<style>")[0]


def test_every_model_and_its_rates_are_there(page):
    for label in ("alpha", "beta · one", "beta · two", "gamma"):
        assert label in page
    assert page.count("<svg") > 16


def test_pictures_and_their_boxes_are_inside(page):
    assert "data:image/" in page
    assert '<svg class="boxes"' in page


def test_hostile_words_stay_words(tmp_path):
    suite = a_suite(8, 1, hostile=HOSTILE)
    with a_run(tmp_path / "run", suite=suite, generators=((f"bad{HOSTILE[:40]}", 0.5, 0.3),), words=HOSTILE) as run:
        text = write_html(read_report([run]), [run], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "\u202e" not in text


def test_checkpoints_are_a_line_over_the_step_with_their_intervals_as_a_band(tmp_path):
    generators = (("late", 0.9, 0.0), ("early", 0.2, 0.0), ("other", 0.5, 0.0))
    with a_run(tmp_path / "run", suite=a_suite(8), generators=generators) as run:
        report = read_report([run])
        assert trends(report) == []
        run.record_generators({n: GeneratorInfo(settings={"step": s}) for n, s in (("late", 1500), ("early", 500))})
        report = read_report([run])
        text = write_html(report, [run], tmp_path / "r.html").read_text(encoding="utf-8")
    (trend,) = trends(report)
    assert [(step, report.models[model].generator) for step, model, _ in trend.points] == [
        (500, "early"),
        (1500, "late"),
    ]
    section = text.partition('<section id="trend"')[2].partition("</section>")[0]
    assert '<a href="#trend">' in text
    assert section.count('class="band"') == 1
    assert "training step" in section and "1,500" in section
    for _, _, estimate in trend.points:
        assert f"{100 * estimate['low']:.0f} to {100 * estimate['high']:.0f}" in section


def test_of_many_checkpoints_neighbours_are_one_point_and_the_numbers_are_all_there(tmp_path, monkeypatch):
    monkeypatch.setattr("countcheck.reports.html.tables.MAX_STEPS", 2)
    monkeypatch.setattr("countcheck.reports.html.page.MANY", 2)
    generators = [(f"step-{n}", 0.5, 0.0) for n in range(5)]
    with a_run(tmp_path / "run", suite=a_suite(8), generators=generators, pictures=False) as run:
        run.record_generators({name: GeneratorInfo(settings={"step": n}) for n, (name, *_) in enumerate(generators)})
        report = read_report([run])
        chart = trend_chart(report)
        text = write_html(report, [run], tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.count("<summary>3 more</summary>") == 3  # sentences, outcomes and matrices
    assert "The first 2 of 5 models" in text
    assert chart["joined"] == 3
    assert [step for _, step, *_ in chart["lines"]] == [0, 1, 2, 3, 4]
    (line,) = re.findall(r'<polyline points="([^"]*)"', chart["chart"])
    assert len(line.split()) == 2


@pytest.fixture
def few(tmp_path, monkeypatch):
    """A small run whose rows lie beside its page, a few to a file."""
    monkeypatch.setattr("countcheck.reports.html.page.MAX_ROWS_INSIDE", 5)
    monkeypatch.setattr("countcheck.reports.html.packed_rows.ROWS_BESIDE", 7)
    with a_run(tmp_path / "run", suite=a_suite(6, 0), generators=(("solo", 0.5, 0.2),), pictures=False) as run:
        yield run


def test_rows_beside_a_page_appear_whole_and_replace_the_older_ones(few, tmp_path, monkeypatch):
    target, folder = tmp_path / "r.html", tmp_path / "r_rows"
    report = read_report([few])
    write_html(report, [few], target)
    (first,) = folder.iterdir()
    (folder / "mine.txt").write_text("")
    monkeypatch.setattr("countcheck.reports.html.packed_rows.ROWS_BESIDE", 9)
    write_html(report, [few], target)
    (other,) = (path for path in folder.iterdir() if path.is_dir())
    assert other != first and f"r_rows/{other.name}" in target.read_text(encoding="utf-8")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "no room")

    before = target.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("countcheck.reports.html.packed_rows._deflated", full)
        with pytest.raises(DiskFull):
            write_html(report, [few], target)
    assert target.read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {other.name, "mine.txt"}
    monkeypatch.setattr("countcheck.reports.html.page.MAX_ROWS_INSIDE", 1000)
    write_html(report, [few], target)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_several_processes_pack_the_same_rows_as_one(few, tmp_path, monkeypatch):
    report, names = read_report([few]), []
    for processes in (1, 2):
        monkeypatch.setattr("countcheck.reports.html.page.spare_processes", lambda _, n=processes: n)
        write_html(report, [few], tmp_path / "r.html")
        names.append(sorted(path.relative_to(tmp_path) for path in (tmp_path / "r_rows").rglob("*.js")))
    assert names[0] == names[1] and len(names[0]) > 3


def _end_this_process(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_packing_process_that_is_killed_leaves_its_work_to_this_one(few, tmp_path, monkeypatch):
    monkeypatch.setattr("countcheck.reports.html.page.spare_processes", lambda _: 2)
    monkeypatch.setattr("countcheck.storage.forked._part", _end_this_process)
    write_html(read_report([few]), [few], tmp_path / "r.html")
    assert len(list((tmp_path / "r_rows").glob("*/detail-*.js"))) > 1


@pytest.mark.parametrize("case", ["no pictures", "all refusals", "one sample", "only conversations", "pictures gone"])
def test_odd_runs_still_make_a_page(tmp_path, case):
    share = (("solo", 1.0, 1.0),) if case == "all refusals" else (("solo", 0.5, 0.0),)
    prompts, talks = {"one sample": (1, 0), "only conversations": (0, 2)}.get(case, (6, 1))
    suite = a_suite(prompts, talks)
    with a_run(tmp_path / "run", suite=suite, generators=share, pictures=case != "no pictures") as run:
        if case == "pictures gone":
            for picture in (run.path / "images").rglob("*.png"):
                picture.unlink()
        text = write_html(read_report([run]), [run], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "solo" in text
    assert ("missing or damaged.</p>" in text) == (case == "pictures gone")
