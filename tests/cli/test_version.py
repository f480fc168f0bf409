from countcheck import __version__
from countcheck.cli.main import execute


def test_tells_the_version_that_is_installed(capsys):
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out == f"countcheck {__version__}\n"


def test_ctrl_c_says_how_to_go_on(capsys, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("countcheck.suites.catalog.shipped_suites", interrupted)
    assert execute(["suite", "show", "demo"]) == 130
    assert "interrupted. The same command goes on" in capsys.readouterr().err
