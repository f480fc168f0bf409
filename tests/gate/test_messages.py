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


def test_a_rate_of_too_few_prompts_cannot_be_decided_and_says_so():
    given = [row("e", "p0", seconds=2.0), row("e", "p1", seconds=2.2)]
    result = gated([{"rate": "seconds_per_exact", "at_most": 5}], given).rules[0]
    assert result.decision == "cannot_decide"
    assert result.reason.endswith("the limit is at most 5, but too few to say: 2 prompts")
