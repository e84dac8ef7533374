"""The negotiation of a transport on which the server sends: we offer (subscribe transport) or answer (WHEP)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sfu.codecs.parameters import CodecParameters, compatible
from sfu.errors import NegotiationError
from sfu.sdp.accept import find_red
from sfu.sdp.bundle import Writer, bundled_sections, put_side, put_track, read_transport, refused
from sfu.sdp.capabilities import ALWAYS_SENT, SENT_EXTENSIONS, Capabilities
from sfu.sdp.parse import KnownSections, parse_sdp
from sfu.sdp.payload_types import PayloadTypes
from sfu.sdp.play import answer_player
from sfu.sdp.types import (
    Codec,
    LocalTransport,
    MediaSection,
    PlayResult,
    RemoteTransport,
    SendSection,
    SendTrack,
    SessionDescription,
)
from sfu.sdp.write import formats_of


@dataclass(slots=True)
class _Place:
    """One m-line of our offers, in which tracks follow each other."""

    mid: str
    kind: Literal["audio", "video"]
    codecs: list[Codec]
    extensions: dict[int, str]
    track: SendTrack | None = None
    free: bool = True  # nothing is sent here and the client knows
    # The client refused the track. What it stopped itself it cannot start again, and says so by "inactive" only, so we
    # end the section; then another may take the place under a mid of its own (RFC 9429 5.2.2).
    stopped: bool = False
    ended: bool = False  # both sides wrote port zero
    # As it was offered last, and for what that holds.
    section: MediaSection | None = None
    offered_as: tuple[str, SendTrack | None, bool, bool] | None = None


@dataclass(frozen=True, slots=True)
class _Offered:
    """An m-line as it stood in the offer that waits for its answer."""

    place: _Place
    track: SendTrack | None
    section: MediaSection


class SendBook:
    """The m-sections of one subscribing client: which track each carries, and what was offered and answered.

    Raises NegotiationError for whatever the peer's text does wrong, and is then unchanged.
    """

    def __init__(self, session_id: int | None = None) -> None:
        """``session_id``: of our ``o=`` line; random if absent."""
        self.remote: RemoteTransport | None = None
        self.has_changes = False
        self._writer = Writer(session_id)
        self._payload_types = PayloadTypes()
        self._places: list[_Place] = []
        self._next_mid = 0
        self._offered: list[_Offered] | None = None
        self._local: LocalTransport | None = None
        self._answered = KnownSections()
        self._ever_offered = 0  # m-lines the client knows of: they can never be taken back
        self._bundle: list[tuple[str, str]] = []

    # -- which track is where --------------------------------------------------------------------------------------

    def add(
        self,
        track_key: str,
        kind: Literal["audio", "video"],
        codec: CodecParameters,
        *,
        ssrc: int,
        rtx_ssrc: int | None = None,
        cname: str,
        msid_stream: str,
        msid_track: str,
        extensions: Sequence[str] | None = None,
        red: bool = False,
    ) -> str:
        """Give the track a section, a free one of its kind or a new one; returns its mid.

        ``extensions``: URIs that its packets may carry (absent: all that we know for the kind); MID, send time and
        the transport-wide number are always offered. Raises ``not_supported`` when no payload type is left.
        """
        if any(place.track is not None and place.track.key == track_key for place in self._places):
            raise NegotiationError("invalid_state", f"track {track_key} has a section already")
        track = SendTrack(track_key, kind, codec, ssrc, rtx_ssrc, cname, msid_stream, msid_track, extensions, red)
        codecs = self._codecs(track)
        place = self._place_for(kind)
        place.track, place.free = track, False
        place.codecs, place.extensions, place.offered_as = codecs, _extensions(track), None
        self.has_changes = True
        return place.mid

    def remove(self, track_key: str) -> None:
        """Take the track out: its section becomes inactive with the next offer, and free once that is answered.

        An unknown key is let pass.
        """
        for index, place in enumerate(self._places):
            if place.track is not None and place.track.key == track_key:
                place.track = None
                place.free = place.ended or index >= self._ever_offered
                # A section that has ended, or that the client never saw, needs no offer to say that it is unused.
                self.has_changes = self.has_changes or not place.free

    def live_mids(self) -> dict[str, str]:
        """mid → track key of the tracks in the book that the client has not refused."""
        return {place.mid: place.track.key for place in self._places if place.track is not None and not place.stopped}

    def _place_for(self, kind: Literal["audio", "video"]) -> _Place:
        for place in self._places:
            if place.free and place.kind == kind and not place.stopped:
                return place
        for place in self._places:
            if place.free and place.ended:
                place.mid, place.kind, place.stopped, place.ended = self._new_mid(), kind, False, False
                return place
        place = _Place(self._new_mid(), kind, [], {})
        self._places.append(place)
        return place

    def _new_mid(self) -> str:
        mid = str(self._next_mid)
        self._next_mid += 1
        return mid

    def _codecs(self, track: SendTrack) -> list[Codec]:
        codec = self._payload_types.codec(track.codec)
        return [codec, self._payload_types.red(codec)] if track.red else [codec]

    # -- offer and answer ------------------------------------------------------------------------------------------

    @property
    def outstanding(self) -> bool:
        """Whether an offer waits for its answer."""
        return self._offered is not None

    @property
    def bundle(self) -> list[tuple[str, str]]:
        """Pairs (mid, kind) of the bundled sections, the one that owns the connection first; for ``write_fragment``."""
        return self._bundle

    def offer(self, local: LocalTransport) -> str:
        """The text of the offer. Raises ``invalid_state`` as long as no track was ever added.

        An offer made while another waits takes that one's place: for a client that came back without having seen it.
        """
        while len(self._places) > self._ever_offered and self._places[-1].track is None:
            self._places.pop()
        if not self._places:
            raise NegotiationError("invalid_state", "there is nothing to offer")
        if local != self._local:
            self._local = local
            for place in self._places:
                place.offered_as = None
        owner = next((place for place in self._places if not place.stopped), None)
        offered = [_Offered(place, place.track, _section(place, local, place is owner)) for place in self._places]
        sections = [one.section for one in offered]
        bundled = [section for section in sections if section.port]
        text = self._writer.write(sections, [section.mid for section in bundled] if bundled else None)
        self._offered = offered
        self._ever_offered = len(offered)
        self._bundle = [(section.mid, section.kind) for section in bundled]
        self.has_changes = False
        return text

    def accept_answer(self, text: str) -> list[SendSection]:
        """One entry for each track that was offered and is still in the book; ``remote`` then holds the peer's side."""
        if self._offered is None:
            raise NegotiationError("invalid_state", "no offer waits for an answer")
        answer = parse_sdp(text, self._answered)
        answered = _match_sections(answer, self._offered)
        remote = self._read_remote(answer)
        results: list[SendSection] = []
        for one, section in zip(self._offered, answered, strict=True):
            place = one.place
            result = None if one.track is None else _result(one.track, one.section, section)
            if result is not None and place.track is one.track:
                results.append(result)
            place.ended = section.rejected
            place.stopped = place.stopped or place.ended or (result is not None and not result.accepted)
            if place.track is None and (one.track is None or place.ended):
                place.free = place.ended or not place.stopped
        self.remote = remote
        self._offered = None
        return results

    def play(
        self, offer_text: str, tracks: Sequence[SendTrack], local: LocalTransport, caps: Capabilities
    ) -> PlayResult:
        """Answer a WHEP client's offer: its sections, in their order, get the first track of their kind and codec."""
        if self._places or self.remote is not None:
            raise NegotiationError("invalid_state", "this transport has been negotiated already")
        result, self._bundle = answer_player(parse_sdp(offer_text), tracks, local, caps, self._writer)
        self.remote = result.remote
        return result

    def _read_remote(self, answer: SessionDescription) -> RemoteTransport:
        bundled = bundled_sections(answer)
        living = [section.mid for section in answer.sections if not section.rejected]
        if set(living) != {section.mid for section in bundled}:
            raise NegotiationError("not_supported", "the answer takes a section out of BUNDLE")
        if bundled:
            owner = bundled[0]
            if owner.setup not in ("active", "passive", None):
                raise NegotiationError("invalid_sdp", f"an answer with setup:{owner.setup}")
            remote = read_transport(answer, owner, "active" if owner.setup == "passive" else "passive")
        elif self.remote is not None:
            remote = self.remote
        else:
            raise NegotiationError("not_supported", "the answer refuses everything")
        return remote


def _section(place: _Place, local: LocalTransport, owns: bool) -> MediaSection:
    """The section of an offer: the very one of the last offer if nothing about it has changed."""
    now = (place.mid, place.track, place.stopped, owns)
    if place.section is None or place.offered_as != now:
        place.section, place.offered_as = _new_section(place, local, owns), now
    return place.section


def _new_section(place: _Place, local: LocalTransport, owns: bool) -> MediaSection:
    track = place.track
    section = MediaSection(
        kind=place.kind,
        mid=place.mid,
        formats=formats_of(place.codecs),
        direction="inactive",
    )
    if place.stopped:
        return refused(section)
    section.codecs = place.codecs
    section.extensions = place.extensions
    section.rtcp_mux = section.rtcp_rsize = True
    # RFC 8842 5.2: an offer leaves the roles open even when they are settled.
    put_side(section, local, "actpass", owns=owns)
    if track is not None:
        put_track(section, track)
    return section


def _extensions(track: SendTrack) -> dict[int, str]:
    known = SENT_EXTENSIONS[track.kind]
    wanted = known.keys() if track.extensions is None else ALWAYS_SENT.union(track.extensions)
    return {number: uri for uri, number in sorted(known.items(), key=lambda item: item[1]) if uri in wanted}


def _match_sections(answer: SessionDescription, offered: list[_Offered]) -> list[MediaSection]:
    if len(answer.sections) != len(offered):
        raise NegotiationError("invalid_sdp", f"{len(answer.sections)} sections answer {len(offered)}")
    for section, one in zip(answer.sections, offered, strict=True):
        # A refused section may have lost its mid (RFC 9429 5.3.1).
        same = section.mid == one.section.mid or (section.rejected and not section.mid)
        if not same or section.kind != one.section.kind:
            raise NegotiationError("invalid_sdp", "the answer's sections are not those of the offer")
        if one.section.port == 0 and not section.rejected:
            raise NegotiationError("invalid_sdp", "the answer takes up a section that has ended")
    return answer.sections


def _result(track: SendTrack, offered: MediaSection, section: MediaSection) -> SendSection:
    """What the answer says of a track, in the numbers of the answer (RFC 3264 6.1)."""
    codec = next((c for c in section.codecs if compatible(c.parameters, track.codec)), None)
    if section.rejected or section.direction in ("sendonly", "inactive") or codec is None:
        return SendSection(track.key, offered.mid, track.kind, accepted=False)
    red = find_red(section, codec) if track.red else None
    known = set(offered.extensions.values())
    return SendSection(
        track_key=track.key,
        mid=offered.mid,
        kind=track.kind,
        accepted=True,
        payload_type=codec.payload_type,
        rtx_payload_type=None if track.rtx_ssrc is None else codec.rtx_payload_type,
        red_payload_type=None if red is None else red.payload_type,
        extensions={
            uri: number
            for number, uri in section.extensions.items()
            if uri in known and section.extension_directions.get(number) in (None, "recvonly")
        },
        feedback=codec.feedback,
    )
