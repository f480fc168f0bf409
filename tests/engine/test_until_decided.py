"""A run that ends once its gate is decided, and the gate that is asked afterwards."""

from __future__ import annotations

import pytest
import squares

from countcheck.cards import Card
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.gate.decide import decide_gate
from countcheck.gate.early_stop import SequentialGate
from countcheck.gate.evidence import evidence_of_run
from countcheck.gate.policy import policy_from
from countcheck.suites.samples import shuffle_prompts


@pytest.fixture(autouse=True)
def squares_family(monkeypatch):
    monkeypatch.setitem(engine.__dict__, "load_generator", lambda card: squares.SquaresGenerator(card))


def test_a_run_stops_once_its_gate_is_decided_and_the_gate_agrees(tmp_path):
    policy = policy_from({"rules": [{"rate": "exact_rate", "at_least": 0.5}]})
    gate = SequentialGate(policy)
    order = RunConfig(
        suite=squares.suite(*(f"{i % 5 + 1} squares number {i}" for i in range(120))),
        generators=[Card(name="squares", family="squares", settings={})],
        path=tmp_path / "run",
    )
    with engine.run(order, squares.counter(), decide=lambda run: gate.update(run.rows())) as run:
        rows, info = run.rows(), run.info
    made = [row for row in rows if row.outcome != "missing"]
    assert gate.decision == "pass" and info.until_decided == "pass"
    assert 5 <= len(made) < 120
    (generator,) = [engine.load_generator(card) for card in order.generators]
    fair = [s.asked.id for s in shuffle_prompts(engine.plan_generator(order, order.generators[0], generator).samples)]
    assert {row.prompt_id for row in made} == set(fair[: len(made)])
    decision = decide_gate(policy, evidence_of_run(rows, info))
    assert decision.decision == "pass"
    assert "anytime-valid" in decision.rules[0].estimate.method
