"""The two ends of a pipe as the engine has them. Both begin unconnected, so that their nonce and port can be told."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sfu.io.pipe import NONCE_BYTES, PipeWire, derive_keys
from sfu.layers.forward import Outlet
from sfu.pipes.receiver import PipeReceiver
from sfu.pipes.sender import PipeSender

if TYPE_CHECKING:
    from sfu.engine import Engine
    from sfu.router import Router


class _PipeOutlet(Outlet):
    """Where packets wait until the batch ends."""

    def __init__(self, wire: PipeWire, dirty: list[Outlet]) -> None:
        super().__init__(dirty)
        self._wire = wire

    def flush(self, now: float) -> None:
        """Send what was queued."""
        packets, self.packets = self.packets, []
        self._wire.send_many(packets)


class PipeEnd:
    """``nonce`` and ``port`` are told to the other end. The engine gives it its turns until ``close``."""

    def __init__(self, router: Router, host: str) -> None:
        """Raises OSError if ``host`` (an IP address) cannot be bound."""
        self.router = router
        self.engine: Engine = router.engine
        self.nonce = secrets.token_bytes(NONCE_BYTES)
        self.wire = PipeWire(host, self.engine.counters, self.engine.flush)
        self.closed = False
        self.engine.pipes.add(self)

    @property
    def port(self) -> int:
        """Where the other end sends to."""
        return self.wire.port

    def on_rtp(self, data: bytes, now: float) -> None:
        """Media from the other end."""

    def on_rtcp(self, data: bytes, now: float) -> None:
        """Reports and wishes from the other end."""

    def tick(self, now: float, unix_now: float) -> None:
        """Called every 20 ms."""

    def close(self) -> None:
        """Let go of the port and the clock; may be called again."""
        self.closed = True
        self.engine.pipes.discard(self)
        self.wire.close()


class OutgoingPipe(PipeEnd):
    """Where the publishers are. ``sender`` is there once the pipe is connected."""

    def __init__(self, router: Router, host: str) -> None:
        super().__init__(router, host)
        self.sender: PipeSender | None = None

    def connect(
        self, address: tuple[str, int], secret: bytes, receiver_nonce: bytes, on_tracks: Callable[[], None]
    ) -> None:
        """Send what the Router has and will have. ``on_tracks``: the other end is to be told of ``sender.tracks()``."""
        keys = derive_keys(secret, self.nonce, receiver_nonce, is_sender=True)
        protector = self.wire.connect(address, keys, self)
        self.sender = PipeSender(
            outlet=_PipeOutlet(self.wire, self.engine.dirty),
            protector=protector,
            plans=self.engine.plans,
            random=self.engine.random,
            send_rtcp=self.wire.send_rtcp,
            on_tracks=on_tracks,
            counters=self.engine.counters,
            now=time.monotonic,
        )
        self.router.pipes.add(self.sender)
        for producer in list(self.router.producers.values()):
            self.sender.add(producer)

    def on_rtcp(self, data: bytes, now: float) -> None:
        """Requests and wishes of the far end."""
        if self.sender is not None:
            self.sender.on_rtcp(data, now)

    def tick(self, now: float, unix_now: float) -> None:
        """Called every 20 ms."""
        if self.sender is not None:
            self.sender.tick(now, unix_now)

    def close(self) -> None:
        """Send nothing any more; may be called again."""
        if self.sender is not None:
            self.router.pipes.discard(self.sender)
            self.sender.close()
        super().close()


class IncomingPipe(PipeEnd):
    """Where an audience is."""

    def __init__(self, router: Router, host: str) -> None:
        super().__init__(router, host)
        self.receiver = PipeReceiver(
            router=router,
            random=self.engine.random,
            send_rtcp=self.wire.send_rtcp,
            counters=self.engine.counters,
            history_packets=self.engine.options.max_history_packets,
            now=time.monotonic,
        )

    def connect(self, address: tuple[str, int], secret: bytes, sender_nonce: bytes) -> None:
        """Take what comes from ``address``."""
        self.wire.connect(address, derive_keys(secret, sender_nonce, self.nonce, is_sender=False), self)

    def on_rtp(self, data: bytes, now: float) -> None:
        """Media of the Producers at the other shard."""
        self.receiver.on_rtp(data, now)

    def on_rtcp(self, data: bytes, now: float) -> None:
        """Sender reports."""
        self.receiver.on_rtcp(data, now, time.time())

    def tick(self, now: float, unix_now: float) -> None:
        """Called every 20 ms."""
        self.receiver.tick(now)

    def close(self) -> None:
        """End the Producers that came by it; may be called again."""
        self.receiver.close()
        super().close()
