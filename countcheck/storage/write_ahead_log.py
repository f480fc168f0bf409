"""Reads a ledger's bytes, with what its write-ahead log holds, without writing anything.

SQLite needs to write beside a ledger in write-ahead mode before it can read it. On a read-only mount or a full disk it
cannot, so the committed pages of the log are put in place here, in memory. See https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from pathlib import Path

_LOG_HEADER = 32  # bytes
_FRAME_HEADER = 24
_BIG_ENDIAN_SUMS = 0x377F0683
_LITTLE_ENDIAN_SUMS = 0x377F0682


def ledger_image(ledger: Path) -> bytes:
    """Return the bytes of a ledger as its last committed transaction left them, as of a ledger without a log.

    Raises:
        OSError: When it cannot be read.
    """
    image = bytearray(ledger.read_bytes())
    log = ledger.with_name(f"{ledger.name}-wal")
    if log.is_file():
        _apply(image, log.read_bytes())
    if len(image) > 20:
        image[18] = image[19] = 1  # the mode that needs no log
    return bytes(image)


def _apply(image: bytearray, log: bytes) -> None:
    """Write the committed pages of a log over the image; what is damaged or not committed ends it."""
    if len(log) < _LOG_HEADER:
        return
    magic, _, page_size, _, salt_1, salt_2, sum_1, sum_2 = struct.unpack(">8I", log[:_LOG_HEADER])
    if magic not in (_BIG_ENDIAN_SUMS, _LITTLE_ENDIAN_SUMS):
        return
    order = ">" if magic == _BIG_ENDIAN_SUMS else "<"
    sums = _sums(order, log[:24], (0, 0))
    if sums != (sum_1, sum_2):
        return
    pending: list[tuple[int, bytes]] = []
    for start in range(_LOG_HEADER, len(log) - _FRAME_HEADER - page_size + 1, _FRAME_HEADER + page_size):
        header, page = log[start : start + 24], log[start + 24 : start + 24 + page_size]
        number, size_after, frame_salt_1, frame_salt_2, sum_1, sum_2 = struct.unpack(">6I", header)
        sums = _sums(order, page, _sums(order, header[:8], sums))
        if (frame_salt_1, frame_salt_2) != (salt_1, salt_2) or sums != (sum_1, sum_2):
            return
        pending.append((number, page))
        if size_after:  # the last page of a transaction
            _write_pages(image, pending, page_size, size_after)
            pending = []


def _write_pages(image: bytearray, pages: list[tuple[int, bytes]], page_size: int, size_after: int) -> None:
    if len(image) < size_after * page_size:
        image.extend(bytes(size_after * page_size - len(image)))
    for number, page in pages:
        image[(number - 1) * page_size : number * page_size] = page
    del image[size_after * page_size :]


def _sums(order: str, data: bytes, before: tuple[int, int]) -> tuple[int, int]:
    first, second = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
