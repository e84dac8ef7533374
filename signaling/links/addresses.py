"""Which addresses the server may call for a client: public web servers, and nothing of the operator's own network.

A link is judged twice: as it is written, and by every address that its name resolves to. The connection then goes to
the very address that was judged, so that a name which answers differently the next time gains nothing.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, quote, urlsplit

MAX_URL_CHARACTERS = 2_048
_PORTS = {"http": 80, "https": 443}
_label = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# RFC 6761 and RFC 8375, and what networks use inside.
_PRIVATE_SUFFIXES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa", "onion", "test")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 section 2.4
# Beyond what every Python knows to be special: protocol assignments (RFC 6890), 6to4 relays (RFC 7526), documentation
# (RFC 9637). Translated addresses (RFC 6052) are outside of global unicast.
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))


class RefusedLink(Exception):
    """The link is none that the server follows; ``reason`` is a short stable name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A link that may be followed if its addresses may. ``host`` is in ASCII; ``target`` goes into the request."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The `Host` of a request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str) -> WebAddress:
    """The parts of ``url``; raises RefusedLink."""
    if len(url) > MAX_URL_CHARACTERS or re.search(r"[\x00-\x20\x7f\\]", url):
        raise RefusedLink("malformed")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedLink("malformed") from None
    if parts.scheme not in _PORTS:
        raise RefusedLink("scheme")
    if "[" in parts.netloc and ":" not in (parts.hostname or ""):
        raise RefusedLink("malformed")
    if "@" in parts.netloc:
        raise RefusedLink("credentials")
    port = _PORTS[parts.scheme] if port is None else port
    if port not in _PORTS.values():
        raise RefusedLink("port")
    return WebAddress(parts.scheme, _host(parts.hostname or ""), port, _target(parts))


def check_address(text: str) -> str:
    """An address as it may be called; raises RefusedLink unless it is global unicast."""
    try:
        address = ip_address(text)
    except ValueError:
        raise RefusedLink("address") from None
    if not is_public(address):
        raise RefusedLink("address")
    return str(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public Internet, in itself and in what it stands for."""
    if isinstance(address, IPv6Address):
        # Mapped, 6to4 (RFC 3056) and Teredo (RFC 4380) addresses lead to an IPv4 address behind them.
        hidden = address.ipv4_mapped or address.sixtofour or address.teredo
        if address.scope_id is not None or hidden is not None or address not in _GLOBAL_UNICAST:
            return False
    if any(address.version == network.version and address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _host(host: str) -> str:
    try:
        return check_address(host)
    except RefusedLink:
        if ":" in host or _is_number(host.rstrip(".").rpartition(".")[2]):
            # Also 2130706433, 0x7f.1 and 127.1, which resolvers take for addresses.
            raise
    try:
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise RefusedLink("malformed") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_label.fullmatch(label) for label in labels):
        raise RefusedLink("malformed")
    # After IDNA, which turns full-width digits into digits.
    if len(labels) < 2 or _is_number(labels[-1]) or any(_is_below(name, suffix) for suffix in _PRIVATE_SUFFIXES):
        raise RefusedLink("host")
    return name


def _is_below(name: str, suffix: str) -> bool:
    return name == suffix or name.endswith("." + suffix)


def _is_number(label: str) -> bool:
    return re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", label) is not None


def _target(parts: SplitResult) -> str:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(target, safe=string.punctuation, errors="replace")
