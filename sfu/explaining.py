"""Why a participant gets what it gets: plain values, read from its Transports when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sfu.wishes import Wish

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.encoding import Encoding
    from sfu.ladder import Rung
    from sfu.producer import Producer
    from sfu.transport import Transport


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """One layer, as measured; None: not known. ``rid`` None: the Producer has one Encoding only."""

    rid: str | None
    spatial: int = 0
    temporal: int = 0
    width: int | None = None
    height: int | None = None
    frames_per_second: float | None = None
    bitrate_bps: int = 0


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A Consumer's target went from one layer (by name) to another; ``at``: monotonic seconds."""

    at: float
    from_layer: str
    to_layer: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """What becomes of one Consumer; layers are None for sound, and where there is none."""

    preferred: LayerFigures | None
    target: LayerFigures | None
    current: LayerFigures | None
    paused: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class ConsumerExplained:
    """One Consumer, with what its subscriber reports of it; ``loss`` is a share, 0.0 to 1.0."""

    producer_id: str
    kind: str
    state: str
    wish: Wish
    status: ConsumerStatus
    packets: int
    resent_packets: int
    loss: float
    rtt_ms: float | None
    changes: list[LayerChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UplinkLayer:
    """One Encoding as it arrives; ``wanted``: whether anybody does."""

    layer: LayerFigures
    ssrc: int
    wanted: bool
    active: bool


@dataclass(frozen=True, slots=True)
class ConnectionExplained:
    """One Transport's connection. Addresses are ``ip:port``; ``failure``: why it failed, if it did."""

    role: str
    state: str
    failure: str | None
    ice_path: str | None
    local: str | None
    remote: str | None


def explain_connection(transport: Transport) -> ConnectionExplained:
    """State and path of a Transport."""
    path = transport.connection.link.selected
    return ConnectionExplained(
        role=transport.role.value,
        state=transport.state.value,
        failure=transport.connection.failure,
        ice_path=None if path is None else path.kind,
        local=None if path is None else _address(path.local),
        remote=None if path is None else _address(path.remote),
    )


def explain_consumer(consumer: Consumer) -> ConsumerExplained:
    """One Consumer."""
    return ConsumerExplained(
        producer_id=consumer.producer.id,
        kind=consumer.kind,
        state=consumer.state.value,
        wish=consumer.wish,
        status=status_of(consumer),
        packets=consumer.entry.packets if consumer.entry is not None else 0,
        resent_packets=consumer.splicer.resender.packets,
        loss=consumer.stream.fraction_lost,
        rtt_ms=None if consumer.stream.rtt_s is None else round(consumer.stream.rtt_s * 1000, 1),
        changes=list(consumer.changes),
    )


def status_of(consumer: Consumer) -> ConsumerStatus:
    """What becomes of a Consumer, and why."""
    held = consumer.held_reason()
    video = consumer.kind == "video"
    current = current_rung(consumer) if video else None
    target, reason = consumer.target, held or consumer.reason
    if reason is None and target is not None and not target.is_same(current):
        reason = "switching"
    return ConsumerStatus(
        None if consumer.preferred is None else consumer.preferred.figures(),
        None if target is None else target.figures(),
        None if current is None else current.figures(),
        paused=held is not None or (video and consumer.chosen and target is None),
        reason=reason,
    )


def current_rung(consumer: Consumer) -> Rung | None:
    """The layer that is being sent."""
    splicer = consumer.splicer
    if not splicer.is_running:
        return None
    layers = splicer.filter
    found = [
        rung
        for rung in consumer.producer.ladder(consumer.now())
        if rung.encoding is splicer.encoding
        and (layers is None or (rung.spatial <= layers.spatial and rung.temporal <= layers.temporal))
    ]
    return found[-1] if found else None


def explain_uplink(producer: Producer, now: float) -> list[UplinkLayer]:
    """The Encodings of one Producer."""
    return [
        UplinkLayer(
            _whole(producer, encoding, now), encoding.ssrc, wanted=encoding.wanted, active=encoding.is_active(now)
        )
        for encoding in producer.encodings
    ]


def _whole(producer: Producer, encoding: Encoding, now: float) -> LayerFigures:
    """All layers of an Encoding."""
    rungs = [rung for rung in producer.ladder(now) if rung.encoding is encoding] if producer.kind == "video" else []
    figures = rungs[-1].figures() if rungs else LayerFigures(encoding.rid)
    return replace(figures, bitrate_bps=encoding.stream.bitrate_bps(now))


def _address(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
