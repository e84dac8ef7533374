"""Payload types of our offers: one codec, one number, in all sections of a bundle (RFC 9143 9.1) and for good."""

from __future__ import annotations

from dataclasses import replace

from sfu.codecs.parameters import CodecParameters, compatible
from sfu.errors import NegotiationError
from sfu.sdp.bundle import settle_feedback
from sfu.sdp.capabilities import (
    ALWAYS_SENT,
    AUDIO_FEEDBACK,
    FIXED_CODECS,
    OPUS_PARAMETERS,
    VIDEO_FEEDBACK,
    h264_parameters,
)
from sfu.sdp.types import Codec

RED_PAYLOAD_TYPE = 63
_Key = tuple[str, int, int, frozenset[tuple[str, str]]]
_TAKEN = {n for codec in FIXED_CODECS for n in (codec.payload_type, codec.rtx_payload_type)} | {RED_PAYLOAD_TYPE}
_FREE = tuple(n for n in (*range(35, 64), *range(96, 128)) if n not in _TAKEN)


class PayloadTypes:
    """Finds, or gives, the numbers of a codec. Once given they stay, so that a late packet keeps its meaning."""

    def __init__(self) -> None:
        self._codecs = {_key(codec.parameters): _offered(codec) for codec in FIXED_CODECS}
        self._red = {"111/111": RED_PAYLOAD_TYPE}
        self._free = list(reversed(_FREE))

    def codec(self, parameters: CodecParameters) -> Codec:
        """The codec as it is offered; for video with resends and all feedback.

        When every number is taken, that of a compatible codec serves (another level of H.264, which decoders do not
        mind); if there is none either, raises NegotiationError ``not_supported``.
        """
        wanted = as_offered(parameters)
        key = _key(wanted)
        if key not in self._codecs:
            if len(self._free) < 2:
                return self._fallback(wanted)
            video = wanted.kind == "video"
            number = self._free.pop()
            feedback = VIDEO_FEEDBACK if video else AUDIO_FEEDBACK
            self._codecs[key] = _offered(Codec(number, wanted, feedback, self._free.pop() if video else None))
        return self._codecs[key]

    def red(self, opus: Codec) -> Codec:
        """Redundant audio (RFC 2198) around ``opus``."""
        blocks = f"{opus.payload_type}/{opus.payload_type}"
        if blocks not in self._red:
            if not self._free:
                raise NegotiationError("not_supported", "no payload type is left")
            self._red[blocks] = self._free.pop()
        parameters = replace(opus.parameters, mime="audio/red", fmtp={blocks: ""})
        return Codec(self._red[blocks], parameters)

    def _fallback(self, wanted: CodecParameters) -> Codec:
        for codec in self._codecs.values():
            if compatible(codec.parameters, wanted):
                return codec
        raise NegotiationError("not_supported", "no payload type is left")


def as_offered(parameters: CodecParameters) -> CodecParameters:
    """A Producer's codec with exactly the format parameters that a decoder must know of."""
    given = parameters.fmtp
    match parameters.name:
        case "opus":
            stereo = given.get("stereo") == "1" or given.get("sprop-stereo") == "1"
            # stereo: what we like to receive; sprop-stereo: what we send (RFC 7587 6.1). Browsers decode stereo only
            # when their own answer says stereo=1, which a page may copy from here.
            extra = {"stereo": "1", "sprop-stereo": "1"} if stereo else {}
            kept = {**OPUS_PARAMETERS, **extra}
        case "H264":
            profile_level_id = "".join(given.get("profile-level-id", "42e01f").lower().split())
            kept = h264_parameters(profile_level_id, given.get("packetization-mode", "0"))
        case "VP9":
            kept = {"profile-id": given.get("profile-id", "0")}
        case "AV1":
            kept = {"level-idx": "5", "profile": given.get("profile", "0"), "tier": "0"}
        case _:
            kept = {}
    return replace(parameters, fmtp=kept)


def _offered(codec: Codec) -> Codec:
    """With the feedback of what we send.

    Sound has no RTX, so that it could only be resent if it had no transport-wide numbers: we do not offer to. Its
    redundancy (RED) repairs it without a round trip.
    """
    feedback = settle_feedback(codec.feedback, ALWAYS_SENT)
    return replace(codec, feedback=feedback if codec.parameters.kind == "video" else feedback - {"nack"})


def _key(parameters: CodecParameters) -> _Key:
    return (parameters.mime, parameters.clock_rate, parameters.channels, frozenset(parameters.fmtp.items()))
