"""Bits of a value, highest first."""

from __future__ import annotations

from sfu.errors import MalformedPacket


class BitReader:
    """Reads fields of any width; past the end it raises MalformedPacket: ``dd_truncated``."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, width: int) -> int:
        """``f(width)``: the next ``width`` bits as an unsigned number."""
        self.skip(width)
        return self._value >> self._left & (1 << width) - 1

    def skip(self, width: int) -> None:
        """Pass over ``width`` bits."""
        if width > self._left:
            raise MalformedPacket("dd_truncated")
        self._left -= width

    def read_non_symmetric(self, values: int) -> int:
        """``ns(values)``: a number below ``values`` in no more bits than it needs (AV1 section 4.10.7)."""
        width = values.bit_length()
        short = (1 << width) - values
        value = self.read(width - 1)
        if value < short:
            return value
        return (value << 1) - short + self.read(1)
