"""The forwarding domain of one Room: its Transports, its Producers and who is speaking."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from sfu.producer import Producer
from sfu.relay import RelayFrame, build_frame
from sfu.speakers.dominant import DominantSpeaker
from sfu.transport import Transport, TransportRole

if TYPE_CHECKING:
    from sfu.engine import Engine


class RouterListener(Protocol):
    """What a Room wants to know of its Router."""

    def on_speakers(self, dominant: str | None, levels: dict[str, float]) -> None:
        """The dominant Producer's id, and the level (0.0 to 1.0) of each Producer that is heard."""
        ...

    def on_transport_state(self, transport: Transport) -> None:
        """A Transport's state changed."""
        ...


class Router:
    """Transports and Producers of one Room."""

    def __init__(self, engine: Engine, router_id: str) -> None:
        self.id = router_id
        self.engine = engine
        self.producers: dict[str, Producer] = {}
        self.transports: dict[str, Transport] = {}
        self.speakers = DominantSpeaker()
        self.listener: RouterListener | None = None
        self._last_speakers: tuple[str | None, dict[str, float]] = (None, {})

    def create_transport(self, *, owner: str, role: TransportRole) -> Transport:
        """A Transport of ``owner`` (an opaque name), waiting for its negotiation."""
        transport = Transport(self, f"{self.engine.random.getrandbits(64):016x}", owner, role)
        self.transports[transport.id] = transport
        self.engine.schedule(transport)
        return transport

    def close(self) -> None:
        """Close all Transports."""
        for transport in list(self.transports.values()):
            transport.close()
        self.engine.routers.pop(self.id, None)

    # -- from the Transports ---------------------------------------------------------------------------------------

    def on_level(self, producer_id: str, level_dbov: int, now: float) -> None:
        """An RFC 6464 level of one packet."""
        self.speakers.on_level(producer_id, level_dbov, now)

    def on_transport_state(self, transport: Transport) -> None:
        """Pass a change on to the Room."""
        if self.listener is not None:
            self.listener.on_transport_state(transport)

    def forget(self, transport: Transport) -> None:
        """A Transport has ended."""
        self.transports.pop(transport.id, None)
        self.engine.unschedule(transport)

    def relay(self, sender: Transport, label: str, frame: RelayFrame) -> None:
        """Pass a data channel's frame on to the same channel of the others."""
        data = build_frame(sender.owner, frame.topic, frame.payload)
        for transport in self.transports.values():
            if transport.data is None or transport.owner == sender.owner:
                continue
            if frame.to is None or transport.owner in frame.to:
                transport.data.send(label, data)

    # -- time ------------------------------------------------------------------------------------------------------

    def review_speakers(self, now: float) -> None:
        """Called five times a second: tell the Room when who speaks, or how loud, has changed."""
        if self.listener is None:
            return
        dominant = self.speakers.evaluate(now)
        levels = {key: round(level, 2) for key, level in self.speakers.levels(now).items() if level >= 0.01}
        if (dominant, levels) != self._last_speakers:
            self._last_speakers = (dominant, levels)
            self.listener.on_speakers(dominant, levels)

    def stats(self) -> dict[str, object]:
        """Figures of this Router."""
        return {
            "id": self.id,
            "at": time.time(),
            "transports": [transport.stats() for transport in self.transports.values()],
        }
