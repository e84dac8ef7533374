"""What an operator may set of the media engine."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

VideoCodec = Literal["VP8", "VP9", "H264", "AV1"]


class MediaOptions(BaseModel):
    """Ports, addresses and codecs of the engine; part of the settings tree as ``media``."""

    model_config = ConfigDict(extra="forbid")

    hosts: list[str] = Field(default=["0.0.0.0", "::"], description="Addresses to bind the media ports to.")
    port: int = Field(default=3478 + 7000, ge=0, le=65535, description="UDP port of all transports; 0: any free one.")
    tcp_port: int | None = Field(
        default=None, ge=0, le=65535, description="TCP port of ICE-TCP; absent: the number of the UDP port; 0: any."
    )
    tcp: bool = Field(default=True, description="Offer ICE-TCP to networks that block UDP.")
    announced_addresses: list[str] = Field(
        default=[], description="Addresses that browsers are told; empty: those of this machine's interfaces."
    )
    audio_codecs: list[Literal["opus"]] = Field(default=["opus"], description="Audio codecs, most preferred first.")
    audio_red: bool = Field(
        default=True,
        description="Ask publishers for redundant audio (RED, RFC 2198): "
        "about 30 kbit/s more a voice, and lost packets are not heard.",
    )
    audio_dtx: bool = Field(
        default=True,
        description="Ask publishers to send next to nothing while they are silent (DTX): "
        "all but those who send stereo, which is music.",
    )
    max_voices: int = Field(
        default=0, ge=0, description="In a room with more microphones, so many of the loudest are passed on; 0: all."
    )
    video_codecs: list[VideoCodec] = Field(
        default=["VP8", "VP9", "H264", "AV1"], description="Video codecs that are accepted, most preferred first."
    )
    max_history_packets: int = Field(default=1024, ge=64, le=16384, description="Packets kept for resends, a stream.")
