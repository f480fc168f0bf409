"""A run's results as columns in memory, with whole rows read from the ledger only where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from countcheck.storage.repeats import as_refusal
from countcheck.storage.result_table import ResultTable
from countcheck.storage.rows import ResultRow

_AT_A_TIME = 1000  # rows


class RunResults:
    """The rows of a run, or those of one generator, as of the moment at which their columns were read.

    A whole row is as the ledger has it when it is asked for: of a run that is being made, it may have got an outcome
    since.

    Args:
        table: Their columns.
        placeholders: By key and turn, why a picture that stands for none is a refusal.
        read: Reads the rows of some samples, pictures that stand for none as pictures.
        read_between: The same of the samples with numbers above the first and up to the second.
        last: The number of the last sample.

    Attributes:
        table: Their columns.
    """

    def __init__(
        self,
        table: ResultTable,
        placeholders: Mapping[tuple[str, int], str],
        read: Callable[[Sequence[str]], Iterable[ResultRow]],
        read_between: Callable[[int, int], Iterable[ResultRow]],
        last: int,
    ) -> None:
        self.table = table
        self._placeholders = placeholders
        self._read, self._read_between, self._last = read, read_between, last

    def of_generator(self, name: str) -> RunResults:
        """Return the results of one generator."""
        if self.table.generators == (name,):
            return self
        own = self.table.of_generator(name)
        return RunResults(own, self._placeholders, self._read, self._read_between, self._last)

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[ResultRow]:
        return self.rows_at(range(len(self.table)))

    def parts(self, size: int) -> int:
        """Return into how many parts of so many samples the run falls."""
        return -(-self._last // size)

    def part(self, number: int, size: int) -> Iterator[ResultRow]:
        """Yield the whole rows of one part of the run, of all its generators; the parts hold every row once, in order."""
        for row in self._read_between(number * size, (number + 1) * size):
            sentence = self._placeholders.get((row.key, row.turn))
            yield row if sentence is None else as_refusal(row, sentence)

    def rows_at(self, places: Iterable[int]) -> Iterator[ResultRow]:
        """Yield whole rows by their places in the table, some thousand of them in memory at a time."""
        left = iter(places)
        while part := list(islice(left, _AT_A_TIME)):
            names = [(self.table.key_of(place), int(self.table.turn[place])) for place in part]
            found = {(row.key, row.turn): row for row in self._read(list(dict.fromkeys(key for key, _ in names)))}
            for place, name in zip(part, names, strict=True):
                row = found.get(name)
                if row is None:  # taken out of the run since
                    (row,) = self.table.take(np.array([place])).rows()
                sentence = self._placeholders.get(name)
                yield row if sentence is None else as_refusal(row, sentence)
