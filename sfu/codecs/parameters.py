"""A codec as it is negotiated, and whether two of them understand each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from sfu.codecs.h264_profile import h264_profile

NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class CodecParameters:
    """One codec with its format parameters; ``mime`` is like ``audio/opus`` or ``video/VP8``, the clock rate in Hz."""

    mime: str
    clock_rate: int
    channels: int = 1
    fmtp: Mapping[str, str] = field(default_factory=lambda: NO_PARAMETERS, hash=False)

    @property
    def kind(self) -> Literal["audio", "video"]:
        """The medium."""
        return "audio" if self.mime.partition("/")[0].lower() == "audio" else "video"

    @property
    def name(self) -> str:
        """The codec's own name: ``opus``, ``red``, ``VP8``, ``VP9``, ``H264``, ``AV1``."""
        return self.mime.partition("/")[2]


def compatible(a: CodecParameters, b: CodecParameters) -> bool:
    """Whether what an encoder makes for ``a`` can be given to a decoder that was promised ``b``.

    Levels are left out: they limit, they do not change the format. Parameters that only tell a wish (Opus) do not
    count.
    """
    if a.mime.lower() != b.mime.lower() or a.clock_rate != b.clock_rate or a.channels != b.channels:
        return False
    match a.name.upper():
        case "H264":
            return _same_h264(a.fmtp, b.fmtp)
        case "VP9":
            return _value(a, "profile-id") == _value(b, "profile-id")
        case "AV1":
            return _value(a, "profile") == _value(b, "profile")
    return True


def _value(codec: CodecParameters, name: str) -> str:
    """A profile number; absent, it is 0 (RFC 9628 section 6, AV1 RTP specification section 7.2.3)."""
    return codec.fmtp.get(name, "0").strip()


def _same_h264(a: Mapping[str, str], b: Mapping[str, str]) -> bool:
    """Same profile, however it is written, and same packetization mode (RFC 6184 section 8.2.2)."""
    if a.get("packetization-mode", "0").strip() != b.get("packetization-mode", "0").strip():
        return False
    profile = h264_profile(a.get("profile-level-id"))
    return profile is not None and profile == h264_profile(b.get("profile-level-id"))
