"""How shards prove to each other who they are: each internal request is signed with a secret that all share."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from signaling.options import AuthOptions
from signaling.shards.options import ShardOptions

HEADER = "x-plenum-shard"
MAX_CLOCK_DIFFERENCE_S = 60.0


def secret_of(auth: AuthOptions, options: ShardOptions) -> bytes:
    """The common secret: that of the options, else one made of the secret of tokens, else one of this process alone."""
    if options.secret is not None:
        return options.secret.get_secret_value().encode()
    if auth.secret is not None:
        return hmac.digest(auth.secret.get_secret_value().encode(), b"plenum shards", "sha256")
    return os.urandom(32)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a signed request says of itself: how many shards it went through, and the client that asked the first."""

    hop: int
    client: str
    scheme: str


class Signer:
    """Signs requests and checks signatures."""

    def __init__(self, secret: bytes, unix: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._unix = unix

    def sign(self, method: str, target: str, shard_id: str, origin: Origin) -> str:
        """The header's value for a request to ``shard_id``. ``target``: path with query."""
        head = f"{origin.hop};{self._unix():.3f};{origin.scheme};{origin.client}"
        return f"{head};{self._mac(method, target, shard_id, head)}"

    def check(self, method: str, target: str, shard_id: str, value: str) -> Origin | None:
        """What a header says; None if it was not made with our secret, for this request to us, just now."""
        head, _, mac = value.rpartition(";")
        if not hmac.compare_digest(self._mac(method, target, shard_id, head).encode(), mac.encode()):
            return None
        hop, at, scheme, client = head.split(";", 3)
        if abs(self._unix() - float(at)) > MAX_CLOCK_DIFFERENCE_S:
            return None
        return Origin(int(hop), client, scheme)

    def _mac(self, method: str, target: str, shard_id: str, head: str) -> str:
        text = f"{method}\n{target}\n{shard_id}\n{head}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
