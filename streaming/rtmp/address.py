"""Addresses of RTMP servers, as users write them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from streaming.rtmp.publisher import Target

_PORTS = {"rtmp": 1935, "rtmps": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, and what to ask there. Never shows the key."""

    host: str
    port: int
    tls: bool
    target: Target


def parse(url: str, key: str) -> Address:
    """``rtmp[s]://host[:port]/app[/instance]``, and the stream's key. Raises ValueError, never with the key in it."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("an rtmp:// or rtmps:// address without a user name is needed")
    app = parts.path.strip("/")
    if parts.query:
        app += "?" + parts.query
    port = parts.port or _PORTS[parts.scheme]
    shown_host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown_port = "" if port == _PORTS[parts.scheme] else f":{port}"
    base = f"{parts.scheme}://{shown_host}{shown_port}/{app}"
    return Address(parts.hostname, port, parts.scheme == "rtmps", Target(app, base, key))
