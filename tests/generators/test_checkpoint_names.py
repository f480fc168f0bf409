"""Where steps and prompts stand in the paths of samples."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from countcheck.errors import BadSettings
from countcheck.generators.checkpoint_names import StepPattern


def read(path: str, pattern: str = ""):
    name = StepPattern(pattern).read(PurePosixPath(path))
    return None if name is None else (name.step, name.names[:1], name.number, name.repeat)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("checkpoint-500/three_pigs_0.png", (500, ("three pigs",), None, None)),
        ("checkpoint-500/validation/three pigs.webp", (500, ("three pigs",), None, None)),
        ("three pigs-step500.png", (500, ("three pigs",), None, None)),
        ("three_pigs_step_000500_1.jpg", (500, ("three pigs",), None, None)),
        ("500_steps/two cats.png", (500, ("two cats",), None, None)),
        ("epoch_3_step_1500/two cats.png", (1500, ("two cats",), None, None)),
        ("epoch3/two cats.png", (3, ("two cats",), None, None)),
        ("validation_images/step_500_two_cats_1024x1024.png", (500, ("two cats",), None, None)),
        ("000500/3.png", (500, (), 3, None)),
        ("step_500/sample_3.png", (500, ("sample",), 3, None)),
        ("checkpoint-500/00003/samples/0000.png", (500, ("samples",), 3, None)),
        ("my_lora_000500_03_20240131120000.png", (500, (), 3, None)),
        ("my_lora_e000005_03_20240131120000_42.png", (5, (), 3, None)),
        ("1700000000000__000000500_3.jpg", (500, (), 3, None)),
        ("final/three_pigs.png", None),
        ("doorstep/three_pigs.png", None),
    ],
)
def test_usual_names(path, expected):
    assert read(path) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("lora_{step}/{prompt}_{repeat}", "lora_0500/three_pigs_1.png", (500, ("three pigs",), None, 1)),
        ("lora_{step}/{prompt}.png", "lora_0500/three_pigs_1.png", (500, ("three pigs 1",), None, None)),
        ("{place}/{step}.*", "2/40.png", (40, (), 1, None)),
        ("{number} - */*-sample-{step}-*", "0 - a pig/2024-01-01-sample-500-1-0.png", (500, (), 0, None)),
        ("run_{step}", "run_7/three_pigs_0.png", (7, ("three pigs",), None, None)),
        ("g{step}", "three pigs g70.png", (70, ("three pigs",), None, None)),
        ("lora_{step}/{prompt}", "lora_x/three_pigs.png", None),
        ("run_{step}", "other/three_pigs.png", None),
    ],
)
def test_patterns(pattern, path, expected):
    assert read(path, pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{prompt}.png", "has no {step}"),
        ("{step}/{seed}", "has the field {seed}. Known fields: {step}"),
        ("{step}/{step}", "has {step} twice"),
        ("{step}/samples", "does not say where the prompt stands"),
    ],
)
def test_patterns_that_make_no_sense(pattern, message):
    with pytest.raises(BadSettings, match=message.replace("{", r"\{").replace("}", r"\}")):
        StepPattern(pattern)
