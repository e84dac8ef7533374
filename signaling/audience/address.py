"""Where this shard's pipes are reached."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from signaling.errors import ErrorCode, RoomError


async def own_address(host: str) -> str:
    """``shards.internal_host`` as an IP address; raises RoomError if it has none."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise RoomError(ErrorCode.UNAVAILABLE, f"The shard's own name is not known: {error.strerror}") from None
    return str(found[0][4][0])
