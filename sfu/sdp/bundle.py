"""What offers and answers share: the one connection of all sections (RFC 9143), written and read."""

from __future__ import annotations

import secrets
from collections.abc import Container, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Literal

from sfu.errors import NegotiationError
from sfu.rtp.extensions import Uri
from sfu.sdp.types import (
    LocalTransport,
    MediaSection,
    RemoteTransport,
    SendTrack,
    SessionDescription,
    Setup,
    SsrcGroup,
)
from sfu.sdp.write import write_head, write_section


class Writer:
    """Writes our side of one session: its id stays, its version grows with every text that differs (RFC 3264 8).

    A section that is the very object of the last time is not written anew: where fifty send, each newcomer would cost
    fifty times the text of fifty sections.
    """

    def __init__(self, session_id: int | None) -> None:
        # RFC 9429 5.2.1: 62 random bits.
        self.session_id = str(secrets.randbits(62) if session_id is None else session_id)
        self._version = 0
        self._last = SessionDescription()
        self._texts: list[str] = []

    def write(
        self, sections: list[MediaSection], bundle: Sequence[str] | None, *, ice_lite: bool = True, mixed: bool = True
    ) -> str:
        """The text of a description of these sections."""
        description = SessionDescription(
            session_id=self.session_id,
            session_version=self._version,
            sections=sections,
            bundle=None if bundle is None else tuple(bundle),
            ice_lite=ice_lite,
            extmap_allow_mixed=mixed,
            msid_semantic=True,
        )
        written = zip_longest(sections, self._last.sections, self._texts)
        self._texts = [text if one is last else write_section(one) for one, last, text in written if one is not None]
        if description != self._last:
            self._version += 1
            description.session_version = self._version
        self._last = description
        return write_head(description) + "".join(self._texts)


def bundled_sections(description: SessionDescription) -> list[MediaSection]:
    """The living sections that share the connection, its owner first.

    A description of one living section needs no group. Raises NegotiationError if sections ask for connections of
    their own, or for one of their own for RTCP.
    """
    living = {section.mid: section for section in description.sections if not section.rejected}
    if description.bundle is None:
        if len(living) > 1:
            raise NegotiationError("not_supported", "sections without BUNDLE")
        bundled = list(living.values())
    else:
        bundled = [living[mid] for mid in description.bundle if mid in living]
    for section in bundled:
        if section.kind in ("audio", "video") and not section.rtcp_mux:
            raise NegotiationError("not_supported", "a section without rtcp-mux")
    return bundled


def read_transport(description: SessionDescription, owner: MediaSection, setup: Setup) -> RemoteTransport:
    """The peer's side, with the DTLS role that it takes if we take ``setup``."""
    if description.ice_lite:
        raise NegotiationError("not_supported", "both sides are ICE-lite")
    if not owner.ice_ufrag or not owner.ice_pwd:
        raise NegotiationError("invalid_sdp", "no ICE credentials")
    if not owner.fingerprints:
        raise NegotiationError("invalid_sdp", "no certificate fingerprint")
    role: Literal["active", "passive"] = "active" if setup == "passive" else "passive"
    return RemoteTransport(
        ufrag=owner.ice_ufrag,
        pwd=owner.ice_pwd,
        fingerprints=owner.fingerprints,
        setup=role,
        candidates=tuple(owner.candidates),
        end_of_candidates=owner.end_of_candidates,
    )


def answering_setup(offered: Setup | None, settled: Setup | None) -> Setup:
    """Our DTLS role in an answer (RFC 5763 5): the settled one, else passive wherever the offer allows it.

    With the server as the DTLS server, browsers pick AES-GCM; and a missing attribute means ``active`` (RFC 4145 4).
    """
    if offered == "holdconn":
        raise NegotiationError("not_supported", "setup:holdconn")
    ours: Setup = "active" if offered == "passive" else "passive"
    if settled is not None and settled != ours:
        if offered != "actpass":
            raise NegotiationError("invalid_sdp", "the DTLS roles change during the session")
        return settled
    return ours


def answer_extensions(
    offered: MediaSection, answer: MediaSection, wanted: Container[str], meanings: dict[int, str]
) -> None:
    """Accept the wanted header extensions of an offer with the client's ids, in the answer's direction of media.

    Firefox names those that it only sends or only receives (RFC 8285 5). ``meanings`` collects what ids stand for in
    the bundle: a later section cannot give one another sense (RFC 9143 9.2).
    """
    receiving = answer.direction != "sendonly"
    for extension_id, uri in offered.extensions.items():
        direction = offered.extension_directions.get(extension_id)
        if uri not in wanted or direction not in (None, "sendonly" if receiving else "recvonly"):
            continue
        if meanings.setdefault(extension_id, uri) == uri:
            answer.extensions[extension_id] = uri
            if direction is not None:
                answer.extension_directions[extension_id] = "recvonly" if receiving else "sendonly"


def settle_feedback(feedback: frozenset[str], extensions: Container[str]) -> frozenset[str]:
    """One way of bandwidth estimation: transport-wide if its numbers are written into the packets, else REMB."""
    if Uri.TRANSPORT_CC not in extensions:
        return feedback - {"transport-cc"}
    return feedback - {"goog-remb"} if "transport-cc" in feedback else feedback


def put_transport(sections: Sequence[MediaSection], local: LocalTransport, setup: Setup) -> None:
    """Write our side into the bundled sections; the candidates into the first, which owns the connection."""
    for index, section in enumerate(sections):
        put_side(section, local, setup, owns=index == 0)


def put_side(section: MediaSection, local: LocalTransport, setup: Setup, *, owns: bool) -> None:
    """Write our side into one section; the candidates too if it owns the connection."""
    section.ice_ufrag = local.ufrag
    section.ice_pwd = local.pwd
    section.ice_options = tuple(local.ice_options)
    section.fingerprints = tuple(local.fingerprints)
    section.setup = setup
    if owns:
        section.candidates = list(local.candidates)
        section.end_of_candidates = True


def put_track(section: MediaSection, track: SendTrack) -> None:
    """Write into the section that it carries the track."""
    section.direction = "sendonly"
    section.msid = (track.msid_stream, track.msid_track)
    section.ssrcs = {track.ssrc: {"cname": track.cname}}
    if track.rtx_ssrc is not None:
        section.ssrcs[track.rtx_ssrc] = {"cname": track.cname}
        section.ssrc_groups = [SsrcGroup("FID", (track.ssrc, track.rtx_ssrc))]


def unused(section: MediaSection) -> MediaSection:
    """Our answer to the section that owns the connection if we can use none of its codecs: accepted but inactive.

    RFC 9143 7.3.2 lets us refuse it; Chromium then fails to apply the answer ("Failed to setup RTCP mux").
    """
    if not section.codecs:
        return refused(section)
    return MediaSection(
        kind=section.kind,
        mid=section.mid,
        protocol=section.protocol,
        direction="inactive",
        codecs=[replace(section.codecs[0], feedback=frozenset(), rtx_payload_type=None)],
        rtcp_mux=True,
        rtcp_rsize=section.rtcp_rsize,
    )


def refused(section: MediaSection) -> MediaSection:
    """The section with port zero, as a refusal or as the place of one that has ended (RFC 3264 6 and 8.2)."""
    return MediaSection(
        kind=section.kind,
        mid=section.mid,
        port=0,
        protocol=section.protocol,
        formats=section.formats,
        direction="inactive",
    )
