"""Which addresses to bind and which to announce."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import ifaddr

WILDCARDS = {"0.0.0.0": socket.AF_INET, "::": socket.AF_INET6}
_MAX_INTERFACE_ADDRESSES = 16


@dataclass(frozen=True)
class BindStep:
    """One socket to bind; ``shared`` ones are specific addresses beside a socket of all addresses."""

    family: socket.AddressFamily
    host: str
    shared: bool = False


def interface_addresses() -> list[str]:
    """All usable addresses of this machine, IPv4 first, loopback included, link-local ones not (they need a zone)."""
    found: dict[str, None] = {}
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ip_address(text.partition("%")[0])
            if not address.is_link_local and not address.is_multicast and not address.is_unspecified:
                found[str(address)] = None
    ordered = sorted(found, key=lambda text: (ip_address(text).is_loopback, ip_address(text).version))
    return ordered[:_MAX_INTERFACE_ADDRESSES]


def family_of(host: str) -> socket.AddressFamily:
    """The family of a host to bind; names are IPv4 unless they are written as IPv6."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def bind_plan(hosts: Sequence[str]) -> list[BindStep]:
    """The UDP sockets for ``hosts``, in binding order.

    A socket of all addresses answers from whichever address the route prefers; on a machine with several
    that may not be the one the peer sent to, and its check fails (RFC 8445 section 7.2.5.2.1). So each
    interface address gets a socket of its own beside it.
    """
    wanted = list(dict.fromkeys(hosts))
    everywhere = [BindStep(WILDCARDS[host], host) for host in wanted if host in WILDCARDS]
    families = {step.family for step in everywhere}
    named = [host for host in wanted if host not in WILDCARDS]
    found = [address for address in interface_addresses() if family_of(address) in families] if families else []
    specific = dict.fromkeys(named + found)
    return everywhere + [BindStep(family_of(host), host, shared=family_of(host) in families) for host in specific]


def announced_addresses(configured: Sequence[str], bound: Sequence[str]) -> list[str]:
    """What browsers are told: the configured list, else every address that is bound."""
    return list(dict.fromkeys(configured or [host for host in bound if host not in WILDCARDS]))
