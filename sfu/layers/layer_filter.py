"""Leaves layers out of an Encoding for one Consumer, so that neither sequence numbers nor picture ids show a gap.

A run of packets that is left out begins a new range, in which numbers are lower by the length of the run. Packets that
were lost on their way to us keep their numbers, so that they still fit when they come late. Within one filter a number
is given out once, as AES-GCM demands.
"""

from __future__ import annotations

from bisect import bisect_right

from sfu.rtp.packet import RtpPacket

MAX_RANGES = 1_024
ALL_LAYERS = 7


class LayerFilter:
    """Decides on each packet of the Encoding in the order of arrival.

    ``spatial`` and ``temporal`` are the highest layers that pass now. They go down with the next picture and up where
    a decoder can follow: at a key frame, and for temporal layers where a frame needs lower layers only.
    ``renumbers_pictures``: pictures are counted one by one (VP8); elsewhere they refer to each other by distance.
    """

    __slots__ = (
        "_dropped_picture",
        "_first_in",
        "_offset",
        "_picture",
        "_renumbers_pictures",
        "_timestamp",
        "highest_in",
        "picture_delta",
        "spatial",
        "target_spatial",
        "target_temporal",
        "temporal",
    )

    def __init__(
        self, first_in: int, seq_offset: int, picture_delta: int, highest_in: int, *, renumbers_pictures: bool
    ) -> None:
        self.spatial = self.temporal = self.target_spatial = self.target_temporal = ALL_LAYERS
        self.highest_in = highest_in
        self.picture_delta = picture_delta
        self._renumbers_pictures = renumbers_pictures
        self._dropped_picture: int | None = None
        self._timestamp = -1
        # Parallel lists, one entry a range: where it begins, and what is added within it.
        self._first_in = [first_in]
        self._offset = [seq_offset]
        self._picture = [picture_delta]

    def aim(self, spatial: int, temporal: int) -> None:
        """Let pass up to these layers, as soon as that can be."""
        self.target_spatial, self.target_temporal = spatial, temporal

    def place(self, packet: RtpPacket) -> int | None:
        """The outgoing number of ``packet``, None if it is left out; ``picture_delta`` then is that of this packet."""
        ext_in = packet.ext_seq
        if ext_in <= self.highest_in:
            return self._place_late(ext_in)
        self.highest_in = ext_in
        info = packet.info
        if packet.timestamp != self._timestamp:
            self._timestamp = packet.timestamp
            self.spatial = min(self.spatial, self.target_spatial)
            self.temporal = min(self.temporal, self.target_temporal)
        if info is not None:
            if info.frame_start and self.wants_more:
                self._rise(info.key_frame, info.switch_up, info.spatial, info.temporal)
            if info.spatial > self.spatial or info.temporal > self.temporal:
                self._leave_out(ext_in, info.picture_id)
                return None
        self.picture_delta = self._picture[-1]
        return ext_in + self._offset[-1]

    def _rise(self, key_frame: bool, switch_up: bool, spatial: int, temporal: int) -> None:
        if key_frame:
            self.spatial, self.temporal = self.target_spatial, self.target_temporal
        elif switch_up:
            if self.temporal < temporal <= self.target_temporal:
                self.temporal = temporal
            elif self.spatial + 1 == spatial <= self.target_spatial and temporal <= self.temporal:
                self.spatial = spatial

    def _leave_out(self, ext_in: int, picture_id: int | None) -> None:
        picture = self._picture[-1]
        if self._renumbers_pictures and picture_id is not None and picture_id != self._dropped_picture:
            self._dropped_picture = picture_id
            picture -= 1
        if self._first_in[-1] == ext_in:  # the run goes on
            self._first_in[-1] = ext_in + 1
            self._offset[-1] -= 1
            self._picture[-1] = picture
            return
        self._first_in.append(ext_in + 1)
        self._offset.append(self._offset[-1] - 1)
        self._picture.append(picture)
        if len(self._first_in) > MAX_RANGES:
            half = MAX_RANGES // 2
            del self._first_in[:half], self._offset[:half], self._picture[:half]

    def _place_late(self, ext_in: int) -> int | None:
        """A packet that was overtaken: whatever its layer, its number is still free, unless it was left out before."""
        place = bisect_right(self._first_in, ext_in) - 1
        if place < 0:
            return None
        out = ext_in + self._offset[place]
        if place + 1 < len(self._first_in) and out >= self._first_in[place + 1] + self._offset[place + 1]:
            return None
        self.picture_delta = self._picture[place]
        return out

    def ends_picture(self, packet: RtpPacket) -> bool:
        """Whether ``packet`` is the last of its picture, once the higher spatial layers are left out."""
        info = packet.info
        return packet.marker or (info is not None and info.frame_end and info.spatial == self.spatial)

    @property
    def wants_more(self) -> bool:
        """Whether a place is awaited where higher layers can pass."""
        return self.spatial < self.target_spatial or self.temporal < self.target_temporal

    @property
    def newest_picture_delta(self) -> int:
        """What is added to the picture ids of the newest packets."""
        return self._picture[-1]

    @property
    def highest_out(self) -> int:
        """The highest number given out, or that a packet still missing will have."""
        return self.highest_in + self._offset[-1]

    def source_of(self, out: int) -> tuple[int, int] | None:
        """(incoming number, picture delta) of an outgoing number; None if it is too old."""
        for place in range(len(self._first_in) - 1, -1, -1):
            if out >= self._first_in[place] + self._offset[place]:
                return out - self._offset[place], self._picture[place]
        return None
