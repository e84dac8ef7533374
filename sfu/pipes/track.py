"""What the shard that gets a Producer by a pipe has to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sfu.codecs.parameters import CodecParameters
from sfu.rtp.extensions import Uri
from sfu.sdp.types import EncodingSpec, NegotiatedCodec, ReceiveSection

MAX_TRACKS = 1_000
_NOT_PIPED = frozenset({Uri.MID, Uri.RID, Uri.RRID, Uri.TRANSPORT_CC, Uri.ABS_SEND_TIME})


@dataclass(frozen=True, slots=True)
class PipedTrack:
    """One Producer. ``encodings``: SSRC on the pipe and RID of each; payload types and extension ids are its own."""

    producer_id: str
    owner: str
    source: str
    stream_id: str
    kind: Literal["audio", "video"]
    codec: CodecParameters
    payload_type: int
    extensions: Mapping[str, int]
    muted: bool
    encodings: tuple[tuple[int, str], ...]

    def section(self) -> ReceiveSection:
        """As if its publisher had negotiated it here. A resend is the same packet again: there is no RTX."""
        feedback = frozenset({"nack", "nack pli"}) if self.kind == "video" else frozenset[str]()
        specs = tuple(EncodingSpec(rid=rid, ssrc=ssrc) for ssrc, rid in self.encodings)
        codec = NegotiatedCodec(self.payload_type, self.codec, feedback=feedback)
        return ReceiveSection(self.producer_id, self.kind, True, codec, self.extensions, specs, None, self.owner)

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        codec = self.codec
        return {
            "producer_id": self.producer_id,
            "owner": self.owner,
            "source": self.source,
            "stream_id": self.stream_id,
            "kind": self.kind,
            "codec": [codec.mime, codec.clock_rate, codec.channels, dict(codec.fmtp)],
            "payload_type": self.payload_type,
            "extensions": dict(self.extensions),
            "muted": self.muted,
            "encodings": [list(encoding) for encoding in self.encodings],
        }

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> PipedTrack:
        """Of JSON values; raises KeyError, TypeError or ValueError."""
        mime, clock_rate, channels, fmtp = values["codec"]
        kind: Literal["audio", "video"] = "audio" if values["kind"] == "audio" else "video"
        return cls(
            str(values["producer_id"]),
            str(values["owner"]),
            str(values["source"]),
            str(values["stream_id"]),
            kind,
            CodecParameters(str(mime), int(clock_rate), int(channels), {str(k): str(v) for k, v in fmtp.items()}),
            int(values["payload_type"]),
            {str(uri): int(number) for uri, number in values["extensions"].items()},
            bool(values["muted"]),
            tuple((int(ssrc), str(rid)) for ssrc, rid in values["encodings"]),
        )


def piped_extensions(extensions: Mapping[str, int]) -> dict[str, int]:
    """Those that go through a pipe: none that names a stream or tells of the path, which is another one there.

    So nothing in a packet changes with the time of sending, and a resend may be sealed under the same number.
    """
    return {uri: number for uri, number in extensions.items() if uri not in _NOT_PIPED}
