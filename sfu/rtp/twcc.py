"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).

Arrivals are told in steps of 250 µs from a reference time in steps of 64 ms; statuses come in chunks of 16 bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from sfu.errors import MalformedPacket
from sfu.rtp.feedback import TransportFeedback

DELTA_US = 250
REFERENCE_US = 64_000
MAX_STATUS_COUNT = 0xFFFF
_HEAD = struct.Struct("!HHI")
_RUN_LIMIT = 8191
_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2

Arrival = tuple[int, "int | None"]


def build_feedback(sender_ssrc: int, media_ssrc: int, feedback_count: int, arrivals: Sequence[Arrival]) -> bytes:
    """The RTCP message for consecutive (unwrapped sequence number, arrival in µs or None if it did not come).

    At least one must have come, and neighbouring arrivals lie less than 8.19 s apart.
    """
    first_us = next(us for _, us in arrivals if us is not None)
    reference = first_us // REFERENCE_US
    # Deltas are told between rounded times, so that rounding does not add up.
    previous = reference * (REFERENCE_US // DELTA_US)
    statuses: list[int] = []
    deltas = bytearray()
    for _, arrival_us in arrivals:
        if arrival_us is None:
            statuses.append(_NOT_RECEIVED)
            continue
        step = (arrival_us + DELTA_US // 2) // DELTA_US
        delta = step - previous
        previous = step
        if 0 <= delta <= 0xFF:
            statuses.append(_SMALL)
            deltas.append(delta)
        else:
            statuses.append(_LARGE)
            deltas += struct.pack("!h", max(-0x8000, min(0x7FFF, delta)))
    head = _HEAD.pack(arrivals[0][0] & 0xFFFF, len(statuses), (reference & 0xFFFFFF) << 8 | feedback_count & 0xFF)
    fci = head + b"".join(_chunks(statuses)) + bytes(deltas)
    return TransportFeedback(sender_ssrc, media_ssrc, fci + bytes(-len(fci) % 4)).pack()


def _chunks(statuses: list[int]) -> Iterator[bytes]:
    """The statuses in as few chunks as a look ahead of one chunk finds (section 3.1.2 to 3.1.4)."""
    place, total = 0, len(statuses)
    while place < total:
        status = statuses[place]
        end = place + 1
        while end < total and statuses[end] == status and end - place < _RUN_LIMIT:
            end += 1
        run = end - place
        window = statuses[place : place + 14]
        if run >= 14 or end == total:
            yield (status << 13 | run).to_bytes(2, "big")
            place = end
        elif _LARGE not in window:
            yield _vector(window, 14, 1, 0x8000)
            place += 14
        elif run >= 7:
            yield (status << 13 | run).to_bytes(2, "big")
            place = end
        else:
            yield _vector(window[:7], 7, 2, 0xC000)
            place += 7


def _vector(symbols: list[int], places: int, bits: int, head: int) -> bytes:
    value = 0
    for symbol in symbols:
        value = value << bits | symbol
    value <<= bits * (places - len(symbols))
    return (head | value).to_bytes(2, "big")


def parse_feedback(feedback: TransportFeedback) -> list[Arrival]:
    """(16-bit sequence number, arrival in µs or None) of each packet reported.

    Times count from the publisher's own origin and wrap after 2**24 steps of 64 ms. Raises MalformedPacket.
    """
    fci = feedback.fci
    if len(fci) < _HEAD.size:
        raise MalformedPacket("twcc_too_short")
    base, count, reference_and_count = _HEAD.unpack_from(fci)
    statuses, place = _read_statuses(fci, count)
    time_us = (reference_and_count >> 8) * REFERENCE_US
    arrivals: list[Arrival] = []
    for index, status in enumerate(statuses):
        seq = (base + index) & 0xFFFF
        if status == _NOT_RECEIVED:
            arrivals.append((seq, None))
            continue
        size = 1 if status == _SMALL else 2
        if status > _LARGE or place + size > len(fci):
            raise MalformedPacket("twcc_truncated" if status <= _LARGE else "twcc_status")
        time_us += int.from_bytes(fci[place : place + size], "big", signed=size == 2) * DELTA_US
        place += size
        arrivals.append((seq, time_us))
    return arrivals


def _read_statuses(fci: bytes, count: int) -> tuple[list[int], int]:
    statuses: list[int] = []
    place = _HEAD.size
    while len(statuses) < count:
        if place + 2 > len(fci):
            raise MalformedPacket("twcc_truncated")
        chunk = int.from_bytes(fci[place : place + 2], "big")
        place += 2
        if not chunk & 0x8000:
            statuses.extend([chunk >> 13 & 3] * min(chunk & 0x1FFF, count - len(statuses)))
            if not chunk & 0x1FFF:
                raise MalformedPacket("twcc_empty_run")
        elif not chunk & 0x4000:
            statuses.extend(chunk >> shift & 1 for shift in range(13, -1, -1))
        else:
            statuses.extend(chunk >> shift & 3 for shift in range(12, -1, -2))
    return statuses[:count], place
