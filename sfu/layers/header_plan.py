"""How the header extensions of a Producer's packets become those of one Consumer (RFC 8285).

A plan is a constant of the pair (ids the publisher uses, ids the subscriber uses, the subscriber's MID), so Consumers
with the same pair share one plan, and the block of a packet is built once a plan, not once a Consumer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sfu.rtp.extensions import Uri, build_extensions, read_extensions
from sfu.rtp.packet import RtpPacket

PASSED_ON = (
    Uri.AUDIO_LEVEL,
    Uri.VIDEO_ORIENTATION,
    Uri.DEPENDENCY_DESCRIPTOR,
    Uri.PLAYOUT_DELAY,
    Uri.VIDEO_CONTENT_TYPE,
    Uri.ABS_CAPTURE_TIME,
)
"""Extensions whose value means the same to the subscriber; only their id changes."""

_ONE_BYTE_PROFILE = b"\xbe\xde"
_NO_SEQUENCE = b"\0\0"


class ExtensionBlock(NamedTuple):
    """An extension block, its 4-byte header included, cut around the transport-wide sequence number.

    ``tail`` is None when the subscriber takes no transport-wide sequence numbers: then ``head`` is the whole block.
    """

    head: bytes
    tail: bytes | None
    frame_place: int | None = None
    """Where in the last part the dependency descriptor has its frame number, if there is one."""

    def with_frame_delta(self, delta: int) -> ExtensionBlock:
        """The same with ``delta`` added to the frame number, so that it goes on after a switch."""
        place = self.frame_place
        if place is None or not delta:
            return self
        part = self.head if self.tail is None else self.tail
        number = (int.from_bytes(part[place : place + 2], "big") + delta) & 0xFFFF
        changed = part[:place] + number.to_bytes(2, "big") + part[place + 2 :]
        return ExtensionBlock(changed, None, place) if self.tail is None else ExtensionBlock(self.head, changed, place)


class HeaderPlan:
    """Maps a received packet to the extension block of the packet that is sent."""

    __slots__ = (
        "_absolute_send_time_id",
        "_constant",
        "_descriptor_id",
        "_mid",
        "_passed",
        "_twcc_id",
        "padding_block",
    )

    def __init__(self, mid: str, publisher: Mapping[str, int], subscriber: Mapping[str, int]) -> None:
        self._twcc_id = subscriber.get(Uri.TRANSPORT_CC)
        # The absolute send time serves a receiver's own estimate (REMB); with transport-wide feedback nobody reads it.
        self._absolute_send_time_id = None if self._twcc_id else subscriber.get(Uri.ABS_SEND_TIME)
        mid_id = subscriber.get(Uri.MID)
        self._mid = (mid_id, mid.encode()) if mid_id is not None else None
        self._passed = {publisher[uri]: subscriber[uri] for uri in PASSED_ON if uri in publisher and uri in subscriber}
        descriptor = Uri.DEPENDENCY_DESCRIPTOR
        self._descriptor_id = subscriber.get(descriptor) if descriptor in publisher else None
        self.padding_block = self._cut([])
        self._constant = None if self._passed or self._absolute_send_time_id else self.padding_block

    @property
    def is_repeatable(self) -> bool:
        """Whether a packet sent again has the same bytes: nothing in it tells of the time or order of sending."""
        return self._twcc_id is None and self._absolute_send_time_id is None

    def build(self, packet: RtpPacket, send_time_24: int) -> ExtensionBlock:
        """The block for ``packet``; ``send_time_24`` is the absolute send time in 6.18 fixed-point seconds."""
        if self._constant is not None:
            return self._constant
        elements: list[tuple[int, bytes]] = []
        if self._absolute_send_time_id is not None:
            elements.append((self._absolute_send_time_id, send_time_24.to_bytes(3, "big")))
        if packet.extension_end > packet.extension_offset:
            passed = self._passed
            for element_id, value in read_extensions(packet).items():
                mapped = passed.get(element_id)
                if mapped is not None:
                    elements.append((mapped, value))
        return self._cut(elements)

    def _cut(self, elements: list[tuple[int, bytes]]) -> ExtensionBlock:
        """Put the transport-wide sequence number first, so that its place is known, and cut the block there."""
        if self._mid is not None:
            elements = [self._mid, *elements]
        if self._twcc_id is not None:
            elements = [(self._twcc_id, _NO_SEQUENCE), *elements]
        block = build_extensions(elements)
        head_bytes = 1 if block[:2] == _ONE_BYTE_PROFILE else 2
        frame_place = self._frame_place(elements, head_bytes)
        if self._twcc_id is None:
            return ExtensionBlock(block, None, frame_place)
        place = 4 + head_bytes
        cut_place = None if frame_place is None else frame_place - place - 2
        return ExtensionBlock(block[:place], block[place + 2 :], cut_place)

    def _frame_place(self, elements: list[tuple[int, bytes]], head_bytes: int) -> int | None:
        """Where the descriptor's frame number stands: behind its first byte (AV1 RTP payload, appendix A.8.1)."""
        place = 4
        for element_id, value in elements:
            if element_id == self._descriptor_id and len(value) >= 3:
                return place + head_bytes + 1
            place += head_bytes + len(value)
        return None


class PlanTable:
    """The plans in use, one for each distinct mapping."""

    def __init__(self) -> None:
        self._plans: dict[tuple[object, ...], HeaderPlan] = {}

    def plan(self, mid: str, publisher: Mapping[str, int], subscriber: Mapping[str, int]) -> HeaderPlan:
        """The shared plan of this mapping, made on first use."""
        key = (mid, tuple(sorted(publisher.items())), tuple(sorted(subscriber.items())))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = HeaderPlan(mid, publisher, subscriber)
        return plan
