"""The metric over batches and processes."""

from __future__ import annotations

import multiprocessing
import os
import socket

import pytest

import countcheck as cc
from countcheck.errors import BadInput


def test_two_batches_give_the_rates_of_all_their_images(drawn):
    images = [drawn(pig=n, seed=s) for s, n in enumerate((3, 3, 2, 4))]
    prompts = ["three pigs", "three pigs, noir", "three pigs", "three pigs in rain"]
    parts, whole = cc.CountMetric("tiny"), cc.CountMetric("tiny")
    parts.update(images[:1], prompts[:1])
    parts.update(images[1:], prompts[1:])
    whole.update(images, prompts)
    assert parts.compute() == whole.compute()
    rates = parts.compute()
    assert rates["exact_rate"].value == 0.5
    assert rates["exact_rate"].clusters == 3
    assert rates["over_rate"].value == rates["under_rate"].value == 0.25


def test_refusals_stay_in_the_denominator_and_damage_does_not(drawn):
    metric = cc.CountMetric("tiny")
    metric.update([drawn(pig=3), b"no picture"], ["three pigs", "two pigs"])
    metric.update_refused(["four pigs"], reason="silent")
    rates = metric.compute()
    assert rates["exact_rate"].value == 0.5
    assert rates["refusal_rate"].value == 0.5
    assert rates["failure_rate"].value == pytest.approx(1 / 3)


def test_reset_forgets_and_merge_adds(drawn):
    one, other = cc.CountMetric("tiny"), cc.CountMetric("tiny")
    one.update(drawn(pig=3), "three pigs")
    other.update(drawn(pig=2), "three pigs, noir")
    assert one.merge(other).compute()["exact_rate"].value == 0.5
    one.reset()
    assert one.compute() == {}


def test_the_level_is_checked():
    with pytest.raises(BadInput, match=r"1\.5"):
        cc.CountMetric("tiny", level=1.5)


def _part(rank: int, port: int, results) -> None:
    import torch.distributed as dist

    from countcheck.scenes import compose, render

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=2)
    metric = cc.CountMetric("tiny")
    metric.update(render(compose({"pig": 3 + rank}, seed=1)), f"three pigs {'in rain' if rank else ''}".strip())
    results.put((rank, {name: rate.value for name, rate in metric.compute().items()}))
    dist.destroy_process_group()


def test_processes_share_what_they_have_seen():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_part, args=(rank, port, results)) for rank in (0, 1)]
    for worker in workers:
        worker.start()
    seen = dict(results.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join(timeout=30)
    assert seen[0] == seen[1]
    assert seen[0]["exact_rate"] == 0.5
