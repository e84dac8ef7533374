"""Joins stretches of a Producer's Encodings to the one unbroken stream that a Consumer sends."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from sfu.encoding import Encoding
from sfu.layers.forward import ForwardEntry
from sfu.layers.layer_filter import LayerFilter
from sfu.layers.resender import Resender, apply_epoch
from sfu.layers.timeline import Epoch, Timeline, aligned_timestamp
from sfu.rtp.packet import RtpPacket

if TYPE_CHECKING:
    from random import Random

    from sfu.consumer import Consumer

FIRST_SEQUENCE_LIMIT = 1 << 15
"""First sequence numbers lie below this, so that a receiver that misses the first packets guesses ROC 0 right."""


class Splicer:
    """Numbers, timestamps and picture ids of one Consumer, across starts, switches and pauses."""

    def __init__(self, owner: Consumer, random: Random) -> None:
        self.entry: ForwardEntry | None = None
        self.encoding: Encoding | None = None
        self._owner = weakref.ref(owner)  # whose own this is
        self._timeline = Timeline(random.randrange(FIRST_SEQUENCE_LIMIT))
        self.resender = Resender(self._timeline, random.randrange(FIRST_SEQUENCE_LIMIT))
        self.begun_at = 0.0
        self._last_out_timestamp: int | None = None
        self._last_out_at = 0.0
        self._picture_id_out: int | None = None
        self._tl0_out: int | None = None
        self._frame_out: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether packets of ``encoding`` are being forwarded."""
        return self.encoding is not None and self._owner() in self.encoding.consumers

    @property
    def epoch(self) -> Epoch | None:
        """The stretch that is being forwarded, or was last."""
        return self._timeline.current

    def use(self, entry: ForwardEntry, rtx: ForwardEntry | None) -> None:
        """Forward by this entry from the next beginning on."""
        self.entry = entry
        self.resender.use(entry, rtx)

    # -- stretches -------------------------------------------------------------------------------------------------

    def begin(self, encoding: Encoding, packet: RtpPacket, now: float) -> None:
        """Forward from ``packet`` on, which a decoder can begin with."""
        entry = self.entry
        assert entry is not None
        if self.encoding is not encoding:
            self.leave()
        elif self.is_running:
            return  # it goes on: a second entry would seal two packets under one number
        picture_delta, tl0_delta = self._index_deltas(packet)
        epoch = self._timeline.begin(
            encoding.ssrc,
            packet.ext_seq,
            ts_offset=self._timestamp_offset(encoding, packet, now),
            picture_delta=picture_delta,
            tl0_delta=tl0_delta,
            frame_delta=self._frame_delta(packet),
        )
        entry.first_in = packet.ext_seq
        apply_epoch(entry, epoch)
        self.encoding = encoding
        self.begun_at = now
        owner = self._owner()
        assert owner is not None
        encoding.attach(owner, entry)

    def leave(self, last_in: int | None = None) -> None:
        """End the stretch and remember where its numbers ended, by default at the highest that arrived."""
        encoding, entry, epoch = self.encoding, self.entry, self._timeline.current
        if encoding is None or entry is None or epoch is None or not self.is_running:
            return
        owner = self._owner()
        assert owner is not None
        encoding.detach(owner)
        if last_in is None:
            last_in = encoding.stream.max_ext_seq
        if last_in >= entry.first_in:
            self._timeline.end(last_in)
        self._last_out_timestamp = (encoding.last_timestamp + epoch.ts_offset) & 0xFFFFFFFF
        self._last_out_at = encoding.last_arrival
        picture_delta = epoch.picture_delta if epoch.filter is None else epoch.filter.newest_picture_delta
        if encoding.last_picture_id is not None:
            self._picture_id_out = (encoding.last_picture_id + picture_delta) & 0x7FFF
        if encoding.last_tl0 is not None:
            self._tl0_out = (encoding.last_tl0 + epoch.tl0_delta) & 0xFF
        if encoding.last_frame_number is not None:
            self._frame_out = (encoding.last_frame_number + epoch.frame_delta) & 0xFFFF

    def limit(self, spatial: int, temporal: int, *, next_in: int | None = None) -> None:
        """Leave higher layers of the current stretch out; ``next_in``: from this packet on, which comes now."""
        encoding, entry = self.encoding, self.entry
        assert encoding is not None and entry is not None
        highest_in = encoding.stream.max_ext_seq if next_in is None else next_in - 1
        layers = self._timeline.filter_from(highest_in, renumbers_pictures=encoding.codec_name == "VP8")
        layers.aim(spatial, temporal)
        entry.filter = layers
        entry.rewrites_payload = True

    @property
    def filter(self) -> LayerFilter | None:
        """What is left out of the current stretch, if anything ever was."""
        return self.entry.filter if self.entry is not None else None

    # -- what makes it invisible -----------------------------------------------------------------------------------

    def _timestamp_offset(self, encoding: Encoding, packet: RtpPacket, now: float) -> int:
        last = self._last_out_timestamp
        previous = self._timeline.current
        if last is None or previous is None:
            return 0
        if self.encoding is encoding:
            return previous.ts_offset
        mapped = self._mapped_timestamp(encoding, packet, previous, now)
        out = aligned_timestamp(last, now - self._last_out_at, encoding.stream.clock_rate, mapped)
        return (out - packet.timestamp) & 0xFFFFFFFF

    def _mapped_timestamp(self, encoding: Encoding, packet: RtpPacket, previous: Epoch, now: float) -> int | None:
        """Where the publisher's sender reports put ``packet`` on the timeline that was sent so far."""
        if self.encoding is None or not (self.encoding.clock.reports and encoding.clock.reports):
            return None
        there, here = self.encoding.clock.rtp_at(now), encoding.clock.rtp_at(now)
        if here is None or there is None:
            return None
        return packet.timestamp + round(there - here) + previous.ts_offset & 0xFFFFFFFF

    def _index_deltas(self, packet: RtpPacket) -> tuple[int, int]:
        """What to add to VP8/VP9 picture indices so that they go on by one from the last picture sent."""
        info = packet.info
        if info is None or self._picture_id_out is None or info.picture_id is None:
            return 0, 0
        picture = (self._picture_id_out + 1 - info.picture_id) & 0x7FFF
        tl0 = 0
        if self._tl0_out is not None and info.tl0_pic_idx is not None:
            tl0 = (self._tl0_out + 1 - info.tl0_pic_idx) & 0xFF
        return picture, tl0

    def _frame_delta(self, packet: RtpPacket) -> int:
        """What to add to the frame numbers of the dependency descriptor, likewise."""
        info = packet.info
        if info is None or info.frame_number is None or self._frame_out is None:
            return 0
        return (self._frame_out + 1 - info.frame_number) & 0xFFFF

    # -- figures ---------------------------------------------------------------------------------------------------

    def highest_out(self) -> int:
        """The highest outgoing extended sequence number so far."""
        if self.encoding is not None and self.is_running:
            return self._timeline.highest_out(self.encoding.stream.max_ext_seq)
        return self._timeline.next_out - 1

    def timestamp_at(self, now: float) -> int | None:
        """What the outgoing media clock shows now, as far as the publisher's reports tell."""
        epoch = self._timeline.current
        if self.encoding is None or epoch is None:
            return None
        timestamp = self.encoding.clock.rtp_at(now)
        return None if timestamp is None else (round(timestamp) + epoch.ts_offset) & 0xFFFFFFFF
