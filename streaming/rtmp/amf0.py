"""AMF0, the values of RTMP's commands (Action Message Format 0, 2007)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from streaming.rtmp.errors import RtmpError

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL, _UNDEFINED = 0, 1, 2, 3, 5, 6
_ECMA_ARRAY, _OBJECT_END, _STRICT_ARRAY, _DATE, _LONG_STRING = 8, 9, 10, 11, 12
_MAX_DEPTH = 8
_MAX_ENTRIES = 1_000


def encode(*values: object) -> bytes:
    """Values one after the other: None, bool, numbers, str, mappings (as objects) and sequences."""
    return b"".join(map(_encode, values))


def ecma_array(values: Mapping[str, object]) -> bytes:
    """A mapping as the array that metadata is sent in."""
    return struct.pack(">BI", _ECMA_ARRAY, len(values)) + _entries(values)


def _encode(value: object) -> bytes:
    if value is None:
        return bytes((_NULL,))
    if isinstance(value, bool):
        return bytes((_BOOLEAN, value))
    if isinstance(value, int | float):
        return struct.pack(">Bd", _NUMBER, value)
    if isinstance(value, str):
        raw = value.encode()
        if len(raw) > 0xFFFF:
            return struct.pack(">BI", _LONG_STRING, len(raw)) + raw
        return struct.pack(">BH", _STRING, len(raw)) + raw
    if isinstance(value, Mapping):
        return bytes((_OBJECT,)) + _entries(value)
    if isinstance(value, Sequence):
        return struct.pack(">BI", _STRICT_ARRAY, len(value)) + b"".join(map(_encode, value))
    raise TypeError(f"AMF0 has no {type(value).__name__}")


def _entries(values: Mapping[str, object]) -> bytes:
    pieces = []
    for key, value in values.items():
        raw = key.encode()
        pieces.append(struct.pack(">H", len(raw)) + raw + _encode(value))
    return b"".join(pieces) + bytes((0, 0, _OBJECT_END))


def decode(data: bytes) -> list[object]:
    """All values of ``data``; raises RtmpError."""
    reader = _Reader(data)
    values = []
    while reader.at < len(data):
        values.append(reader.value())
    return values


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0
        self._depth = 0
        self._entries = 0

    def value(self) -> object:
        marker = self._take(1)[0]
        match marker:
            case 0:
                return struct.unpack(">d", self._take(8))[0]
            case 1:
                return self._take(1)[0] != 0
            case 2:
                return self._text(2)
            case 12:
                return self._text(4)
            case 5 | 6:
                return None
            case 3:
                return self._object()
            case 8:
                self._take(4)
                return self._object()
            case 10:
                return self._array()
            case 11:
                return struct.unpack(">d", self._take(10)[:8])[0]
        raise RtmpError(f"AMF0 value of type {marker}")

    def _take(self, size: int) -> bytes:
        piece = self._data[self.at : self.at + size]
        if len(piece) < size:
            raise RtmpError("AMF0 value cut short")
        self.at += size
        return piece

    def _text(self, length_bytes: int) -> str:
        return self._take(int.from_bytes(self._take(length_bytes), "big")).decode("utf-8", "replace")

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise RtmpError("AMF0 values too deep")

    def _count(self) -> None:
        self._entries += 1
        if self._entries > _MAX_ENTRIES:
            raise RtmpError("too many AMF0 values")

    def _object(self) -> dict[str, object]:
        self._enter()
        found: dict[str, object] = {}
        while True:
            self._count()
            key = self._text(2)
            if not key and self._data[self.at : self.at + 1] == bytes((_OBJECT_END,)):
                self.at += 1
                self._depth -= 1
                return found
            found[key] = self.value()

    def _array(self) -> list[object]:
        self._enter()
        found = []
        for _ in range(int.from_bytes(self._take(4), "big")):
            self._count()
            found.append(self.value())
        self._depth -= 1
        return found
