"""What we accept and offer: codecs in order of preference with fixed payload types, and header extensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sfu.codecs.parameters import CodecParameters
from sfu.rtp.extensions import Uri
from sfu.sdp.types import Codec

AUDIO_FEEDBACK = frozenset({"transport-cc", "nack"})
VIDEO_FEEDBACK = frozenset({"transport-cc", "goog-remb", "nack", "nack pli", "ccm fir"})
OPUS_PARAMETERS = {"minptime": "10", "useinbandfec": "1"}

# Profile and constraints with level 3.1; browsers allow asymmetric levels, so the level binds nobody.
H264_PROFILES = ("42e01f", "42001f", "4d001f", "64001f", "640c1f")

# What we accept of a publisher's header extensions. Left out are
# - playout-delay: how much delay a picture may have is between us and each subscriber, not the publisher's to say;
# - video-timing and toffset: they tell of the sender's own pacing, which ours makes untrue;
# - color-space: the bitstreams say it themselves, and subscribers whose browser lacks it would lose it anyway.
_RECEIVED_EVERYWHERE = (Uri.MID, Uri.ABS_SEND_TIME, Uri.TRANSPORT_CC, Uri.ABS_CAPTURE_TIME)
RECEIVED_EXTENSIONS: dict[str, frozenset[str]] = {
    "audio": frozenset({*_RECEIVED_EVERYWHERE, Uri.AUDIO_LEVEL}),
    "video": frozenset(
        {
            *_RECEIVED_EVERYWHERE,
            Uri.RID,
            Uri.RRID,
            Uri.VIDEO_ORIENTATION,
            Uri.VIDEO_CONTENT_TYPE,
            Uri.DEPENDENCY_DESCRIPTOR,
            Uri.VIDEO_LAYERS_ALLOCATION,
        }
    ),
}

# The ids of our offers: one meaning in all sections of a bundle (RFC 9143 9.2), and small enough for both forms.
_SENT_EVERYWHERE = {Uri.MID: 1, Uri.ABS_SEND_TIME: 2, Uri.TRANSPORT_CC: 3, Uri.ABS_CAPTURE_TIME: 9}
SENT_EXTENSIONS: dict[str, dict[str, int]] = {
    "audio": {**_SENT_EVERYWHERE, Uri.AUDIO_LEVEL: 4},
    "video": {
        **_SENT_EVERYWHERE,
        Uri.VIDEO_ORIENTATION: 5,
        Uri.PLAYOUT_DELAY: 6,
        Uri.VIDEO_CONTENT_TYPE: 7,
        Uri.DEPENDENCY_DESCRIPTOR: 8,
    },
}
# Without these nothing could be told apart or measured, so they are in every offer.
ALWAYS_SENT = frozenset({Uri.MID, Uri.TRANSPORT_CC, Uri.ABS_SEND_TIME})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Codecs in order of preference, and the settings that show in an answer."""

    audio: tuple[Codec, ...]
    video: tuple[Codec, ...]
    audio_red: bool = False
    opus_dtx: bool = False
    max_message_size: int = 65536

    def codecs(self, kind: str) -> tuple[Codec, ...]:
        """Those of ``audio`` or ``video``; none for anything else."""
        return {"audio": self.audio, "video": self.video}.get(kind, ())


def build_capabilities(
    *,
    audio_codecs: Sequence[str] = ("opus",),
    video_codecs: Sequence[str] = ("VP8", "VP9", "H264", "AV1"),
    audio_red: bool = False,
    opus_dtx: bool = False,
    max_message_size: int = 65536,
) -> Capabilities:
    """Capabilities from the settings' names of codecs, most preferred first."""
    by_name: dict[str, list[Codec]] = {}
    for codec in FIXED_CODECS:
        by_name.setdefault(codec.parameters.mime.partition("/")[2], []).append(codec)
    return Capabilities(
        audio=tuple(codec for name in audio_codecs for codec in by_name[name]),
        video=tuple(codec for name in video_codecs for codec in by_name[name]),
        audio_red=audio_red,
        opus_dtx=opus_dtx,
        max_message_size=max_message_size,
    )


def _fixed_codecs() -> Iterator[Codec]:
    yield Codec(111, CodecParameters("audio/opus", 48000, 2, OPUS_PARAMETERS), AUDIO_FEEDBACK)
    yield _video(96, "VP8", {})
    yield _video(98, "VP9", {"profile-id": "0"})
    yield _video(100, "VP9", {"profile-id": "2"})
    payload_types = iter((*range(102, 110, 2), 120, *range(112, 120, 2), 122))
    for mode in ("1", "0"):
        for profile in H264_PROFILES:
            yield _video(next(payload_types), "H264", h264_parameters(profile, mode))
    yield _video(45, "AV1", {"level-idx": "5", "profile": "0", "tier": "0"})


def h264_parameters(profile_level_id: str, packetization_mode: str) -> dict[str, str]:
    """Format parameters of H.264 (RFC 6184 8.1) as browsers write them."""
    return {
        "level-asymmetry-allowed": "1",
        "packetization-mode": packetization_mode,
        "profile-level-id": profile_level_id,
    }


def _video(payload_type: int, name: str, parameters: dict[str, str]) -> Codec:
    described = CodecParameters(f"video/{name}", 90000, 1, parameters)
    return Codec(payload_type, described, VIDEO_FEEDBACK, payload_type + 1)


FIXED_CODECS: tuple[Codec, ...] = tuple(_fixed_codecs())
