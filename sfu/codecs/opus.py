"""Opus (RFC 7587): each packet stands for itself."""

from __future__ import annotations

from sfu.rtp.payload_info import PayloadInfo

DTX_MAX_BYTES = 2
"""With discontinuous transmission (RFC 6716 section 2.1.9) silence is a TOC byte with one byte after it at most."""
DTX_INTERVAL_SAMPLES = 19_200
"""So often at the least a silent encoder sends a packet that says how the silence sounds: 400 ms at 48 kHz."""


def describe_opus(_data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    """A decoder can begin with any packet; the marker opens a talk spurt (RFC 7587 section 4.1), so it ends nothing."""
    info = PayloadInfo(True, True, True)
    info.dtx = end - start <= DTX_MAX_BYTES
    return info
