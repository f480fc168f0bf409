"""What a refusal names, and of what it speaks, by the first source that tells."""

from __future__ import annotations

import pytest

from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.codes import Meaning, Sense
from countcheck.generators.refusals.evidence import evidence_of
from countcheck.generators.refusals.reading import refusal
from countcheck.generators.remote.reply import Reply


def named(message="", categories=(), meaning=None, stage=Stage.UNKNOWN):
    reply = Reply(error=True, message=message, categories=categories, stage=stage)
    reading = refusal(evidence_of(reply, None, {}, ""), meaning, "", by="code")
    return str(reading.reason), reading.category, str(reading.stage)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"categories": ("violence", "other"), "message": "nudity"}, ("stated", "violence", "unknown")),
        ({"categories": ("other",), "message": "It shows nudity."}, ("stated", "sexual", "unknown")),
        ({"meaning": Meaning(Sense.REFUSED, "copyright"), "message": "nudity"}, ("stated", "copyright", "unknown")),
        ({"message": "safety_violations=[violence, hate]"}, ("stated", "violence, hate", "unknown")),
        ({"message": "Support codes: 61493863"}, ("stated", "violence", "prompt")),
        ({"message": "Support codes: 42876398"}, ("unexplained", "", "prompt")),
        ({"message": "Blocked by our safety system."}, ("unexplained", "", "unknown")),
        ({"message": "I am a text model."}, ("capability", "capability", "unknown")),
        ({"message": "Your prompt was blocked.", "stage": Stage.PICTURE}, ("unexplained", "", "picture")),
        ({"message": "Your prompt was blocked."}, ("unexplained", "", "prompt")),
        ({"message": "The generated image was withheld."}, ("unexplained", "", "picture")),
    ],
)
def test_the_first_source_that_names_something_counts(given, wanted):
    assert named(**given) == wanted
