"""The ``a=`` lines of an m-section: one small function each, which raises ValueError for what follows no format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from sfu.codecs.parameters import CodecParameters
from sfu.sdp import grammar
from sfu.sdp.types import Codec, Direction, MediaSection, Rid, Setup, Simulcast, SsrcGroup

DIRECTIONS: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "inactive": "inactive",
}
SETUPS: dict[str, Setup] = {"actpass": "actpass", "active": "active", "passive": "passive", "holdconn": "holdconn"}
# Encoding names are compared without case (RFC 8866 6.6); inside they are written in one way only.
CODEC_NAMES = {name.lower(): name for name in ("opus", "red", "VP8", "VP9", "H264", "H265", "AV1")}
MAX_SSRC = 2**32 - 1
MAX_CANDIDATES = 100
MAX_FINGERPRINTS = 8
MAX_CODECS = 1024


@dataclass(slots=True)
class Draft:
    """A section while its lines are read: payload types are put together when all are there."""

    section: MediaSection
    direction: Direction | None = None
    rtpmaps: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    format_parameters: dict[int, dict[str, str]] = field(default_factory=dict)
    feedback: dict[int | None, set[str]] = field(default_factory=dict)

    def finish(self, session: Draft) -> MediaSection:
        """The section, with what the session level says for all."""
        section, defaults = self.section, session.section
        section.direction = self.direction or session.direction or "sendrecv"
        section.ice_ufrag = section.ice_ufrag or defaults.ice_ufrag
        section.ice_pwd = section.ice_pwd or defaults.ice_pwd
        section.ice_options = section.ice_options or defaults.ice_options
        section.fingerprints = section.fingerprints or defaults.fingerprints
        section.setup = section.setup or defaults.setup
        for extension_id, uri in defaults.extensions.items():
            if (
                section.extensions.setdefault(extension_id, uri) == uri
                and extension_id in defaults.extension_directions
            ):
                section.extension_directions.setdefault(extension_id, defaults.extension_directions[extension_id])
        if "RTP/" in section.protocol:
            section.codecs = self._codecs()
        return section

    def _codecs(self) -> list[Codec]:
        payload_types = [grammar.number(text, 127) for text in self.section.formats]
        resends: dict[int, int] = {}
        for payload_type in payload_types:
            apt = self.format_parameters.get(payload_type, {}).get("apt", "")
            if self.rtpmaps.get(payload_type, ("",))[0].lower() == "rtx" and apt:
                resends.setdefault(grammar.number(apt, 127), payload_type)
        return [
            self._codec(payload_type, resends.get(payload_type))
            for payload_type in payload_types
            if payload_type in self.rtpmaps and self.rtpmaps[payload_type][0].lower() != "rtx"
        ]

    def _codec(self, payload_type: int, rtx_payload_type: int | None) -> Codec:
        name, clock_rate, channels = self.rtpmaps[payload_type]
        mime = f"{self.section.kind}/{CODEC_NAMES.get(name.lower(), name)}"
        parameters = self.format_parameters.get(payload_type, {})
        feedback = self.feedback.get(payload_type, set()) | self.feedback.get(None, set())
        told = tuple(parameters.items())
        return _codec(payload_type, mime, clock_rate, channels, told, frozenset(feedback), rtx_payload_type)


@lru_cache(MAX_CODECS)
def _codec(
    payload_type: int,
    mime: str,
    clock_rate: int,
    channels: int,
    parameters: tuple[tuple[str, str], ...],
    feedback: frozenset[str],
    rtx_payload_type: int | None,
) -> Codec:
    """One object for all sections, of all peers, that name the same: there are tens of thousands in a server."""
    return Codec(
        payload_type, CodecParameters(mime, clock_rate, channels, dict(parameters)), feedback, rtx_payload_type
    )


def _read_mid(draft: Draft, value: str) -> None:
    draft.section.mid = grammar.token(value)


def _read_rtpmap(draft: Draft, value: str) -> None:
    payload_type, _, encoding = value.partition(" ")
    name, _, rest = encoding.strip().partition("/")
    clock_rate, _, channels = rest.partition("/")
    draft.rtpmaps[grammar.number(payload_type, 127)] = (
        grammar.token(name),
        _positive(clock_rate, 1_000_000),
        _positive(channels, 255) if channels else 1,
    )


def _read_fmtp(draft: Draft, value: str) -> None:
    payload_type, _, parameters = value.partition(" ")
    if payload_type.isdigit():  # a foreign kind of media may have names
        draft.format_parameters[grammar.number(payload_type, 127)] = grammar.parse_format_parameters(parameters)


def _read_rtcp_fb(draft: Draft, value: str) -> None:
    payload_type, _, feedback = value.partition(" ")
    key = None if payload_type == "*" else grammar.number(payload_type, 127)
    draft.feedback.setdefault(key, set()).add(grammar.printable(" ".join(feedback.split())).lower())


def _read_extmap(draft: Draft, value: str) -> None:
    words = value.split()
    if len(words) < 2:
        raise ValueError("extmap has an id and a URI")
    number, _, direction = words[0].partition("/")
    extension_id = grammar.number(number, 65535)
    # An id above 255 fits no packet: it asks for a number yet to be given (RFC 8285 8), which nobody uses. 15 is
    # reserved in the one-byte form, but an id like any other in the two-byte form.
    if 0 < extension_id < 256:
        draft.section.extensions[extension_id] = grammar.printable(words[1])
        if direction in DIRECTIONS and direction != "sendrecv":
            draft.section.extension_directions[extension_id] = DIRECTIONS[direction]


def _read_ssrc(draft: Draft, value: str) -> None:
    ssrc, _, attribute = value.partition(" ")
    name, _, argument = attribute.strip().partition(":")
    attributes = draft.section.ssrcs.setdefault(grammar.number(ssrc, MAX_SSRC), {})
    if name:
        attributes[grammar.token(name)] = argument.strip()[:255]


def _read_ssrc_group(draft: Draft, value: str) -> None:
    semantics, *ssrcs = value.split() or [""]
    group = SsrcGroup(grammar.token(semantics), tuple(grammar.number(word, MAX_SSRC) for word in ssrcs))
    draft.section.ssrc_groups.append(group)


def _read_msid(draft: Draft, value: str) -> None:
    stream, *track = value.split() or [""]
    if draft.section.msid is None:
        draft.section.msid = (grammar.printable(stream), grammar.printable(track[0]) if track else "")


def _read_rid(draft: Draft, value: str) -> None:
    name, direction, *parameters = [*value.split(None, 2), "", ""]
    side: Literal["send", "recv"] = "send" if direction == "send" else "recv"
    if direction != side:
        raise ValueError("a rid sends or receives")
    draft.section.rids.append(Rid(grammar.rid(name), side, grammar.printable(parameters[0]) if parameters[0] else ""))


def _read_simulcast(draft: Draft, value: str) -> None:
    words = value.split()
    sides: dict[str, tuple[tuple[str, ...], ...]] = {}
    for direction, streams in zip(words[::2], words[1::2], strict=True):
        if direction not in ("send", "recv") or direction in sides:
            raise ValueError("simulcast sends or receives, each once")
        sides[direction] = tuple(
            tuple(grammar.rid(name.removeprefix("~")) for name in stream.split(",")) for stream in streams.split(";")
        )
    draft.section.simulcast = Simulcast(sides.get("send", ()), sides.get("recv", ()))


def _read_ice_ufrag(draft: Draft, value: str) -> None:
    draft.section.ice_ufrag = grammar.ice_ufrag(value)


def _read_ice_pwd(draft: Draft, value: str) -> None:
    draft.section.ice_pwd = grammar.ice_pwd(value)


def _read_ice_options(draft: Draft, value: str) -> None:
    draft.section.ice_options = tuple(grammar.token(word) for word in value.split())


def _read_fingerprint(draft: Draft, value: str) -> None:
    fingerprint = grammar.fingerprint(value)
    if len(draft.section.fingerprints) < MAX_FINGERPRINTS and fingerprint not in draft.section.fingerprints:
        draft.section.fingerprints += (fingerprint,)


def _read_setup(draft: Draft, value: str) -> None:
    if value not in SETUPS:
        raise ValueError(f"unknown setup {grammar.shorten(value)}")
    draft.section.setup = SETUPS[value]


def _read_candidate(draft: Draft, value: str) -> None:
    if len(draft.section.candidates) < MAX_CANDIDATES:
        draft.section.candidates.append(f"candidate:{grammar.printable(value)}")


def _read_end_of_candidates(draft: Draft, value: str) -> None:
    draft.section.end_of_candidates = True


def _read_sctp_port(draft: Draft, value: str) -> None:
    draft.section.sctp_port = _positive(value, 65535)


def _read_max_message_size(draft: Draft, value: str) -> None:
    draft.section.max_message_size = grammar.number(value, 2**64 - 1)


def _read_rtcp_mux(draft: Draft, value: str) -> None:
    draft.section.rtcp_mux = True


def _read_rtcp_rsize(draft: Draft, value: str) -> None:
    draft.section.rtcp_rsize = True


def _read_bundle_only(draft: Draft, value: str) -> None:
    draft.section.bundle_only = True


def _positive(text: str, maximum: int) -> int:
    value = grammar.number(text, maximum)
    if value == 0:
        raise ValueError("zero")
    return value


SECTION_ATTRIBUTES: dict[str, Callable[[Draft, str], None]] = {
    "mid": _read_mid,
    "rtpmap": _read_rtpmap,
    "fmtp": _read_fmtp,
    "rtcp-fb": _read_rtcp_fb,
    "extmap": _read_extmap,
    "ssrc": _read_ssrc,
    "ssrc-group": _read_ssrc_group,
    "msid": _read_msid,
    "rid": _read_rid,
    "simulcast": _read_simulcast,
    "ice-ufrag": _read_ice_ufrag,
    "ice-pwd": _read_ice_pwd,
    "ice-options": _read_ice_options,
    "fingerprint": _read_fingerprint,
    "setup": _read_setup,
    "candidate": _read_candidate,
    "end-of-candidates": _read_end_of_candidates,
    "sctp-port": _read_sctp_port,
    "max-message-size": _read_max_message_size,
    "rtcp-mux": _read_rtcp_mux,
    "rtcp-rsize": _read_rtcp_rsize,
    "bundle-only": _read_bundle_only,
}
