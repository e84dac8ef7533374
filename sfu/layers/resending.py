"""Packets outside the fast path: resends, padding, and those that were held back and leave at last."""

from __future__ import annotations

from sfu.layers.forward import FIXED_HEADER, SEQUENCE, ForwardEntry, Held, protect, rewritten_payload
from sfu.rtp.packet import RtpPacket


def release(held: Held) -> bytes | None:
    """Seal a packet that was held, under the next transport-wide number; None if it cannot be sealed."""
    entry, fixed, (head, tail, _), body, ext_seq = held
    if tail is None:
        return protect(entry, fixed + head, body, ext_seq)
    outlet = entry.outlet
    outlet.twcc_seq = (outlet.twcc_seq + 1) & 0xFFFF
    return protect(entry, fixed + head + SEQUENCE(outlet.twcc_seq) + tail, body, ext_seq)


def resend(
    packet: RtpPacket,
    entry: ForwardEntry,
    rtx: ForwardEntry,
    original_ext_seq: int,
    rtx_ext_seq: int,
    send_time_24: int,
) -> bool:
    """Seal ``packet`` once more as a retransmission (RFC 4588); False if its payload cannot be read.

    ``entry`` holds the offsets under which it was first sent as ``original_ext_seq``; ``rtx`` the retransmission's
    SSRC and payload type.
    """
    payload = packet.data[packet.payload_offset : packet.payload_end]
    if entry.rewrites_payload and payload:
        changed = rewritten_payload(entry, packet, payload)
        if changed is None:
            return False
        payload = changed
    block = rtx.plan.build(packet, send_time_24).with_frame_delta(entry.frame_delta)
    fixed = FIXED_HEADER(
        0x90 if block.head else 0x80,
        (0x80 if _ends_picture(entry, packet) else 0) | rtx.payload_type,
        rtx_ext_seq & 0xFFFF,
        (packet.timestamp + entry.ts_offset) & 0xFFFFFFFF,
        rtx.ssrc,
    )
    body = SEQUENCE(original_ext_seq & 0xFFFF) + payload
    return dispatch(Held(rtx, fixed, block, body, rtx_ext_seq))


def dispatch(packet: Held) -> bool:
    """Send one packet outside the fast path, or hold it while others have to wait; False if it cannot be sealed."""
    entry = packet.entry
    outlet = entry.outlet
    if outlet.holding:
        outlet.hold(packet)
    else:
        sealed = release(packet)
        if sealed is None:
            return False
        outlet.put(sealed)
    entry.packets += 1
    entry.octets += len(packet.body)
    return True


def padding(rtx: ForwardEntry, rtx_ext_seq: int, timestamp: int, size_bytes: int) -> int:
    """Send a packet of padding alone (RFC 3550 section 5.1), up to 255 bytes; returns its size."""
    block = rtx.plan.padding_block
    fixed = FIXED_HEADER(
        0xB0 if block.head else 0xA0, rtx.payload_type, rtx_ext_seq & 0xFFFF, timestamp & 0xFFFFFFFF, rtx.ssrc
    )
    body = bytes(size_bytes - 1) + bytes((size_bytes,))
    return size_bytes + len(fixed) if dispatch(Held(rtx, fixed, block, body, rtx_ext_seq)) else 0


def repeat(packet: RtpPacket, entry: ForwardEntry, ext_seq: int) -> bool:
    """Send ``packet`` again exactly as it was first sent: for subscribers without RTX.

    The plan of such an entry holds nothing that changes with time, so the sealed bytes are the same ones.
    """
    payload = packet.data[packet.payload_offset : packet.payload_end]
    if entry.rewrites_payload and payload:
        changed = rewritten_payload(entry, packet, payload)
        if changed is None:
            return False
        payload = changed
    head = entry.plan.build(packet, 0).with_frame_delta(entry.frame_delta).head
    header = (
        FIXED_HEADER(
            0x90 if head else 0x80,
            (0x80 if _ends_picture(entry, packet) else 0) | entry.payload_type,
            ext_seq & 0xFFFF,
            (packet.timestamp + entry.ts_offset) & 0xFFFFFFFF,
            entry.ssrc,
        )
        + head
    )
    sealed = protect(entry, header, payload, ext_seq)
    if sealed is None:
        return False
    entry.outlet.put(sealed)
    return True


def _ends_picture(entry: ForwardEntry, packet: RtpPacket) -> bool:
    return packet.marker if entry.filter is None else entry.filter.ends_picture(packet)
