"""The contract checks, for authors of generators and detectors and for us: each raises ``AssertionError`` with a sentence."""

from countcheck.testing.detectors import check_detector
from countcheck.testing.generators import check_generator

__all__ = ["check_detector", "check_generator"]
