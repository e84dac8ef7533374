"""Counters that wrap (RFC 3550 appendix A.1, RFC 1982)."""

from __future__ import annotations


def seq_diff(a: int, b: int) -> int:
    """How far 16-bit ``a`` lies ahead of ``b``, from -32768 to 32767."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def seq_newer(a: int, b: int) -> bool:
    """Whether 16-bit ``a`` comes after ``b``."""
    return 0 < ((a - b) & 0xFFFF) < 0x8000


def timestamp_diff(a: int, b: int) -> int:
    """How far 32-bit ``a`` lies ahead of ``b``, signed."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class SequenceUnwrapper:
    """Turns 16-bit numbers into ones that do not wrap; the first keeps its value."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, seq: int) -> int:
        """The unwrapped number nearest to the last one; may be negative for what precedes a first number near 0."""
        last = self._last
        unwrapped = seq if last is None else last + seq_diff(seq, last & 0xFFFF)
        self._last = unwrapped if last is None else max(last, unwrapped)
        return unwrapped


class TimestampUnwrapper:
    """Turns 32-bit timestamps into ones that do not wrap; the first keeps its value."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp: int) -> int:
        """The unwrapped timestamp nearest to the last one."""
        last = self._last
        self._last = timestamp if last is None else last + timestamp_diff(timestamp, last & 0xFFFFFFFF)
        return self._last
