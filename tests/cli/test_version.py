from countcheck import __version__
from countcheck.cli import execute


def test_tells_the_version_that_is_installed(capsys):
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out == f"countcheck {__version__}\n"
