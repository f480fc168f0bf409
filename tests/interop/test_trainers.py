"""Reward functions in trainers' signatures."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from countcheck.interop.trainers import trl_reward, validate, verl_compute_score
from countcheck.scenes import compose, render


def drawn(n, seed=1):
    return render(compose({"pig": n}, seed=seed))


def test_trl_gets_a_reward_for_every_completion():
    fn = trl_reward(kind="strict")
    chat = [{"role": "user", "content": [{"type": "text", "text": "three pigs"}, {"type": "image"}]}]
    assert fn(["three pigs", chat], [drawn(3), drawn(2)]) == [1.0, 0.0]
    assert fn(["a", "b"], ["", ""], image=[drawn(3), b"x"], targets=[{"pig": 3}, {"pig": 1}]) == [1.0, None]


def test_verl_gets_a_score():
    compute_score = verl_compute_score()
    picture = torch.from_numpy(drawn(4)).permute(2, 0, 1).float() / 255
    assert compute_score(picture, "three pigs", {"data_source": "x"}) == {"score": pytest.approx(2 / 3)}
    assert math.isnan(compute_score(picture, "a hill")["score"])


def test_a_pipeline_is_validated_on_the_same_seeds():
    seeds = []

    def pipeline(*, prompt, generator, num_inference_steps):
        seeds.append(generator.initial_seed())
        assert num_inference_steps == 2
        return SimpleNamespace(images=[drawn(3)])

    rates = validate(pipeline, ["three pigs", "two pigs"], seed=7, num_inference_steps=2)
    assert rates["exact_rate"].value == 0.5
    assert seeds == [7, 8]
