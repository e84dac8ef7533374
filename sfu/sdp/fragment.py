"""Trickle ICE fragments (RFC 8840 9), as WHIP and WHEP clients send them in a PATCH (RFC 9725 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

from sfu.errors import NegotiationError
from sfu.sdp import grammar
from sfu.sdp.attributes import MAX_CANDIDATES
from sfu.sdp.types import Fragment

MAX_FRAGMENT_CHARS = 64 * 1024


def parse_fragment(text: str) -> Fragment:
    """Credentials, candidates and their end, whichever m-section they stand in: all share one connection.

    Raises NegotiationError ``invalid_sdp``.
    """
    if len(text) > MAX_FRAGMENT_CHARS:
        raise NegotiationError("invalid_sdp", f"longer than {MAX_FRAGMENT_CHARS} characters")
    ufrag = pwd = None
    candidates: list[str] = []
    end = False
    for index, line in enumerate(text.split("\n")):
        name, _, value = line.strip().removeprefix("a=").partition(":")
        try:
            if name == "ice-ufrag" and ufrag is None:
                ufrag = grammar.ice_ufrag(value)
            elif name == "ice-pwd" and pwd is None:
                pwd = grammar.ice_pwd(value)
            elif name == "candidate" and len(candidates) < MAX_CANDIDATES:
                candidates.append(f"candidate:{grammar.printable(value)}")
            elif name == "end-of-candidates":
                end = True
        except ValueError as error:
            raise NegotiationError("invalid_sdp", f"line {index + 1}: {error}") from None
    if (ufrag is None) != (pwd is None):
        raise NegotiationError("invalid_sdp", "an ICE user name without password, or the reverse")
    return Fragment(ufrag, pwd, candidates, end)


def write_fragment(ufrag: str, pwd: str, candidates: Sequence[str], bundle: Sequence[tuple[str, str]]) -> str:
    """Our new credentials after an ICE restart; ``bundle``: (mid, kind) of sections, the connection's owner first."""
    mid, kind = bundle[0] if bundle else ("0", "audio")
    lines = ["a=ice-lite", "a=ice-options:ice2 trickle", " ".join(["a=group:BUNDLE", *(m for m, _ in bundle)])]
    if kind == "application":
        lines.append("m=application 9 UDP/DTLS/SCTP webrtc-datachannel")
    else:
        # RFC 8840 9: the fragment's m-line is a mere place, its format means nothing.
        lines.append(f"m={kind} 9 UDP/TLS/RTP/SAVPF 0")
    if mid:
        lines.append(f"a=mid:{mid}")
    lines += [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}", *(f"a={candidate}" for candidate in candidates)]
    return "\r\n".join([*lines, "a=end-of-candidates"]) + "\r\n"
