"""Candidate lines: those we announce, and a check of those the peer sends (RFC 8839 section 5.1, RFC 6544)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from zlib import crc32

_MAX_LINE_CHARS = 512
_UDP_TYPE_PREFERENCE = 126  # host, RFC 8445 section 5.1.2.2
_TCP_TYPE_PREFERENCE = 90  # below every UDP candidate, RFC 6544 section 4.2
_TCP_PASSIVE_DIRECTION = 4 << 13
_TYPES = frozenset({"host", "srflx", "prflx", "relay"})
_TCP_TYPES = frozenset({"active", "passive", "so"})


@dataclass(frozen=True)
class Candidate:
    """One address of a transport; ``protocol`` is ``udp`` or ``tcp``, ``tcp_type`` is set for TCP only."""

    foundation: str
    protocol: str
    priority: int
    address: str
    port: int
    type: str = "host"
    tcp_type: str | None = None
    component: int = 1

    def __str__(self) -> str:
        """The SDP attribute's text without ``a=``: ``candidate:…``."""
        tail = f" tcptype {self.tcp_type}" if self.tcp_type else ""
        return (
            f"candidate:{self.foundation} {self.component} {self.protocol} {self.priority} "
            f"{self.address} {self.port} typ {self.type}{tail}"
        )


def make_candidates(addresses: Sequence[str], udp_port: int, tcp_port: int | None) -> list[Candidate]:
    """Host candidates of the announced addresses, most preferred first; loopback and names come last.

    A name (a browser resolves it) is announced as it is.
    """
    ordered = sorted(dict.fromkeys(addresses), key=is_loopback)
    found: list[Candidate] = []
    for protocol, port in (("udp", udp_port), ("tcp", tcp_port)):
        if port is None:
            continue
        for index, address in enumerate(ordered):
            rank = (1000 if is_loopback(address) else 65535) - index
            if protocol == "udp":
                priority = _UDP_TYPE_PREFERENCE << 24 | rank << 8 | 255
            else:
                priority = _TCP_TYPE_PREFERENCE << 24 | (_TCP_PASSIVE_DIRECTION | rank & 0x1FFF) << 8 | 255
            # Same type, base address and protocol share a foundation (RFC 8445 section 5.1.1.3).
            foundation = str(crc32(f"{protocol} {address}".encode()))
            tcp_type = "passive" if protocol == "tcp" else None
            found.append(Candidate(foundation, protocol, priority, address, port, tcp_type=tcp_type))
    return found


def is_loopback(address: str) -> bool:
    """Whether the text is a loopback address; a host name is not."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def parse_candidate(line: str) -> Candidate | None:
    """A candidate of the peer, with or without ``a=``; None when it is not well formed.

    An ICE-lite agent has no use for it but to show it: it never sends checks.
    """
    if len(line) > _MAX_LINE_CHARS or not line.isascii():
        return None
    words = line.strip().removeprefix("a=").removeprefix("candidate:").split()
    if len(words) < 8 or words[6].lower() != "typ" or words[7].lower() not in _TYPES:
        return None
    foundation, component, protocol, priority, address, port = words[:6]
    numbers = (component, priority, port)
    if not all(number.isdigit() and len(number) <= 10 for number in numbers) or len(foundation) > 32:
        return None
    if not 1 <= int(component) <= 256 or int(priority) >= 1 << 32 or int(port) > 65535:
        return None
    extensions = dict(zip(words[8::2], words[9::2], strict=False))
    tcp_type = extensions.get("tcptype")
    if protocol.lower() not in ("udp", "tcp") or (tcp_type is not None and tcp_type not in _TCP_TYPES):
        return None
    return Candidate(
        foundation, protocol.lower(), int(priority), address, int(port), words[7].lower(), tcp_type, int(component)
    )
