"""``python -m countcheck``."""

from countcheck.cli.main import main

main()
