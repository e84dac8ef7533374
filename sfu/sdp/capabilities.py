"""What we accept and offer: codecs in order of preference with fixed payload types, and header extensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sfu.sdp.types import Codec


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Codecs in order of preference, and the settings that show in an answer."""

    audio: tuple[Codec, ...]
    video: tuple[Codec, ...]
    audio_red: bool = False
    opus_dtx: bool = False
    max_message_size: int = 65536


def build_capabilities(
    *,
    audio_codecs: Sequence[str] = ("opus",),
    video_codecs: Sequence[str] = ("VP8", "VP9", "H264", "AV1"),
    audio_red: bool = False,
    opus_dtx: bool = False,
    max_message_size: int = 65536,
) -> Capabilities:
    """Capabilities from the settings' names of codecs."""
    raise NotImplementedError
