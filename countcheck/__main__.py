"""``python -m countcheck``."""

from countcheck.cli import main

main()
