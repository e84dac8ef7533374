"""Free ports for servers under test."""

from __future__ import annotations

import random
import socket

_ATTEMPTS = 50
# Below the range that Linux gives to outgoing connections (from 32,768 on): a port from there may be taken by any
# connection between the moment it is chosen and the moment a server listens on it.
_RANGE = range(16_000, 32_000)


def free_tcp_port() -> int:
    """A TCP port that nobody listens on just now, on any address."""
    return _first_free(socket.SOCK_STREAM)


def free_media_port() -> int:
    """A number that is free for UDP and TCP alike, on all addresses: the engine takes both."""
    return _first_free(socket.SOCK_DGRAM, socket.SOCK_STREAM)


def _first_free(*kinds: socket.SocketKind) -> int:
    for port in random.SystemRandom().sample(_RANGE, _ATTEMPTS):
        if all(_is_free(port, kind) for kind in kinds):
            return port
    raise RuntimeError("no port is free")


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
