"""One training, by the clock or by steps: falling rates, a running average, checkpoints, a log."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.train.muon import Muon


class Average:
    """An exponential running average of a network's weights; what is shipped."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.steps = 0

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """Takes a step towards the network; longer ones in the beginning."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)


def fresh_dice(seed: int, work: Path) -> np.random.Generator:
    """Random numbers for the samples of a training in `work`.

    A resumed training must not see the same samples again: its seed goes by what was already done.
    """
    checkpoint = work / "checkpoint.pt"
    return np.random.default_rng([seed, checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long to train, resumptions included: by the clock, or (the same on every machine) by steps."""

    minutes: float = 0.0
    steps: int = 0
    log_every: int = 20

    def done(self, minutes: float, steps: int) -> float:
        """The share that is over, 1 at the end."""
        return steps / self.steps if self.steps else minutes / self.minutes


def train(
    network: nn.Module,
    loss_of: Callable[[], tuple[torch.Tensor, dict[str, float]]],
    *,
    work: Path,
    length: Length,
    lr: float,
    matrix_lr: float,
    not_matrices: tuple[nn.Parameter, ...] = (),
    average: float = 0.999,
    save_every: float = 120.0,
    falling_from: float = 0.5,
) -> list[float]:
    """Trains the network, and gives the losses of this call (means over `length.log_every` steps).

    The rates rise over the first 2 %, stay, and fall linearly to zero from the share `falling_from` on.
    `work` gets checkpoint.pt (weights, average, optimiser, clock), average.pt and log.jsonl.
    A checkpoint that is there is gone on from.
    """
    work.mkdir(parents=True, exist_ok=True)
    optimiser = Muon(network.parameters(), lr=lr, matrix_lr=matrix_lr, not_matrices=not_matrices)
    rates = [group["lr"] for group in optimiser.param_groups]
    mean = Average(network, average)
    used, step = 0.0, 0
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        mean.weights, mean.steps = saved["average"], saved["average_steps"]
        used, step = saved["used"], saved["step"]

    def save() -> None:
        state = {
            "network": network.state_dict(), "optimiser": optimiser.state_dict(), "average": mean.weights,
            "average_steps": mean.steps, "used": used + time.monotonic() - begun, "step": step,
        }  # fmt: skip
        for name, content in (("checkpoint.pt", state), ("average.pt", mean.weights)):
            torch.save(content, work / f"{name}.new")
            (work / f"{name}.new").replace(work / name)

    begun = saved_at = time.monotonic()
    losses: list[float] = []
    recent: list[dict[str, float]] = []
    with (work / "log.jsonl").open("a") as log:
        while (clock := length.done((spent := used + time.monotonic() - begun) / 60, step)) < 1:
            factor = min(1.0, clock / 0.02 + 0.02, (1 - clock) / (1 - falling_from))
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            loss, said = loss_of()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            mean.follow(network)
            step += 1
            recent.append({"loss": float(loss.detach()), **said})
            if len(recent) == length.log_every:
                line = {key: round(sum(r[key] for r in recent) / length.log_every, 5) for key in recent[0]}
                losses.append(line["loss"])
                log.write(json.dumps({"step": step, "minutes": round(spent / 60, 2), **line}) + "\n")
                log.flush()
                recent.clear()
            if time.monotonic() - saved_at > save_every:
                save()
                saved_at = time.monotonic()
        save()
    return losses
