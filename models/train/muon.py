"""Muon, with AdamW for what is no matrix: it learns from a third of the samples, which is what a CPU needs.

Update of a matrix: momentum, orthogonalised by five Newton-Schulz steps (Jordan 2024), so that every
direction learns at the same speed. Convolutions are matrices of (out, in * kh * kw).
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest matrix with (about) equal singular values; same shape as `matrix` (2-D)."""
    a, b, c = _NEWTON_SCHULZ
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.mT
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Matrices by Muon, the rest by AdamW. `lr` is the AdamW rate; matrices use `lr * matrix_scale`."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float = 1e-3,
        matrix_lr: float = 0.02,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
        weight_decay: float = 0.0,
        not_matrices: Iterable[nn.Parameter] = (),
    ) -> None:
        plain = {id(p) for p in not_matrices}
        every = [p for p in parameters if p.requires_grad]
        matrices = [p for p in every if p.ndim >= 2 and min(p.shape[0], p[0].numel()) > 4 and id(p) not in plain]
        chosen = {id(p) for p in matrices}
        rest = [p for p in every if id(p) not in chosen]
        groups = [
            {"params": matrices, "lr": matrix_lr, "matrices": True},
            {"params": rest, "lr": lr, "matrices": False},
        ]
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "betas": betas,
            "weight_decay": weight_decay,
            "matrices": False,
        }
        super().__init__([g for g in groups if g["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update from the gradients that are there."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if group["weight_decay"]:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                if group["matrices"]:
                    self._turn(parameter, group)
                else:
                    self._adam(parameter, group)

    def _turn(self, parameter: nn.Parameter, group: dict[str, object]) -> None:
        state, grad = self.state[parameter], parameter.grad
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(grad)
        buffer = state["momentum"]
        buffer.lerp_(grad, 1 - group["momentum"])
        flat = grad.lerp(buffer, group["momentum"]).flatten(1)
        scale = max(1.0, flat.shape[0] / flat.shape[1]) ** 0.5
        parameter.add_(orthogonal(flat).view_as(parameter), alpha=-group["lr"] * scale)

    def _adam(self, parameter: nn.Parameter, group: dict[str, object]) -> None:
        state, grad = self.state[parameter], parameter.grad
        if "step" not in state:
            state.update(step=0, first=torch.zeros_like(grad), second=torch.zeros_like(grad))
        state["step"] += 1
        low, high = group["betas"]
        state["first"].lerp_(grad, 1 - low)
        state["second"].lerp_(grad * grad, 1 - high)
        first = state["first"] / (1 - low ** state["step"])
        second = state["second"] / (1 - high ** state["step"])
        parameter.addcdiv_(first, second.sqrt_().add_(1e-8), value=-group["lr"])
