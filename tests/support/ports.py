"""Free ports for servers under test."""

from __future__ import annotations

import socket

_ATTEMPTS = 50


def free_tcp_port() -> int:
    """A TCP port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_media_port() -> int:
    """A number that is free for UDP and TCP alike, on all addresses: the engine takes both."""
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("0.0.0.0", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free for UDP and TCP alike")
