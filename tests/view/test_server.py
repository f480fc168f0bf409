from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from countcheck.cli.main import execute
from countcheck.storage.run_folder import RunFolder
from countcheck.view.run_index import RunIndex
from countcheck.view.server import build_app

TOKEN = "t0ken"
BASE = "http://127.0.0.1:8124"
PATHS = ("/", "/asset/view.js", "/asset/view.css", "/runs.json")


@pytest.fixture
def stranger(folder, tmp_path):
    (tmp_path / "reports").mkdir()
    app = build_app(RunIndex(folder), tmp_path / "reports", port=8124, token=TOKEN)
    with TestClient(app, base_url=BASE) as client:
        yield client


@pytest.fixture
def client(stranger):
    stranger.get("/", params={"token": TOKEN})
    return stranger


def ids(client):
    return {run["name"]: run["id"] for run in client.get("/runs.json").json()["runs"]}


@pytest.mark.parametrize("path", PATHS)
def test_nothing_comes_without_the_token_and_everything_with_it(stranger, path):
    assert stranger.get(path).status_code == 403
    assert "countcheck view" in stranger.get(path).json()["error"]
    stranger.get("/", params={"token": TOKEN})
    answer = stranger.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe-inline" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_foreign_page_reads_nothing(client, headers):
    assert client.get("/runs.json", headers=headers).status_code in (403, 421)


def test_the_report_over_two_runs_compares_them(client):
    known = ids(client)
    answer = client.get("/report", params={"run": [known["before"], known["after"]]})
    assert answer.status_code == 200
    assert "alpha · before" in answer.text and "alpha · after" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy and "frame-ancestors 'none'" in policy and "sha256-" in policy
    again = client.get("/report", params={"run": [known["before"], known["after"]]})
    assert again.url == answer.url


def test_the_report_shows_pictures_as_files_too(client, monkeypatch):
    monkeypatch.setattr("countcheck.reports.html.pictures.MAX_INLINE", 3)
    answer = client.get("/report", params={"run": ids(client)["after"]})
    beside = answer.text.count("report_pictures/")
    assert beside
    name = answer.text.partition("report_pictures/")[2].partition('"')[0]
    assert client.get(f"{answer.url.path.rpartition('/')[0]}/report_pictures/{name}").status_code == 200


@pytest.mark.parametrize("runs", [[], ["0" * 16], ["x"] * 9, [str(i) for i in range(9)]])
def test_a_report_over_no_run_or_too_many_is_refused_in_a_sentence(client, runs):
    answer = client.get("/report", params={"run": runs})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_pictures_come_by_key_alone(client, folder):
    known = ids(client)["after"]
    newest = client.get(f"/runs/{known}.json").json()["newest"]
    key, turn = newest[0]["key"], newest[0]["turn"]
    assert client.get(f"/picture/{known}/{key}/{turn}").headers["content-type"] == "image/png"
    assert client.get(f"/thumbnail/{known}/{key}/{turn}").headers["content-type"].startswith("image/")
    with RunFolder.open(folder / "after") as run:
        row = next(row for row in run.rows() if row.key == key)
    (folder / "after" / row.picture).unlink()
    assert client.get(f"/picture/{known}/{key}/{turn}").status_code == 404


@pytest.mark.parametrize("key", ["..%2f..%2frun.sqlite", "run.sqlite", "%2fetc%2fpasswd", "0" * 64])
def test_no_other_file_comes(client, key):
    known = ids(client)["after"]
    for kind in ("picture", "thumbnail"):
        assert client.get(f"/{kind}/{known}/{key}/0").status_code in (400, 404)
    for name in ("..", "..%2f..", "x"):
        assert client.get(f"/reports/{name}/{key}").status_code == 404
    assert client.get("/asset/..%2fserver.py").status_code == 404


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert execute(["view", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_ctrl_c_ends_the_page_and_its_reports(folder, capsys, monkeypatch):
    def stopped(app: object, listening) -> None:
        listening.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("countcheck.web.local_server.serve_app", stopped)
    assert execute(["view", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("http://127.0.0.1:") and "token=" in out
    assert "interrupted" not in err
