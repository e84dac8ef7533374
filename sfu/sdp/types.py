"""Values of session descriptions and of what a negotiation came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sfu.codecs.parameters import CodecParameters

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["actpass", "active", "passive", "holdconn"]

RTP_PROTOCOL = "UDP/TLS/RTP/SAVPF"
SCTP_PROTOCOL = "UDP/DTLS/SCTP"


@dataclass(frozen=True, slots=True)
class Codec:
    """One format of an m-section (RFC 8866 6.6) with its feedback (RFC 4585 4.2) and the payload type of its resends.

    ``feedback`` holds values such as ``nack``, ``nack pli``, ``ccm fir``, ``transport-cc``, ``goog-remb``.
    """

    payload_type: int
    parameters: CodecParameters
    feedback: frozenset[str] = frozenset()
    rtx_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class Rid:
    """``a=rid`` (RFC 8851): ``parameters`` is the text of the restrictions, e.g. ``pt=96;max-width=640``."""

    rid: str
    direction: Literal["send", "recv"]
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """``a=ssrc-group`` (RFC 5576 4.2): semantics ``FID`` (resends, RFC 4588), ``SIM``, ``FEC-FR``..."""

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Simulcast:
    """``a=simulcast`` (RFC 8853): per stream the alternatives of RIDs, without the marks of initial pause."""

    send: tuple[tuple[str, ...], ...] = ()
    recv: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class MediaSection:
    """One m-section. Attributes of the session level that hold for it (RFC 8866 6) are already copied into it.

    ``formats`` are those of the m-line and matter only where ``codecs`` is empty (a refused or foreign section);
    ``extension_directions`` holds the directions of extensions (RFC 8285 5) that are not ``sendrecv``;
    ``ssrcs`` maps SSRC to its attributes (``cname``, ``msid``); ``candidates`` are texts ``candidate:...``.
    """

    kind: str
    mid: str = ""
    port: int = 9
    protocol: str = RTP_PROTOCOL
    formats: tuple[str, ...] = ()
    direction: Direction = "sendrecv"
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[int, str] = field(default_factory=dict)
    extension_directions: dict[int, Direction] = field(default_factory=dict)
    ssrcs: dict[int, dict[str, str]] = field(default_factory=dict)
    ssrc_groups: list[SsrcGroup] = field(default_factory=list)
    msid: tuple[str, str] | None = None
    rids: list[Rid] = field(default_factory=list)
    simulcast: Simulcast | None = None
    ice_ufrag: str | None = None
    ice_pwd: str | None = None
    ice_options: tuple[str, ...] = ()
    fingerprints: tuple[tuple[str, str], ...] = ()
    setup: Setup | None = None
    candidates: list[str] = field(default_factory=list)
    end_of_candidates: bool = False
    sctp_port: int | None = None
    max_message_size: int | None = None
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False

    @property
    def rejected(self) -> bool:
        """Port zero and not merely ``a=bundle-only`` (RFC 9143 6): the section is refused or stopped."""
        return self.port == 0 and not self.bundle_only

    @property
    def cname(self) -> str:
        """The CNAME of the first source that has one, or an empty text."""
        return next((attributes["cname"] for attributes in self.ssrcs.values() if "cname" in attributes), "")


@dataclass(slots=True)
class SessionDescription:
    """A session description; ``bundle`` holds the mids of the (first) BUNDLE group in its order, or None."""

    session_id: str = "0"
    session_version: int = 0
    sections: list[MediaSection] = field(default_factory=list)
    bundle: tuple[str, ...] | None = None
    ice_lite: bool = False
    extmap_allow_mixed: bool = False
    msid_semantic: bool = False


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our side of the connection, as it is written into every section.

    ``fingerprints``: pairs such as ``("sha-256", "AB:CD...")``; ``candidates``: texts ``candidate:...`` (RFC 8839 5.1).
    """

    ufrag: str
    pwd: str
    fingerprints: Sequence[tuple[str, str]]
    candidates: Sequence[str] = ()
    ice_options: Sequence[str] = ("ice2", "trickle")


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """The peer's side of the connection. ``setup`` is the role that the peer takes: ``active`` (it opens the DTLS
    handshake, we are the server) or ``passive``."""

    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: Literal["active", "passive"]
    candidates: tuple[str, ...] = ()
    end_of_candidates: bool = False


@dataclass(frozen=True, slots=True)
class NegotiatedCodec:
    """The one codec of a receiving section: payload types in the peer's numbers; ``red_payload_type`` for RFC 2198."""

    payload_type: int
    parameters: CodecParameters
    rtx_payload_type: int | None = None
    feedback: frozenset[str] = frozenset()
    red_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class EncodingSpec:
    """One RTP stream of a section: known by its RID (simulcast) or by SSRC; all None: the peer told neither."""

    rid: str | None = None
    ssrc: int | None = None
    rtx_ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiveSection:
    """An m-section in which the client may send; ``active``: it sends now. ``extensions``: URI → id of the client."""

    mid: str
    kind: Literal["audio", "video"]
    active: bool
    codec: NegotiatedCodec
    extensions: Mapping[str, int]
    encodings: tuple[EncodingSpec, ...]
    msid: tuple[str, str] | None
    cname: str


@dataclass(frozen=True, slots=True)
class DataSection:
    """The section of the SCTP association (RFC 8841): the client's port and the largest message it accepts."""

    mid: str
    sctp_port: int
    max_message_size: int


@dataclass(frozen=True, slots=True)
class ReceiveResult:
    """What an offer of a publishing client came to; ``sections`` holds the accepted audio and video sections only."""

    answer_text: str
    sections: list[ReceiveSection]
    data_channel: DataSection | None
    remote: RemoteTransport
    ice_restart: bool


@dataclass(frozen=True, slots=True)
class SendTrack:
    """A track to offer: SSRC of media and resends, the names that the client sees, extensions (URIs) it may carry."""

    key: str
    kind: Literal["audio", "video"]
    codec: CodecParameters
    ssrc: int
    rtx_ssrc: int | None = None
    cname: str = ""
    msid_stream: str = "-"
    msid_track: str = ""
    extensions: Sequence[str] | None = None
    red: bool = False


@dataclass(frozen=True, slots=True)
class SendSection:
    """What a client answered for one track; payload types and extension ids are those to write into the packets.

    ``accepted`` False: the client refused the section; the other values then mean nothing.
    """

    track_key: str
    mid: str
    kind: Literal["audio", "video"]
    accepted: bool
    payload_type: int = 0
    rtx_payload_type: int | None = None
    red_payload_type: int | None = None
    extensions: Mapping[str, int] = field(default_factory=dict)
    feedback: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlayResult:
    """What the offer of a WHEP client came to; ``refused``: keys of tracks for which it had no section or codec."""

    answer_text: str
    sections: list[SendSection]
    refused: list[str]
    remote: RemoteTransport


class Fragment(NamedTuple):
    """A trickle ICE fragment (RFC 8840 9): candidates are texts ``candidate:...``; ``end``: no more will come."""

    ufrag: str | None
    pwd: str | None
    candidates: list[str]
    end: bool
