"""The forwarding domain of one Room: its Transports, its Producers, its groups and who is speaking in each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from sfu.groups import Group, Groups
from sfu.producer import Producer
from sfu.relay import RelayFrame, build_frame
from sfu.sinks import MediaSink, SinkBook
from sfu.transport import Transport, TransportRole

if TYPE_CHECKING:
    from sfu.engine import Engine
    from sfu.pipes.sender import PipeSender


class RouterListener(Protocol):
    """What a Room wants to know of its Router."""

    def on_speakers(self, dominant: str | None, levels: dict[str, float], group: Group = None) -> None:
        """The dominant Producer's id, and the level (0.0 to 1.0) of each Producer that is heard, in one group."""
        ...

    def on_transport_state(self, transport: Transport) -> None:
        """A Transport's state changed."""
        ...

    def on_wanted_layers(self, producer: Producer, layers: Mapping[str, bool]) -> None:
        """Which Encodings of a Producer anybody wants, by RID, has changed."""
        ...

    def on_subscription(self, transport: Transport) -> None:
        """What a subscriber gets has changed; told at most once a second."""
        ...


class Router:
    """Transports and Producers of one Room."""

    def __init__(self, engine: Engine, router_id: str, max_voices: int = 0) -> None:
        self.id = router_id
        self.engine = engine
        self.producers: dict[str, Producer] = {}
        self.transports: dict[str, Transport] = {}
        self.groups = Groups(max_voices)
        self.listener: RouterListener | None = None
        self.pipes: set[PipeSender] = set()
        self.sinks = SinkBook(self.groups.of, time.monotonic)

    def create_transport(self, *, owner: str, role: TransportRole) -> Transport:
        """A Transport of ``owner`` (an opaque name), waiting for its negotiation."""
        transport = Transport(self, f"{self.engine.random.getrandbits(64):016x}", owner, role)
        self.transports[transport.id] = transport
        self.engine.schedule(transport)
        return transport

    def set_group(self, owner: str, group: Group) -> None:
        """Put one owner into a group, see ``set_groups``."""
        self.set_groups({owner: group})

    def set_groups(self, moves: Mapping[str, Group]) -> None:
        """Put owners into groups, None being the one in which all begin.

        Media, data and speakers reach only the same group, from this call on and without any negotiation. Consumers
        across groups stay negotiated, and go on when both ends are in one group again.
        """
        moved = self.groups.move(moves)
        if not moved:
            return
        for producer in self.producers.values():
            if producer.owner in moved:
                self.groups.forget(producer.id)
                self.sinks.on_producer(producer)
        for transport in self.transports.values():
            for consumer in transport.sending.consumers.values():
                if transport.owner in moved or consumer.producer.owner in moved:
                    consumer.set_barred(not self.is_together(transport.owner, consumer.producer.owner))

    def is_together(self, owner: str, other: str) -> bool:
        """Whether two owners are in the same group."""
        return self.groups.of(owner) == self.groups.of(other)

    def add_sink(self, sink: MediaSink, group: Group = None) -> None:
        """Give ``sink`` the media of all Producers of one group, now and as they come."""
        self.sinks.add(sink, self.producers.values(), group)

    def remove_sink(self, sink: MediaSink) -> None:
        """Take a sink away; harmless if it is gone."""
        self.sinks.remove(sink)

    def close(self) -> None:
        """Close all Transports and let the sinks go."""
        self.sinks.close()
        for pipe in [pipe for pipe in self.engine.pipes if pipe.router is self]:
            pipe.close()
        for transport in list(self.transports.values()):
            transport.close()
        self.engine.routers.pop(self.id, None)

    # -- from the Transports ---------------------------------------------------------------------------------------

    def on_level(self, producer_id: str, level_dbov: int, now: float) -> None:
        """An RFC 6464 level of one packet."""
        producer = self.producers.get(producer_id)
        self.groups.on_level(producer_id, None if producer is None else producer.owner, level_dbov, now)

    def on_transport_state(self, transport: Transport) -> None:
        """Pass a change on to the Room."""
        if self.listener is not None:
            self.listener.on_transport_state(transport)

    def add_producer(self, producer: Producer) -> None:
        """A Producer has come."""
        self.producers[producer.id] = producer
        for pipe in self.pipes:
            pipe.add(producer)
        self.sinks.on_producer(producer)

    def on_wanted(self, producer: Producer) -> None:
        """Which Encodings of a Producer anybody wants has changed."""
        if self.listener is not None:
            self.listener.on_wanted_layers(producer, producer.dynacast.layers())

    def is_dominant(self, producer: Producer) -> bool:
        """Whether its owner is the one who speaks in its group."""
        dominant = self.producers.get(self.groups.dominant(producer.owner) or "")
        return dominant is not None and dominant.owner == producer.owner

    def on_subscription(self, transport: Transport) -> None:
        """What a subscriber gets has changed."""
        if self.listener is not None:
            self.listener.on_subscription(transport)

    def forget_producer(self, producer: Producer) -> None:
        """A Producer has ended."""
        self.producers.pop(producer.id, None)
        for pipe in self.pipes:
            pipe.remove(producer)
        self.sinks.forget(producer)
        self.groups.forget(producer.id)

    def forget(self, transport: Transport) -> None:
        """A Transport has ended."""
        self.transports.pop(transport.id, None)
        self.engine.unschedule(transport)

    def relay(self, sender: Transport, label: str, frame: RelayFrame) -> None:
        """Pass a data channel's frame on to the same channel of the others in the sender's group."""
        data = build_frame(sender.owner, frame.topic, frame.payload)
        for transport in self.transports.values():
            if transport.data is None or transport.owner == sender.owner:
                continue
            if (frame.to is None or transport.owner in frame.to) and self.is_together(sender.owner, transport.owner):
                transport.data.send(label, data)

    # -- time ------------------------------------------------------------------------------------------------------

    def review_speakers(self, now: float) -> None:
        """Called five times a second: tell the Room when who speaks, or how loud, has changed."""
        if self.listener is None:
            return
        for group, (dominant, levels) in self.groups.changes(now):
            self.listener.on_speakers(dominant, levels, group)
        heard, unheard = self.groups.voices(now)
        for producer_id in heard | unheard:
            producer = self.producers.get(producer_id)
            if producer is not None and producer.source == "microphone":
                for consumer in producer.consumers.values():
                    consumer.set_unheard(producer_id in unheard)

    def stats(self) -> dict[str, object]:
        """Figures of this Router."""
        return {
            "id": self.id,
            "at": time.time(),
            "transports": [transport.stats() for transport in self.transports.values()],
        }
