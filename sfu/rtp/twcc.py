"""Transport-wide feedback: which packets of a transport arrived, and when.

draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1. Times are counted in ticks of 250 µs from a reference
time in units of 64 ms that wraps at 24 bits (after 12.4 days). Each packet's status takes one or two bits in chunks of
16 bits; each one that arrived has a delta to the one before it of one byte (0 to 63.75 ms) or two (± 8.19 s).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp_types import PacketType, TransportFormat, pack_rtcp

TICK_US = 250
TICKS_PER_REFERENCE = 256
REFERENCE_MASK = 0xFFFFFF
MAX_DELTA_US = 0x7FFF * TICK_US
"""Two packets next to each other in one feedback lie at most this far apart in time; else begin a new feedback."""
MAX_PACKETS = 8192
"""The format allows 65535, of which 16 bytes can say that all were lost: too dear to read for what it is worth."""
_HEADER = struct.Struct("!IIHHI")

_LOST, _SMALL, _LARGE = 0, 1, 2
_RUN_LIMIT = 0x1FFF
_ONE_BIT_SYMBOLS = 14
_TWO_BIT_SYMBOLS = 7


def build_feedback(
    sender_ssrc: int, media_ssrc: int, fb_count: int, arrivals: Sequence[tuple[int, int | None]]
) -> bytes:
    """One feedback packet on ``arrivals``: (sequence number, arrival in µs on any clock, or None if it did not come).

    Numbers are unwrapped and grow; those left out between two count as lost. Raises ValueError if there are none or
    more than MAX_PACKETS, if numbers do not grow, or if two arrivals next to each other lie more than MAX_DELTA_US
    apart: splitting is the caller's.
    """
    if not arrivals:
        raise ValueError("a feedback tells of one packet at least")
    base = arrivals[0][0]
    if arrivals[-1][0] - base >= MAX_PACKETS:
        raise ValueError("too many packets for one feedback")
    first_us = next((arrival for _, arrival in arrivals if arrival is not None), 0)
    reference = first_us // TICK_US // TICKS_PER_REFERENCE
    symbols, deltas = _encode_arrivals(arrivals, reference * TICKS_PER_REFERENCE)
    body = _HEADER.pack(
        sender_ssrc, media_ssrc, base & 0xFFFF, len(symbols), (reference & REFERENCE_MASK) << 8 | fb_count & 0xFF
    )
    body += _encode_chunks(symbols) + deltas
    # Zero padding to 32 bits, as the draft draws it, without the padding bit: a reader knows where the deltas end.
    return pack_rtcp(PacketType.TRANSPORT_FEEDBACK, TransportFormat.TRANSPORT_CC, body + bytes(-len(body) % 4))


def _encode_arrivals(arrivals: Sequence[tuple[int, int | None]], last_tick: int) -> tuple[list[int], bytes]:
    """A status symbol for each number from first to last, and the receive deltas."""
    symbols: list[int] = []
    deltas = bytearray()
    expected = arrivals[0][0]
    for number, arrival_us in arrivals:
        if number < expected:
            raise ValueError("sequence numbers must grow")
        symbols += [_LOST] * (number - expected)
        expected = number + 1
        if arrival_us is None:
            symbols.append(_LOST)
            continue
        # Whole ticks since the clock's zero are subtracted, so rounding does not add up.
        tick = arrival_us // TICK_US
        delta = tick - last_tick
        last_tick = tick
        if 0 <= delta <= 0xFF:
            symbols.append(_SMALL)
            deltas.append(delta)
        elif -0x8000 <= delta <= 0x7FFF:
            symbols.append(_LARGE)
            deltas += delta.to_bytes(2, "big", signed=True)
        else:
            raise ValueError("arrivals lie too far apart for one feedback")
    return symbols, bytes(deltas)


def _encode_chunks(symbols: Sequence[int]) -> bytes:
    """Whichever chunk takes in most symbols next: a run, 14 symbols of one bit, or 7 of two (sections 3.1.3, 3.1.4)."""
    chunks = bytearray()
    place = 0
    total = len(symbols)
    while place < total:
        symbol = symbols[place]
        run = 1
        limit = min(total - place, _RUN_LIMIT)
        while run < limit and symbols[place + run] == symbol:
            run += 1
        window = symbols[place : place + _ONE_BIT_SYMBOLS]
        if run >= len(window):
            chunk, taken = symbol << 13 | run, run
        elif _LARGE not in window:
            chunk, taken = 0x8000 | _bits(window, 1, _ONE_BIT_SYMBOLS), len(window)
        elif run > _TWO_BIT_SYMBOLS:
            chunk, taken = symbol << 13 | run, run
        else:
            window = window[:_TWO_BIT_SYMBOLS]
            chunk, taken = 0xC000 | _bits(window, 2, _TWO_BIT_SYMBOLS), len(window)
        chunks += chunk.to_bytes(2, "big")
        place += taken
    return bytes(chunks)


def _bits(symbols: Sequence[int], width: int, slots: int) -> int:
    value = 0
    for symbol in symbols:
        value = value << width | symbol
    return value << width * (slots - len(symbols))


class TransportFeedback(NamedTuple):
    """Transport-wide feedback as it is read.

    ``reference_time`` is in units of 64 ms, 24 bits. ``arrival_ticks`` has one entry for each number from ``base_seq``
    on (16 bits): the arrival on the receiver's clock in ticks of 250 µs, counted from ``reference_time``; None: it did
    not come.
    """

    sender_ssrc: int
    media_ssrc: int
    base_seq: int
    reference_time: int
    fb_count: int
    arrival_ticks: Sequence[int | None]

    def pack(self) -> bytes:
        """The packet as bytes; raises ValueError as ``build_feedback``."""
        base = self.base_seq
        numbered = [
            (base + place, None if tick is None else tick * TICK_US) for place, tick in enumerate(self.arrival_ticks)
        ]
        return build_feedback(self.sender_ssrc, self.media_ssrc, self.fb_count, numbered)

    @classmethod
    def parse(cls, body: bytes) -> TransportFeedback:
        """Raises MalformedPacket: ``rtcp_twcc``."""
        if len(body) < _HEADER.size:
            raise MalformedPacket("rtcp_twcc")
        sender, media, base, count, last = _HEADER.unpack_from(body)
        if not 0 < count <= MAX_PACKETS:
            raise MalformedPacket("rtcp_twcc")
        symbols, offset = _decode_chunks(body, _HEADER.size, count)
        reference = last >> 8
        return cls(sender, media, base, reference, last & 0xFF, _decode_deltas(body, offset, symbols, reference))


_ONE_BIT = tuple(bytes(bits >> shift & 1 for shift in range(6, -1, -1)) for bits in range(128))
"""Seven symbols of one bit each, by these bits: tables make reading a matter of few steps."""
_TWO_BIT = tuple(bytes(bits >> shift & 3 for shift in range(6, -1, -2)) for bits in range(256))


def _decode_chunks(body: bytes, offset: int, count: int) -> tuple[bytes, int]:
    """``count`` symbols, and where the deltas begin."""
    symbols = b""
    while len(symbols) < count:
        if offset + 2 > len(body):
            raise MalformedPacket("rtcp_twcc")
        chunk = body[offset] << 8 | body[offset + 1]
        offset += 2
        if chunk < 0x8000:
            symbols += bytes((chunk >> 13,)) * min(chunk & _RUN_LIMIT, count - len(symbols))
        elif chunk < 0xC000:
            symbols += _ONE_BIT[chunk >> 7 & 0x7F] + _ONE_BIT[chunk & 0x7F]
        else:
            symbols += _TWO_BIT[chunk >> 6 & 0xFF] + _TWO_BIT[chunk << 2 & 0xFF][:3]
    return symbols[:count], offset


def _decode_deltas(body: bytes, offset: int, symbols: bytes, reference: int) -> list[int | None]:
    tick = reference * TICKS_PER_REFERENCE
    count, size = len(symbols), len(body)
    ticks: list[int | None]
    if symbols.count(_SMALL) == count:
        if offset + count > size:
            raise MalformedPacket("rtcp_twcc")
        ticks = list(accumulate(body[offset : offset + count], initial=tick))
        del ticks[0]
        return ticks
    ticks = []
    append = ticks.append
    for symbol in symbols:
        if symbol == _LOST:
            append(None)
            continue
        stop = offset + symbol  # a small delta has one byte, a large one two
        if symbol > _LARGE or stop > size:
            raise MalformedPacket("rtcp_twcc")
        tick += body[offset] if symbol == _SMALL else int.from_bytes(body[offset:stop], "big", signed=True)
        offset = stop
        append(tick)
    return ticks
