"""Whether the addresses that browsers are told can be theirs to reach."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from scripts.doctor.findings import Finding, fail, ok, warn
from sfu.io.addresses import WILDCARDS, announced_addresses, bind_plan, family_of, interface_addresses
from sfu.options import MediaOptions

_ANNOUNCE = 'media.announced_addresses = ["203.0.113.7"]  # the public address'
Address = IPv4Address | IPv6Address


def check_addresses(media: MediaOptions) -> list[Finding]:
    """Each configured address alone, then what browsers are told as a whole."""
    own = interface_addresses()
    bound = [step.host for step in bind_plan(media.hosts)]
    told = announced_addresses(media.announced_addresses, bound)
    families = {family_of(host) for host in media.hosts}
    findings = [_configured(text, own, families) for text in media.announced_addresses]
    return [*findings, _as_a_whole(told, bool(media.announced_addresses))]


def _configured(text: str, own: list[str], families: set[socket.AddressFamily]) -> Finding:
    resolved = _resolve(text)
    if not resolved:
        return fail("announced", f"The announced {text} is no address and no name that can be found.", _ANNOUNCE)
    for address in resolved:
        if address.is_unspecified or address.is_multicast or address.is_link_local:
            return fail("announced", f"The announced {text} is no address that browsers can send to.", _ANNOUNCE)
        if family_of(str(address)) not in families:
            kind, wildcard = ("IPv6", "::") if address.version == 6 else ("IPv4", "0.0.0.0")
            return fail(
                "announced",
                f"{text} is announced, but media is not bound to any {kind} address.",
                f'media.hosts = [… , "{wildcard}"]',
            )
    if all(str(address) in own for address in resolved):
        return ok("announced", f"The announced {text} is an address of this machine.")
    return ok("announced", f"The announced {text} is not this machine's: address translation must forward to it.")


def _as_a_whole(told: list[str], configured: bool) -> Finding:
    addresses = [address for text in told for address in _resolve(text)]
    listed = ", ".join(told) or "nothing"
    if all(address.is_loopback for address in addresses):
        return warn("reach", f"Browsers are told {listed}: only those on this machine can join.", _ANNOUNCE)
    if not any(address.is_global for address in addresses):
        change = _ANNOUNCE if not configured else f"{_ANNOUNCE}, unless all browsers are in this network"
        return warn("reach", f"Browsers are told {listed}: from the Internet none of these can be reached.", change)
    return ok("reach", f"Browsers are told {listed}.")


def _resolve(text: str) -> list[Address]:
    try:
        return [ip_address(text)]
    except ValueError:
        pass
    if text in WILDCARDS:
        return []
    try:
        found = socket.getaddrinfo(text, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
