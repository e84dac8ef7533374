"""One offered section of a publishing client → our answering section and what we shall receive in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from sfu.codecs.parameters import CodecParameters, compatible
from sfu.sdp.bundle import answer_extensions, settle_feedback
from sfu.sdp.capabilities import OPUS_PARAMETERS, RECEIVED_EXTENSIONS, Capabilities
from sfu.sdp.types import (
    Codec,
    DataSection,
    EncodingSpec,
    MediaSection,
    NegotiatedCodec,
    ReceiveSection,
    Rid,
    Simulcast,
)

MAX_ENCODINGS = 4
DATA_FORMAT = "webrtc-datachannel"

# What an answer repeats of the offered format parameters: what the stream is, not what the client can receive.
_REPEATED = {
    "H264": ("level-asymmetry-allowed", "packetization-mode", "profile-level-id"),
    "VP9": ("profile-id",),
    "AV1": ("level-idx", "profile", "tier"),
    "opus": ("stereo", "sprop-stereo"),
}


def accept_data(section: MediaSection, caps: Capabilities) -> tuple[MediaSection | None, DataSection | None]:
    """Accept data channels over SCTP (RFC 8841); (None, None) for any other application."""
    if section.formats != (DATA_FORMAT,) or not section.protocol.endswith("DTLS/SCTP"):
        return None, None
    answer = MediaSection(
        kind="application",
        mid=section.mid,
        protocol=section.protocol,
        formats=section.formats,
        sctp_port=5000,
        max_message_size=caps.max_message_size,
    )
    # RFC 8841 5.1 and 6.1: what absence means.
    return answer, DataSection(section.mid, section.sctp_port or 5000, section.max_message_size or 65536)


def accept_media(
    section: MediaSection, caps: Capabilities, meanings: dict[int, str]
) -> tuple[MediaSection | None, ReceiveSection | None]:
    """Accept the most preferred codec that is offered; (None, None) if there is none.

    ``meanings``: see ``answer_extensions``.
    """
    kind: Literal["audio", "video"] = "audio" if section.kind == "audio" else "video"
    offered = choose_codec(section, caps)
    if offered is None:
        return None, None
    codec = replace(offered, parameters=_answered_parameters(offered.parameters, caps))
    red = find_red(section, offered) if caps.audio_red and kind == "audio" else None
    rids = _accepted_rids(section, offered.payload_type)
    active = section.direction in ("sendonly", "sendrecv")
    answer = MediaSection(
        kind=kind,
        mid=section.mid,
        protocol=section.protocol,
        direction="recvonly" if active else "inactive",
        rids=[Rid(rid.rid, "recv", rid.parameters) for rid in rids],
        simulcast=_answered_simulcast(section, rids),
        rtcp_mux=True,
        rtcp_rsize=section.rtcp_rsize,
    )
    answer_extensions(section, answer, RECEIVED_EXTENSIONS[kind], meanings)
    codec = replace(codec, feedback=settle_feedback(codec.feedback, answer.extensions.values()))
    answer.codecs = [codec] if red is None else [red, codec]
    negotiated = NegotiatedCodec(
        codec.payload_type,
        codec.parameters,
        codec.rtx_payload_type,
        codec.feedback,
        None if red is None else red.payload_type,
    )
    received = ReceiveSection(
        mid=section.mid,
        kind=kind,
        active=active,
        codec=negotiated,
        extensions={uri: number for number, uri in answer.extensions.items()},
        encodings=_encodings(section, rids),
        msid=section.msid,
        cname=section.cname,
    )
    return answer, received


def choose_codec(section: MediaSection, caps: Capabilities) -> Codec | None:
    """The first of our preferences that is offered, with the client's numbers and the feedback both sides know."""
    for ours in caps.codecs(section.kind):
        for offered in section.codecs:
            if compatible(ours.parameters, offered.parameters):
                return replace(offered, feedback=offered.feedback & ours.feedback)
    return None


def find_red(section: MediaSection, codec: Codec) -> Codec | None:
    """The offered RED (RFC 2198) all of whose blocks are of ``codec``."""
    for red in section.codecs:
        blocks = next(iter(red.parameters.fmtp), "")
        if red.parameters.mime == "audio/red" and set(blocks.split("/")) == {str(codec.payload_type)}:
            return replace(red, feedback=frozenset(), rtx_payload_type=None)
    return None


def _answered_parameters(offered: CodecParameters, caps: Capabilities) -> CodecParameters:
    kept = {name: offered.fmtp[name] for name in _REPEATED.get(offered.name, ()) if name in offered.fmtp}
    if offered.name == "opus":
        # Stereo is music, whose quiet passages are no pauses.
        dtx = {"usedtx": "1"} if caps.opus_dtx and not kept else {}
        kept = {**OPUS_PARAMETERS, **dtx, **kept}
    return replace(offered, fmtp=kept)


def _accepted_rids(section: MediaSection, payload_type: int) -> list[Rid]:
    """The RIDs that may carry the codec; of alternatives (RFC 8853 5.2) the first."""
    usable = {rid.rid: rid for rid in section.rids if rid.direction == "send" and _may_carry(rid, payload_type)}
    if section.simulcast is not None and section.simulcast.send:
        firsts = [next((name for name in names if name in usable), None) for names in section.simulcast.send]
        chosen = [usable[name] for name in dict.fromkeys(firsts) if name is not None]
    else:
        chosen = list(usable.values())[:1]
    return chosen[:MAX_ENCODINGS]


def _may_carry(rid: Rid, payload_type: int) -> bool:
    for restriction in rid.parameters.split(";"):
        name, _, value = restriction.strip().partition("=")
        if name == "pt":
            return str(payload_type) in value.split(",")
    return True


def _answered_simulcast(section: MediaSection, rids: list[Rid]) -> Simulcast | None:
    if section.simulcast is None or not section.simulcast.send or not rids:
        return None
    return Simulcast(recv=tuple((rid.rid,) for rid in rids))


def _encodings(section: MediaSection, rids: list[Rid]) -> tuple[EncodingSpec, ...]:
    """By RID if there are any (which SSRC is whose then shows in the packets), else by the SSRCs that are told."""
    if rids:
        return tuple(EncodingSpec(rid=rid.rid) for rid in rids)
    resends = {
        group.ssrcs[0]: group.ssrcs[1]
        for group in section.ssrc_groups
        if group.semantics == "FID" and len(group.ssrcs) == 2
    }
    together = next((group.ssrcs for group in section.ssrc_groups if group.semantics == "SIM"), ())
    media = together or tuple(ssrc for ssrc in section.ssrcs if ssrc not in resends.values())[:1]
    return tuple(EncodingSpec(ssrc=ssrc, rtx_ssrc=resends.get(ssrc)) for ssrc in media[:MAX_ENCODINGS]) or (
        EncodingSpec(),
    )
