"""The dependency descriptor's frame number goes on after a switch, and nothing else of it changes."""

from __future__ import annotations

import pytest

from sfu.layers.header_plan import HeaderPlan
from sfu.rtp.extensions import Uri, build_extensions, read_extensions
from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp

DESCRIPTOR = bytes((0x80, 0xFF, 0xFE)) + bytes(range(20))


def received(value: bytes) -> RtpPacket:
    extensions = build_extensions([(4, b"v"), (9, value), (13, b"\x01")])
    return parse_rtp(
        build_rtp(payload_type=45, sequence_number=1, timestamp=1, ssrc=1, payload=b"x", extensions=extensions)
    )


@pytest.mark.parametrize("twcc", [True, False])
@pytest.mark.parametrize("value", [DESCRIPTOR, DESCRIPTOR[:3]], ids=["with structure", "short"])
def test_only_the_frame_number_changes(twcc: bool, value: bytes) -> None:
    subscriber = {Uri.MID: 1, Uri.DEPENDENCY_DESCRIPTOR: 6, Uri.VIDEO_ORIENTATION: 7}
    if twcc:
        subscriber[Uri.TRANSPORT_CC] = 5
    plan = HeaderPlan("0", {Uri.MID: 4, Uri.DEPENDENCY_DESCRIPTOR: 9, Uri.VIDEO_ORIENTATION: 13}, subscriber)
    before = plan.build(received(value), 0)
    head, tail, _ = before.with_frame_delta(5)
    block = head if tail is None else head + b"\x12\x34" + tail
    packet = parse_rtp(
        build_rtp(payload_type=45, sequence_number=1, timestamp=1, ssrc=1, payload=b"x", extensions=block)
    )
    elements = read_extensions(packet)
    assert elements[6] == value[:1] + b"\x00\x03" + value[3:]
    assert (elements[1], elements[7]) == (b"0", b"\x01")
    assert elements.get(5) == (b"\x12\x34" if twcc else None)
    assert before.with_frame_delta(0) is before


def test_a_packet_without_descriptor_stays_as_it_is() -> None:
    plan = HeaderPlan("0", {Uri.VIDEO_ORIENTATION: 13}, {Uri.VIDEO_ORIENTATION: 7, Uri.DEPENDENCY_DESCRIPTOR: 6})
    block = plan.build(received(DESCRIPTOR), 0)
    assert block.with_frame_delta(5) is block
