"""The answer to a WHEP client, which offers sections to receive and gets tracks into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sfu.codecs.parameters import compatible
from sfu.errors import NegotiationError
from sfu.rtp.extensions import Uri
from sfu.sdp.accept import choose_codec, find_red
from sfu.sdp.bundle import (
    Writer,
    answer_extensions,
    answering_setup,
    bundled_sections,
    put_track,
    put_transport,
    read_transport,
    refused,
    settle_feedback,
    unused,
)
from sfu.sdp.capabilities import AUDIO_FEEDBACK, SENT_EXTENSIONS, VIDEO_FEEDBACK, Capabilities
from sfu.sdp.payload_types import as_offered
from sfu.sdp.types import (
    Codec,
    LocalTransport,
    MediaSection,
    PlayResult,
    SendSection,
    SendTrack,
    SessionDescription,
)


def answer_player(
    offer: SessionDescription,
    tracks: Sequence[SendTrack],
    local: LocalTransport,
    caps: Capabilities,
    writer: Writer,
) -> tuple[PlayResult, list[tuple[str, str]]]:
    """The answer, and pairs (mid, kind) of its bundled sections.

    A section for which no track is left becomes inactive. Raises NegotiationError ``not_supported`` if the client
    offers nothing that could ever play.
    """
    offered = bundled_sections(offer)
    mids = {section.mid for section in offered}
    waiting = list(tracks)
    answers: list[MediaSection] = []
    sections: list[SendSection] = []
    meanings: dict[int, str] = {}
    for section in offer.sections:
        match = None if section.mid not in mids or section.rejected else _match(section, waiting)
        if match is not None:
            waiting.remove(match.track)
            answer = _playing(section, match, meanings)
            sections.append(_result(answer, match))
        elif section.mid in mids and not section.rejected:
            answer = _idle(section, caps) or (unused if section is offered[0] else refused)(section)
        else:
            answer = refused(section)
        answers.append(answer)
    bundled = [answer for section in offered for answer in answers if answer.mid == section.mid and answer.port]
    if not bundled:
        raise NegotiationError("not_supported", "the offer has no section that could receive")
    owner = next(section for section in offered if section.mid == bundled[0].mid)
    setup = answering_setup(owner.setup, None)
    remote = read_transport(offer, owner, setup)
    put_transport(bundled, local, setup)
    group = None if offer.bundle is None else [section.mid for section in bundled]
    text = writer.write(answers, group, mixed=offer.extmap_allow_mixed)
    result = PlayResult(text, sections, [track.key for track in waiting], remote)
    return result, [(section.mid, section.kind) for section in bundled]


@dataclass(frozen=True, slots=True)
class _Match:
    """A track and the client's codec, and RED, in which it is sent."""

    track: SendTrack
    codec: Codec
    red: Codec | None


def _match(section: MediaSection, tracks: list[SendTrack]) -> _Match | None:
    if section.direction not in ("recvonly", "sendrecv"):
        return None
    for track in tracks:
        for codec in section.codecs if track.kind == section.kind else ():
            if compatible(track.codec, codec.parameters):
                return _Match(track, codec, find_red(section, codec) if track.red else None)
    return None


def _playing(section: MediaSection, match: _Match, meanings: dict[int, str]) -> MediaSection:
    """An answer repeats the client's payload types and ids, and names our SSRCs."""
    track = match.track
    wanted = SENT_EXTENSIONS[track.kind].keys() if track.extensions is None else {Uri.MID, *track.extensions}
    feedback = match.codec.feedback & (VIDEO_FEEDBACK if track.kind == "video" else AUDIO_FEEDBACK)
    codec = replace(
        match.codec,
        parameters=as_offered(match.codec.parameters),
        rtx_payload_type=None if track.rtx_ssrc is None else match.codec.rtx_payload_type,
    )
    answer = _section(section, [])
    put_track(answer, track if codec.rtx_payload_type is not None else replace(track, rtx_ssrc=None))
    answer_extensions(section, answer, wanted, meanings)
    codec = replace(codec, feedback=settle_feedback(feedback, answer.extensions.values()))
    answer.codecs = [codec] if match.red is None else [codec, match.red]
    return answer


def _result(answer: MediaSection, match: _Match) -> SendSection:
    codec = answer.codecs[0]
    return SendSection(
        track_key=match.track.key,
        mid=answer.mid,
        kind=match.track.kind,
        accepted=True,
        payload_type=codec.payload_type,
        rtx_payload_type=codec.rtx_payload_type,
        red_payload_type=None if match.red is None else match.red.payload_type,
        extensions={uri: number for number, uri in answer.extensions.items()},
        feedback=codec.feedback,
    )


def _idle(section: MediaSection, caps: Capabilities) -> MediaSection | None:
    """Inactive with the codec that a track of this kind would most likely have; None if we know none of them."""
    codec = choose_codec(section, caps)
    if codec is None:
        return None
    return _section(section, [replace(codec, parameters=as_offered(codec.parameters))])


def _section(section: MediaSection, codecs: list[Codec]) -> MediaSection:
    return MediaSection(
        kind=section.kind,
        mid=section.mid,
        protocol=section.protocol,
        direction="inactive",
        codecs=codecs,
        rtcp_mux=True,
        rtcp_rsize=section.rtcp_rsize,
    )
