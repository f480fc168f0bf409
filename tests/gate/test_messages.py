"""A rule's reason in words."""

import pytest
from verdict_rows import row

from tests.gate.gating import gated


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"at_least": 0.625}, "exact: 74 % [72, 77]; the limit is at least 62.5 %"),
        ({"at_least": 0.7449, "side": "value"}, "exact: 74.5 % [71.7, 77.1]; the limit is at least 74.49 %"),
        ({"at_least": 0.7454, "side": "value"}, "exact: 74 % [72, 77]; the limit is at least 74.54 %"),
    ],
)
def test_a_reason_is_not_rounded_onto_its_limit(rule, said):
    given = [row("e" if i < 745 else "u", f"p{i}") for i in range(1000)]
    assert gated([{"rate": "exact_rate", **rule}], given).rules[0].reason.startswith(said)
