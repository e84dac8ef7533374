"""From RTP packets in order to whole frames, for each codec."""

from __future__ import annotations

from media.depacketise.frame import Frame, FrameAssembler
from media.depacketise.opus import OpusAssembler, RedAssembler
from media.depacketise.video import Av1Assembler, H264Assembler, Vp8Assembler, Vp9Assembler

__all__ = ["Frame", "FrameAssembler", "assembler_for"]

_ASSEMBLERS: dict[str, type[FrameAssembler]] = {
    "VP8": Vp8Assembler,
    "VP9": Vp9Assembler,
    "H264": H264Assembler,
    "AV1": Av1Assembler,
    "OPUS": OpusAssembler,
    "RED": RedAssembler,
}


def assembler_for(codec: str, red_payload_type: int | None = None) -> FrameAssembler | None:
    """The assembler for a codec by its name in session descriptions; None if there is none for it.

    Packets of ``red_payload_type`` are redundant audio, those of other types the plain codec.
    """
    if red_payload_type is not None and codec.upper() == "OPUS":
        return RedAssembler(red_payload_type)
    kind = _ASSEMBLERS.get(codec.upper())
    return None if kind is None else kind()
