"""Collect judgements over batches and processes, and give rates with intervals: `countcheck.CountMetric`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.images.inputs import ImageInputs
from countcheck.library.judging import BATCH_SIZE, CounterInput, Judgement, judge, load_counter
from countcheck.metrics.columns import columns_of
from countcheck.metrics.estimate_rates import estimate_nouns, estimate_rates, knower_level
from countcheck.stats.estimate import Estimate
from countcheck.storage.rows import ResultRow
from countcheck.suites.prompt_inputs import PromptInput, as_prompt
from countcheck.suites.suite import Noun, Relation, Target


class CountMetric:
    """Rates of exact counts over everything it was shown, as torchmetrics' metrics are used.

    Images of one prompt are its repeats: intervals are over prompts. In several processes, ``compute`` first gathers what
    each has seen when ``torch.distributed`` is initialised.

    Args:
        counter: A card's name, a spec or a loaded counter.
        level: Confidence level of the intervals, above 0 and below 1.
        nouns: What a suite says of its nouns, by name.
        batch_size: Images detected together.

    >>> from countcheck.scenes import compose, render
    >>> metric = CountMetric("tiny")
    >>> metric.update([render(compose({"pig": n}, seed=n)) for n in (3, 2)], ["three pigs", "three pigs, noir"])
    >>> metric.compute()["exact_rate"].value
    0.5
    """

    def __init__(
        self,
        counter: CounterInput = "tiny",
        *,
        level: float = 0.95,
        nouns: Mapping[str, Noun] | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        if not 0 < level < 1:
            raise BadInput(f"the confidence level is {level}. Give a number between 0 and 1, such as 0.95.")
        self.counter = load_counter(counter)
        self.level = level
        self.nouns = dict(nouns or {})
        self.batch_size = batch_size
        self.rows: list[ResultRow] = []

    def update(self, images: ImageInputs, prompts: PromptInput | Iterable[PromptInput]) -> None:
        """Judge images against their prompts and keep the verdicts.

        Raises:
            BadInput: As `countcheck.judge`.
        """
        judgements = judge(images, prompts, self.counter, nouns=self.nouns, batch_size=self.batch_size)
        self.rows += [_row_of(judgement) for judgement in judgements]

    def update_refused(self, prompts: Iterable[PromptInput], reason: str = "unexplained") -> None:
        """Keep prompts that the model refused to draw; they stay in the denominator of the rates.

        Args:
            prompts: What was asked.
            reason: ``stated``, ``capability``, ``unexplained``, ``deflected`` or ``silent``.
        """
        for prompt in map(as_prompt, prompts):
            refused = {"outcome": "refusal", "refusal": reason, "verdict": Kind.REFUSED, "leaning": Kind.REFUSED}
            self.rows.append(_row(prompt.id, prompt.text, targets=prompt.targets, benign=prompt.benign, **refused))

    def compute(self) -> dict[str, Estimate]:
        """Give every rate that has a denominator; empty when nothing was shown yet.

        Images that cannot be read are failures: they are in no denominator but that of ``failure_rate``.
        """
        rows = _numbered(self._gathered())
        if not rows:
            return {}
        columns = columns_of(rows)
        rates = estimate_rates(columns, self.level) | estimate_nouns(columns, self.level)
        level_reached = knower_level(columns, self.level)
        return rates | ({"knower_level": level_reached} if level_reached.n else {})

    def reset(self) -> None:
        """Forget everything it was shown."""
        self.rows = []

    def merge(self, other: CountMetric) -> CountMetric:
        """Add what another metric has seen, and return this one."""
        self.rows += other.rows
        return self

    def _gathered(self) -> list[ResultRow]:
        torch = sys.modules.get("torch")  # a program that distributes has imported it
        distributed: Any = getattr(torch, "distributed", None)
        if distributed is None or not distributed.is_available() or not distributed.is_initialized():
            return self.rows
        parts: list[list[ResultRow]] = [[] for _ in range(distributed.get_world_size())]
        distributed.all_gather_object(parts, self.rows)
        return [row for part in parts for row in part]


def _row_of(judgement: Judgement) -> ResultRow:
    count, prompt = judgement.count, judgement.prompt
    failed = judgement.verdict is Kind.FAILED
    return _row(
        prompt.id,
        prompt.text,
        outcome="failure" if failed else "picture",
        failure="damaged" if failed else None,
        message=count.error,
        verdict=judgement.verdict,
        leaning=judgement.leaning,
        reason=judgement.reason,
        counted=count.counts,
        low=count.low,
        high=count.high,
        targets=prompt.targets,
        tags=prompt.tags,
        group=prompt.group,
        benign=prompt.benign,
    )


def _row(prompt_id: str, text: str, **fields: Any) -> ResultRow:
    fields["asked"] = _asked(fields["targets"])
    return ResultRow(key="", generator="", prompt_id=prompt_id, repeat=0, seed=0, text=text, **fields)


def _asked(targets: Iterable[Target]) -> dict[str, int]:
    return {t.noun: t.count for t in targets if t.count is not None and t.relation is not Relation.MORE_THAN}


def _numbered(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """The rows with their repeat: the order in which a prompt's images came."""
    seen: dict[str, int] = {}
    numbered = []
    for row in rows:
        repeat = seen.get(row.prompt_id, 0)
        seen[row.prompt_id] = repeat + 1
        numbered.append(replace(row, repeat=repeat))
    return numbered
