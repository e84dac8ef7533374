"""SessionDescription → text, lines ending in CRLF (RFC 8866 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sfu.sdp.grammar import write_format_parameters
from sfu.sdp.types import SCTP_PROTOCOL, Codec, MediaSection, SessionDescription, Simulcast

# Where we are is said by the candidates; the address of this place is used by nobody (RFC 9429 5.2.1).
_NOWHERE = "IN IP4 0.0.0.0"


def write_sdp(description: SessionDescription) -> str:
    """The text of a description; what ``parse_sdp`` reads from it is equal to it."""
    return write_head(description) + "".join(map(write_section, description.sections))


def write_head(description: SessionDescription) -> str:
    """The text of what comes before the sections."""
    lines = ["v=0", f"o=- {description.session_id} {description.session_version} {_NOWHERE}", "s=-", "t=0 0"]
    if description.ice_lite:
        lines.append("a=ice-lite")
    if description.bundle is not None:
        lines.append(" ".join(["a=group:BUNDLE", *description.bundle]))
    if description.extmap_allow_mixed:
        lines.append("a=extmap-allow-mixed")
    if description.msid_semantic:
        lines.append("a=msid-semantic: WMS *")
    return _text(lines)


def write_section(section: MediaSection) -> str:
    """The text of one section."""
    return _text(_section(section))


def _text(lines: Iterable[str]) -> str:
    return "\r\n".join(lines) + "\r\n"


def formats_of(codecs: list[Codec]) -> tuple[str, ...]:
    """The formats of an m-line: each codec, followed by its resends."""
    numbers = [n for codec in codecs for n in (codec.payload_type, codec.rtx_payload_type) if n is not None]
    return tuple(str(number) for number in numbers)


def _section(section: MediaSection) -> Iterator[str]:
    formats = formats_of(section.codecs) or section.formats
    yield f"m={section.kind} {section.port} {section.protocol} {' '.join(formats)}"
    yield f"c={_NOWHERE}"
    yield from _transport(section)
    if section.mid:
        yield f"a=mid:{section.mid}"
    if section.bundle_only:
        yield "a=bundle-only"
    if section.protocol != SCTP_PROTOCOL:
        yield f"a={section.direction}"
    if section.msid is not None:
        yield f"a=msid:{' '.join(section.msid).rstrip()}"
    if section.rtcp_mux:
        yield "a=rtcp-mux"
    if section.rtcp_rsize:
        yield "a=rtcp-rsize"
    for extension_id, uri in section.extensions.items():
        direction = section.extension_directions.get(extension_id)
        yield f"a=extmap:{extension_id}{f'/{direction}' if direction else ''} {uri}"
    for codec in section.codecs:
        yield from _codec(codec)
    yield from _streams(section)
    if section.sctp_port is not None:
        yield f"a=sctp-port:{section.sctp_port}"
    if section.max_message_size is not None:
        yield f"a=max-message-size:{section.max_message_size}"


def _transport(section: MediaSection) -> Iterator[str]:
    if section.ice_ufrag is not None:
        yield f"a=ice-ufrag:{section.ice_ufrag}"
    if section.ice_pwd is not None:
        yield f"a=ice-pwd:{section.ice_pwd}"
    if section.ice_options:
        yield f"a=ice-options:{' '.join(section.ice_options)}"
    for algorithm, value in section.fingerprints:
        yield f"a=fingerprint:{algorithm} {value}"
    if section.setup is not None:
        yield f"a=setup:{section.setup}"
    for candidate in section.candidates:
        yield f"a={candidate}"
    if section.end_of_candidates:
        yield "a=end-of-candidates"


def _codec(codec: Codec) -> Iterator[str]:
    payload_type, parameters = codec.payload_type, codec.parameters
    channels = f"/{parameters.channels}" if parameters.channels > 1 else ""
    yield f"a=rtpmap:{payload_type} {parameters.mime.partition('/')[2]}/{parameters.clock_rate}{channels}"
    for feedback in sorted(codec.feedback):
        yield f"a=rtcp-fb:{payload_type} {feedback}"
    if parameters.fmtp:
        yield f"a=fmtp:{payload_type} {write_format_parameters(parameters.fmtp)}"
    if codec.rtx_payload_type is not None:
        yield f"a=rtpmap:{codec.rtx_payload_type} rtx/{parameters.clock_rate}"
        yield f"a=fmtp:{codec.rtx_payload_type} apt={payload_type}"


def _streams(section: MediaSection) -> Iterator[str]:
    for rid in section.rids:
        yield f"a=rid:{rid.rid} {rid.direction} {rid.parameters}".rstrip()
    if section.simulcast is not None:
        yield f"a=simulcast:{_simulcast(section.simulcast)}"
    for group in section.ssrc_groups:
        yield " ".join([f"a=ssrc-group:{group.semantics}", *map(str, group.ssrcs)])
    for ssrc, attributes in section.ssrcs.items():
        for name, value in attributes.items():
            yield f"a=ssrc:{ssrc} {name}:{value}" if value else f"a=ssrc:{ssrc} {name}"


def _simulcast(simulcast: Simulcast) -> str:
    sides = (("send", simulcast.send), ("recv", simulcast.recv))
    return " ".join(f"{name} {';'.join(','.join(names) for names in side)}" for name, side in sides if side)
