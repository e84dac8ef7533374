"""What a depacketiser makes, and what all of them do alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from sfu.rtp.packet import RtpPacket


@dataclass(slots=True)
class Frame:
    """One coded frame: a picture with all its layers, or a packet of sound.

    ``timestamp`` is the unwrapped RTP timestamp, ``arrival`` when its last packet came (monotonic seconds).
    ``data``: VP8 and VP9 frames (VP9 with a superframe index if there are layers), H.264 NAL units each behind four
    bytes of length, AV1 OBUs each with its size and no temporal delimiter, an Opus packet. ``gap_before``: something
    that belongs before it was lost. ``discardable``: no other frame needs it.
    """

    timestamp: int
    data: bytes
    key_frame: bool
    arrival: float
    gap_before: bool = False
    discardable: bool = False


class FrameAssembler(Protocol):
    """Turns the packets of one SSRC, in order, into frames.

    ``wants_key_frame``: nothing more comes out until a key frame does. ``counters``: frames dropped and malformed
    packets by reason.
    """

    wants_key_frame: bool
    counters: Counter[str]

    def push(self, packet: RtpPacket, lost_before: int) -> list[Frame]:
        """The frames that this packet completes; ``lost_before`` packets are missing right before it.

        A malformed packet is counted and taken for lost.
        """
        ...

    def interrupt(self) -> None:
        """Packets were left out on purpose (a mute): what comes next cannot build on what came before."""
        ...
