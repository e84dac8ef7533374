"""The codecs we can describe, by their names in session descriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sfu.codecs.av1 import describe_av1
from sfu.codecs.h264 import describe_h264
from sfu.codecs.opus import describe_opus
from sfu.codecs.red import describe_red
from sfu.codecs.vp8 import describe_vp8
from sfu.codecs.vp9 import describe_vp9
from sfu.rtp.payload_info import PayloadInfo

Describe = Callable[[bytes, int, int, bool], PayloadInfo]
"""(data, start, end, marker) → description of the payload ``data[start:end]``, which is not empty."""


def describe_opaque(_data: bytes, _start: int, _end: int, marker: bool) -> PayloadInfo:
    """A payload we know nothing of: each packet may be the beginning."""
    return PayloadInfo(True, True, marker)


DESCRIBERS: Final[dict[str, Describe]] = {
    "opus": describe_opus,
    "red": describe_red,
    "VP8": describe_vp8,
    "VP9": describe_vp9,
    "H264": describe_h264,
    "AV1": describe_av1,
}
