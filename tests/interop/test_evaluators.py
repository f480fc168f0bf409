"""Scorers for Weave and MLflow; the real packages are run by ``benchmarks/bridges/evaluators_run.py``."""

from __future__ import annotations

import base64
import sys
from types import SimpleNamespace

import pytest

from countcheck.errors import MissingExtra
from countcheck.images.decode import encode_png
from countcheck.interop.evaluators import mlflow_scorer, weave_scorer
from countcheck.scenes import compose, render


def drawn(n):
    return render(compose({"pig": n}, seed=1))


def address(n):
    return "data:image/png;base64," + base64.b64encode(encode_png(drawn(n))).decode()


def test_weave_gets_score_verdict_and_reason():
    grade = weave_scorer()
    assert grade(output=address(3), prompt="three pigs")["score"] == 1.0
    assert grade(output=drawn(4), targets={"pig": 3}) == {
        "score": 0.0,
        "exact": False,
        "reason": "asked for exactly 3 pig, counted 4 pig",
    }
    assert weave_scorer(kind="dense")(output=drawn(4), prompt="three pigs")["score"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("output", "prompt", "words"),
    [
        ("I can't draw that.", "three pigs", "holds no image"),
        (drawn(3), "a hill", ""),
        (b"no image", "three pigs", "damaged"),
    ],
)
def test_nothing_to_say_is_none_and_never_zero(output, prompt, words):
    graded = weave_scorer()(output=output, prompt=prompt)
    assert graded["score"] is None and graded["exact"] is None and words in graded["reason"]


@pytest.fixture
def mlflow(monkeypatch):
    record = lambda **fields: SimpleNamespace(**{"value": None, "error": None, **fields})  # noqa: E731
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mlflow.entities", SimpleNamespace(Feedback=record, AssessmentError=record))
    monkeypatch.setitem(sys.modules, "mlflow.genai", SimpleNamespace())
    scorers = SimpleNamespace(scorer=lambda function, name: function)
    monkeypatch.setitem(sys.modules, "mlflow.genai.scorers", scorers)


def test_mlflow_gets_a_feedback_with_its_reason(mlflow):
    grade = mlflow_scorer()
    assert grade({"prompt": "three pigs"}, address(3)).value == 1.0
    wrong = grade({"prompt": "ignored"}, address(4), {"targets": {"pig": 3}})
    assert (wrong.value, wrong.rationale) == (0.0, "asked for exactly 3 pig, counted 4 pig")
    unscored = grade({"prompt": "three pigs"}, "no image here")
    assert unscored.value is None and "holds no image" in unscored.error.error_message


def test_without_mlflow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow.entities", None)
    with pytest.raises(MissingExtra, match="mlflow"):
        mlflow_scorer()
