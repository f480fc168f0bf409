"""Writes what several threads have to write in one transaction: waiting for the disk once serves them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Item(Generic[T]):
    value: T
    done: bool = False
    error: BaseException | None = None


class GroupCommit(Generic[T]):
    """Collects what threads write while a transaction is under way, and writes it all in the next one.

    Args:
        write: Writes values, all or none of them; it returns when they are safely on disk.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._items: list[_Item[T]] = []
        self._collecting = threading.Lock()
        self._writing = threading.Lock()

    def commit(self, value: T) -> None:
        """Write a value and return when it is safely on disk; raise what writing it, with others, raised."""
        item = _Item(value)
        with self._collecting:
            self._items.append(item)
        with self._writing:  # whoever comes first writes for all that wait
            if not item.done:
                self._write_all()
        if item.error is not None:
            raise item.error

    def _write_all(self) -> None:
        with self._collecting:
            items, self._items = self._items, []
        error: BaseException | None = None
        try:
            self._write([item.value for item in items])
        except BaseException as raised:
            error = raised
        for item in items:
            item.done, item.error = True, error
