"""What this process tells of itself as a shard."""

from __future__ import annotations

import os
import re
import socket
import time

from config.settings import Settings
from signaling.shards.model import ShardInfo
from signaling.version import VERSION

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


def own_name() -> str:
    """The machine's name as part of a shard's."""
    return _NOT_IN_NAMES.sub("-", socket.gethostname())[:48]


def describe(settings: Settings, inner: list[socket.socket], media_port: int) -> ShardInfo:
    """The shard that these settings and ports make."""
    options = settings.shards
    host, port = options.internal_host, inner[0].getsockname()[1]
    return ShardInfo(
        id=options.id or f"{own_name()}-{os.getpid()}",
        incarnation=os.environ.get("SHARD_INCARNATION") or os.urandom(6).hex(),
        region=options.region,
        version=VERSION,
        internal_url=f"http://{f'[{host}]' if ':' in host else host}:{port}",
        media_addresses=settings.media.announced_addresses,
        media_port=media_port,
        pid=os.getpid(),
        max_rooms=options.max_rooms,
        max_participants=options.max_participants,
        max_subscribers=options.max_subscribers,
        max_load=options.max_load,
        started_unix=round(time.time(), 3),
    )
