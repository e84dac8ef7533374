"""The two session descriptions of a client: an offer of what it sends, and answers to what the server offers."""

from __future__ import annotations

from dataclasses import replace

from sfu.codecs.parameters import CodecParameters
from sfu.rtp.extensions import Uri
from sfu.sdp.bundle import put_transport, refused
from sfu.sdp.types import Codec, LocalTransport, MediaSection, SessionDescription

AUDIO_PT, VIDEO_PT = 111, 96
TRANSPORT_CC_ID, LEVEL_ID = 3, 4
_OPUS = CodecParameters("audio/opus", 48_000, 2, {"minptime": "10", "useinbandfec": "1"})
_VP8 = CodecParameters("video/VP8", 90_000)
_AUDIO = Codec(AUDIO_PT, _OPUS, frozenset({"transport-cc"}))
_VIDEO = Codec(VIDEO_PT, _VP8, frozenset({"transport-cc", "nack", "nack pli", "ccm fir"}))
_TAKEN = frozenset({"transport-cc", "nack pli", "ccm fir"})


def offer(local: LocalTransport, ssrcs: dict[str, int]) -> SessionDescription:
    """Offer to send a medium each; ``ssrcs`` by kind: ``audio``, ``video``."""
    sections = []
    for mid, (kind, ssrc) in enumerate(ssrcs.items()):
        extensions = {TRANSPORT_CC_ID: Uri.TRANSPORT_CC} | ({LEVEL_ID: Uri.AUDIO_LEVEL} if kind == "audio" else {})
        sections.append(
            MediaSection(
                kind=kind,
                mid=str(mid),
                direction="sendonly",
                codecs=[_AUDIO if kind == "audio" else _VIDEO],
                extensions=dict(extensions),
                ssrcs={ssrc: {"cname": "load"}},
                msid=("load", kind),
                rtcp_mux=True,
            )
        )
    put_transport(sections, local, "actpass")
    return SessionDescription("1", 1, sections, bundle=tuple(s.mid for s in sections))


def answer(offered: SessionDescription, local: LocalTransport, version: int, *, feedback: bool) -> SessionDescription:
    """Take everything, each with its first codec; nothing is asked to be sent again. ``feedback``: transport-wide."""
    sections = []
    for section in offered.sections:
        if section.rejected or section.kind not in ("audio", "video") or not section.codecs:
            sections.append(refused(section))
            continue
        kept = {i: u for i, u in section.extensions.items() if feedback or u != Uri.TRANSPORT_CC}
        wanted = _TAKEN if feedback else _TAKEN - {"transport-cc"}
        codec = section.codecs[0]
        sections.append(
            MediaSection(
                kind=section.kind,
                mid=section.mid,
                direction="recvonly" if section.direction == "sendonly" else "inactive",
                codecs=[replace(codec, feedback=codec.feedback & wanted, rtx_payload_type=None)],
                extensions=kept,
                rtcp_mux=True,
                rtcp_rsize=section.rtcp_rsize,
            )
        )
    living = [section for section in sections if not section.rejected]
    put_transport(living, local, "active")
    return SessionDescription("2", version, sections, bundle=tuple(s.mid for s in living))
