"""`countcheck.CountMetric` as a torchmetrics metric, for trainers that log such metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from countcheck.errors import MissingExtra
from countcheck.images.inputs import ImageInputs
from countcheck.library.count_metric import CountMetric as PlainCountMetric
from countcheck.library.judging import CounterInput
from countcheck.suites.prompt_inputs import PromptInput

try:
    import torch
    import torchmetrics
except ImportError as error:
    raise MissingExtra("torchmetrics", feature="the torchmetrics metric") from error


class CountMetric(torchmetrics.Metric):
    """A torchmetrics metric whose ``compute`` gives the rates as tensors.

    Processes share what they have seen through `countcheck.CountMetric`, since verdicts are no tensors.

    Args:
        counter: A card's name, a spec or a loaded counter.
        **kwargs: Of `torchmetrics.Metric`.
    """

    higher_is_better = True
    full_state_update = False

    def __init__(self, counter: CounterInput = "tiny", **kwargs: Any) -> None:
        super().__init__(sync_on_compute=False, **kwargs)
        self.metric = PlainCountMetric(counter)

    def update(self, images: ImageInputs, prompts: PromptInput | Iterable[PromptInput]) -> None:
        """Judge images against their prompts and keep the verdicts; see `countcheck.CountMetric.update`."""
        self.metric.update(images, prompts)

    def compute(self) -> dict[str, torch.Tensor]:
        """Give the value of every rate; NaN where it cannot be said."""
        rates = self.metric.compute()
        return {
            name: torch.tensor(float("nan") if rate.value is None else float(rate.value))
            for name, rate in rates.items()
        }

    def reset(self) -> None:
        """Forget everything it was shown."""
        super().reset()
        self.metric.reset()
