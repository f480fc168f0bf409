"""Checks whether image models draw the number of things they were asked for, and whether they refuse for no reason."""

__version__ = "0.1.0"
