from __future__ import annotations

import numpy as np
import pytest

from countcheck.storage.stored_json import as_stored, to_text


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (frozenset({"b", "a"}), ["a", "b"]),
        ((1, (2, None)), [1, [2, None]]),
        ({"a": {"b": {3}}}, {"a": {"b": [3]}}),
    ],
)
def test_a_value_reads_back_as_the_plain_one_nearest_to_it(value, stored):
    assert as_stored(value) == stored


def test_what_is_unknown_is_its_text():
    assert to_text({"path": object}) == '{"path":"<class \'object\'>"}'
