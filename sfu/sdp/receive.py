"""The negotiation of a transport on which the client sends: it offers, we answer (publish transport, WHIP)."""

from __future__ import annotations

from sfu.errors import NegotiationError
from sfu.sdp.accept import accept_data, accept_media
from sfu.sdp.bundle import Writer, answering_setup, bundled_sections, put_transport, read_transport, refused, unused
from sfu.sdp.capabilities import Capabilities
from sfu.sdp.types import (
    DataSection,
    LocalTransport,
    MediaSection,
    ReceiveResult,
    ReceiveSection,
    RemoteTransport,
    SessionDescription,
    Setup,
)


class ReceiveBook:
    """Answers the offers of one publishing client and remembers what must stay the same from one to the next.

    Raises NegotiationError for whatever the peer's offer does wrong, and is then unchanged.
    """

    def __init__(self, session_id: int | None = None) -> None:
        """``session_id``: of our ``o=`` line; random if absent."""
        self._writer = Writer(session_id)
        self._answered: list[MediaSection] = []
        self._bundled: list[MediaSection] = []
        self._remote: RemoteTransport | None = None
        self._setup: Setup | None = None

    @property
    def bundle(self) -> list[tuple[str, str]]:
        """Pairs (mid, kind) of the bundled sections, the one that owns the connection first; for ``write_fragment``."""
        return [(section.mid, section.kind) for section in self._bundled]

    def is_ice_restart(self, offer: SessionDescription) -> bool:
        """Whether the offer brings new ICE credentials: renew ours before ``answer`` (RFC 8839 4.4.1.1.1)."""
        bundled = bundled_sections(offer)
        if self._remote is None or not bundled:
            return False
        return (bundled[0].ice_ufrag, bundled[0].ice_pwd) != (self._remote.ufrag, self._remote.pwd)

    def answer(self, offer: SessionDescription, local: LocalTransport, caps: Capabilities) -> ReceiveResult:
        """The answer to an offer. Codes: ``invalid_sdp``; ``not_supported`` if nothing in it can be accepted."""
        self._check_order(offer)
        offered = bundled_sections(offer)
        answers, received, data = _answer_sections(offer, offered, caps)
        bundled = [answer for section in offered for answer in answers if answer.mid == section.mid and answer.port]
        remote, setup = self._remote, self._setup
        if bundled:
            owner = next(section for section in offered if section.mid == bundled[0].mid)
            setup = answering_setup(owner.setup, setup)
            remote = read_transport(offer, owner, setup)
            put_transport(bundled, local, setup)
        if remote is None or (self._remote is None and not received and data is None):
            raise NegotiationError("not_supported", "nothing in the offer can be received")
        ice_restart = self.is_ice_restart(offer)
        group = None if offer.bundle is None or not bundled else [section.mid for section in bundled]
        text = self._writer.write(answers, group, mixed=offer.extmap_allow_mixed)
        self._answered, self._bundled, self._remote, self._setup = answers, bundled, remote, setup
        return ReceiveResult(text, received, data, remote, ice_restart)

    def _check_order(self, offer: SessionDescription) -> None:
        """Sections stay where they are; only the place of an ended one may get another mid (RFC 9429 5.2.2)."""
        if len(offer.sections) < len(self._answered):
            raise NegotiationError("invalid_sdp", "fewer sections than before")
        for section, before in zip(offer.sections, self._answered, strict=False):
            if before.port and (section.mid, section.kind) != (before.mid, before.kind):
                raise NegotiationError("invalid_sdp", f"section {before.mid} became another one")


def _answer_sections(
    offer: SessionDescription, bundled: list[MediaSection], caps: Capabilities
) -> tuple[list[MediaSection], list[ReceiveSection], DataSection | None]:
    """Answers in the order of the offer, without the connection's lines."""
    answers: list[MediaSection] = []
    received: list[ReceiveSection] = []
    data: DataSection | None = None
    meanings: dict[int, str] = {}  # of extension ids in the bundle
    mids = {section.mid for section in bundled}
    for section in offer.sections:
        answer: MediaSection | None = None
        if section.rejected or section.mid not in mids:
            pass
        elif section.kind == "application":
            if data is None:
                answer, data = accept_data(section, caps)
        else:
            answer, result = accept_media(section, caps, meanings)
            if result is not None:
                received.append(result)
            if answer is None and section is bundled[0]:
                answer = unused(section)
        answers.append(answer or refused(section))
    _check_sources(received)
    return answers, received, data


def _check_sources(sections: list[ReceiveSection]) -> None:
    """An SSRC stands for one stream in all sections of a bundle (RFC 9143 9.2)."""
    seen: set[int] = set()
    for section in sections:
        for encoding in section.encodings if section.active else ():
            for ssrc in (encoding.ssrc, encoding.rtx_ssrc):
                if ssrc is not None and ssrc in seen:
                    raise NegotiationError("invalid_sdp", f"SSRC {ssrc} stands for two streams")
                if ssrc is not None:
                    seen.add(ssrc)
