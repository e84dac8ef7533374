"""Numbers that wrap around: 16-bit sequence numbers and 32-bit timestamps (RFC 3550, compared as in RFC 1982)."""

from __future__ import annotations


def seq_diff(a: int, b: int) -> int:
    """How far the 16-bit number ``a`` lies ahead of ``b``: -32768 to 32767, negative if behind."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def seq_newer(a: int, b: int) -> bool:
    """Whether the 16-bit number ``a`` comes after ``b``; of two that lie half the circle apart neither does."""
    return 0 < ((a - b) & 0xFFFF) < 0x8000


class _Unwrapper:
    """Turns numbers of ``bits`` width into numbers that go on growing.

    The first keeps its value; each further one becomes the nearest number to the last, so a number that arrives late
    right at the start can come out negative.
    """

    __slots__ = ("_half", "_mask", "last")

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self.last: int | None = None

    def unwrap(self, value: int) -> int:
        """The unwrapped number, which becomes the one that the next is compared with."""
        last = self.last
        if last is None:
            self.last = value
            return value
        self.last = unwrapped = last + (((value - last + self._half) & self._mask) - self._half)
        return unwrapped


class SequenceUnwrapper(_Unwrapper):
    """Unwraps 16-bit sequence numbers."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(16)


class TimestampUnwrapper(_Unwrapper):
    """Unwraps 32-bit RTP timestamps."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(32)
