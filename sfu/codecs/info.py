"""What a payload is: the one entry to all codecs' descriptors."""

from __future__ import annotations

from sfu.codecs.registry import DESCRIBERS, describe_opaque
from sfu.errors import MalformedPacket
from sfu.rtp.payload_info import PayloadInfo

__all__ = ["PayloadInfo", "describe"]


def describe(
    codec_name: str, data: bytes, start: int, end: int, marker: bool, dependency_descriptor: bytes | None = None
) -> PayloadInfo:
    """Describe the payload ``data[start:end]`` of a codec by its name in session descriptions (``VP8``, ``opus``).

    A packet of a codec that we do not know is a place to begin like any other. The dependency descriptor, if given,
    tells where frames begin and end better than a payload does; layers need ``DependencyDescriptorReader``, which
    keeps the template structure. Raises MalformedPacket, and nothing else, whatever the bytes.
    """
    if start >= end:
        raise MalformedPacket("payload_empty")
    info = DESCRIBERS.get(codec_name, describe_opaque)(data, start, end, marker)
    if dependency_descriptor:
        info.frame_start = dependency_descriptor[0] & 0x80 != 0
        info.frame_end = dependency_descriptor[0] & 0x40 != 0
    return info
