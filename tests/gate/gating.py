"""Runs and policies made up for tests of the gate."""

import random

from verdict_rows import row, run_info

from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run
from countcheck.gate.policy import policy_from


def policy(*rules, **more):
    return policy_from({"rules": list(rules), **more})


def drawn(rate, seed, n=400, repeats=1, **fields):
    toss = random.Random(seed)
    return [
        row("e" if toss.random() < rate else "u", f"p{i}", k, asked=i % 4 + 1, tags={"style": ["plain", "noir"][i % 2]})
        for i in range(n)
        for k in range(repeats)
    ]


def gated(rules, given, baseline=None, **changes):
    evidence = evidence_of_run(given, run_info(**changes))
    return decide_gate(
        policy(*rules), evidence, None if baseline is None else evidence_of_run(baseline, run_info(**changes))
    )


LOSS = {"rate": "exact_rate", "no_worse_by": 0.05}
