"""Answers to NACK: a lost packet is found in the Producer's history and sent again as it was sent first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sfu.layers.forward import ForwardEntry
from sfu.layers.resending import padding, repeat, resend
from sfu.layers.timeline import Epoch, Timeline
from sfu.rtp.clock import abs_send_time
from sfu.rtp.packet import RtpPacket
from sfu.streams.history import PacketHistory
from sfu.streams.responder import NackResponder

PAD_PACKETS = 50
"""Probes send again some of the newest packets: a receiver has the older ones already, and drops them as unneeded."""
MAX_PADDING_BYTES = 255
SMALL_PAD_BYTES = 500


class Resender:
    """Resends for one Consumer, by RTX under its own count or, without RTX, as the very same packet."""

    def __init__(self, timeline: Timeline, first_rtx_seq: int) -> None:
        self.packets = 0
        self._timeline = timeline
        self._responder = NackResponder()
        self._entry: ForwardEntry | None = None
        self._rtx: ForwardEntry | None = None
        self._rtx_next = first_rtx_seq
        self._repeatable_from = 0
        self._pad_back = 0
        self._last_timestamp = 0

    def use(self, entry: ForwardEntry, rtx: ForwardEntry | None) -> None:
        """Send by these entries from now on.

        What was sent by earlier ones would now come out as other bytes: without RTX it must not be repeated, since a
        sequence number is sealed with one content only.
        """
        self._entry, self._rtx = entry, rtx
        self._repeatable_from = self._timeline.next_out

    def answer(
        self,
        lost: Iterable[int],
        highest_out: int,
        histories: Mapping[int, PacketHistory],
        now: float,
        rtt_s: float | None,
        allows: Callable[[int], bool] = lambda size_bytes: True,
        source: int | None = None,
    ) -> None:
        """Resend what can be found; ``histories`` by the SSRC of the Encoding, ``highest_out`` as sent so far.

        ``allows`` is asked for each packet; ``source``: only what came from this SSRC. Without RTX nothing is resent
        to a subscriber whose packets tell when they were sent, though some browsers ask for it unasked.
        """
        if self._rtx is None and self._entry is not None and not self._entry.plan.is_repeatable:
            return
        for seq in lost:
            traced = self._timeline.trace(seq, highest_out)
            if traced is None:
                continue
            epoch, out, source_seq, picture_delta = traced
            history = histories.get(epoch.source)
            packet = history.get(source_seq) if history is not None else None
            if packet is None or (self._rtx is None and out < self._repeatable_from):
                continue
            if source is not None and epoch.source != source:
                continue
            if self._responder.should_resend(out, now, rtt_s) and allows(len(packet.data)):
                self.packets += self._send(packet, epoch._replace(picture_delta=picture_delta), out, now)

    def pad(self, size_bytes: int, highest_out: int, histories: Mapping[int, PacketHistory], now: float) -> int:
        """Fill a probe by RTX with what was sent lately, or with padding alone; returns the bytes sent."""
        if self._rtx is None:
            return 0
        self._pad_back = self._pad_back % PAD_PACKETS + 1
        traced = self._timeline.trace((highest_out - self._pad_back) & 0xFFFF, highest_out)
        history = None if traced is None else histories.get(traced.epoch.source)
        packet = None if traced is None or history is None else history.get(traced.source_seq)
        if traced is None or packet is None or size_bytes < SMALL_PAD_BYTES or len(packet.data) < size_bytes // 2:
            sent = padding(self._rtx, self._rtx_next, self._last_timestamp, min(size_bytes, MAX_PADDING_BYTES))
            self._rtx_next += 1
            return sent
        epoch, out, _, picture_delta = traced
        self._send(packet, epoch._replace(picture_delta=picture_delta), out, now)
        return len(packet.data)

    def _send(self, packet: RtpPacket, epoch: Epoch, out: int, now: float) -> bool:
        entry = self._entry
        assert entry is not None
        current = self._timeline.current
        apply_epoch(entry, epoch)
        try:
            if self._rtx is None:
                sent = repeat(packet, entry, out)
            else:
                sent = resend(packet, entry, self._rtx, out, self._rtx_next, abs_send_time(now))
                self._last_timestamp = (packet.timestamp + entry.ts_offset) & 0xFFFFFFFF
                self._rtx_next += 1
        finally:
            if current is not None:
                apply_epoch(entry, current)
        return sent


def apply_epoch(entry: ForwardEntry, epoch: Epoch) -> None:
    """Make the entry write what ``epoch`` says."""
    entry.seq_offset = epoch.seq_offset
    entry.ts_offset = epoch.ts_offset
    entry.picture_delta = epoch.picture_delta
    entry.tl0_delta = epoch.tl0_delta
    entry.frame_delta = epoch.frame_delta
    entry.filter = epoch.filter
    changes = epoch.picture_delta or epoch.tl0_delta or epoch.filter is not None
    entry.rewrites_payload = bool(changes) or entry.red_in is not None
