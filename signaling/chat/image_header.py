"""What an uploaded image really is, read from its first bytes: PNG, JPEG, GIF or WebP; nothing is decoded.

SVG is none of them: it is a document that can hold scripts.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from signaling.chat.options import ImageType

EXTENSIONS: dict[ImageType, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}
# ITU-T T.81 table B.1: the start-of-frame markers; 0xC4, 0xC8 and 0xCC are none.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Type and size in pixels."""

    media_type: ImageType
    width: int
    height: int


def read_image_header(data: bytes) -> ImageHeader | None:
    """The header of ``data``; None if it is no image that we know, or one without pixels."""
    try:
        header = _png(data) or _jpeg(data) or _gif(data) or _webp(data)
    except (struct.error, IndexError):
        return None
    return header if header is not None and header.width > 0 and header.height > 0 else None


def _png(data: bytes) -> ImageHeader | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"):
        return None
    return ImageHeader("image/png", *struct.unpack_from("!II", data, 16))


def _jpeg(data: bytes) -> ImageHeader | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _SOF:
            height, width = struct.unpack_from("!HH", data, at + 5)
            return ImageHeader("image/jpeg", width, height)
        elif marker in (0xD9, 0xDA):  # the picture begins or ends without a frame
            return None
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if length < 2:
                return None
            at += 2 + length
    return None


def _gif(data: bytes) -> ImageHeader | None:
    if not data.startswith((b"GIF87a", b"GIF89a")):
        return None
    return ImageHeader("image/gif", *struct.unpack_from("<HH", data, 6))


def _webp(data: bytes) -> ImageHeader | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8X":  # RFC 9649 section 2.7
        width = int.from_bytes(data[24:27], "little") + 1 if len(data) >= 30 else 0
        return ImageHeader("image/webp", width, int.from_bytes(data[27:30], "little") + 1)
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageHeader("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageHeader("image/webp", width & 0x3FFF, height & 0x3FFF)
    return None
