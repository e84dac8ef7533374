"""What one packet's payload is to the engine, whichever codec it is."""

from __future__ import annotations

from typing import Literal


class PayloadInfo:
    """The description of one payload; a plain class, made once for each received video packet.

    ``key_frame``: a key frame begins in this packet, so a decoder can begin here.
    ``frame_start``: the first packet of a frame (of a layer's frame, for VP9 and AV1); for H.264, which does not mark
    it, a packet with which a frame may begin.
    ``frame_end``: the last packet of a frame: VP9 and the dependency descriptor tell it, else it is the marker bit.
    ``switch_up``: from here a subscriber may be given this layer who had a lower one until now.
    ``discardable``: no other frame needs this one.
    ``picture_id_bits``: the width of the picture id: 0 (none), 7 or 15.
    ``frame_number``: that of the dependency descriptor.
    ``dtx``: Opus only: silence, the encoder sends next to nothing (discontinuous transmission).
    """

    __slots__ = (
        "discardable",
        "dtx",
        "frame_end",
        "frame_number",
        "frame_start",
        "key_frame",
        "key_idx",
        "picture_id",
        "picture_id_bits",
        "spatial",
        "switch_up",
        "temporal",
        "tl0_pic_idx",
    )

    def __init__(self, key_frame: bool, frame_start: bool, frame_end: bool) -> None:
        self.key_frame = key_frame
        self.frame_start = frame_start
        self.frame_end = frame_end
        self.spatial = 0
        self.temporal = 0
        self.switch_up = key_frame
        self.discardable = False
        self.picture_id: int | None = None
        self.picture_id_bits: Literal[0, 7, 15] = 0
        self.tl0_pic_idx: int | None = None
        self.key_idx: int | None = None
        self.frame_number: int | None = None
        self.dtx = False

    def __repr__(self) -> str:
        return "PayloadInfo(" + ", ".join(f"{name}={getattr(self, name)}" for name in self.__slots__) + ")"
