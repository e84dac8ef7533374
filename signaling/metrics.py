"""Figures for Prometheus, read when they are asked for: on the way of a packet or message only integers are counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from signaling.media_metrics import histogram, media_metrics
from signaling.version import VERSION

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.store import RoomStore
    from signaling.whip_gate import WhipGate

_GAUGES = {
    "rooms": "Open rooms.",
    "participants": "Participants of all rooms.",
    "sessions": "Open WebSockets.",
    "publications": "Published tracks.",
    "viewers": "WHEP viewers.",
    "uptime_s": "Seconds since the start.",
}
_ERROR, _REFUSED = "error_", "join_refused_"


def totals(hub: Hub, gate: WhipGate) -> dict[str, Any]:
    """What there is of each."""
    return {
        "uptime_s": round(time.time() - hub.started_unix, 3),
        "rooms": len(hub.rooms),
        "participants": hub.participants,
        "sessions": hub.sessions,
        "publications": sum(1 for live in hub.rooms.values() for _ in live.room.publications()),
        "viewers": gate.viewers,
    }


def figures(hub: Hub, store: RoomStore, gate: WhipGate) -> dict[str, Any]:
    """All figures of this process."""
    return {**totals(hub, gate), "signaling": _signaling(hub, store), "media": hub.media_stats()}


def _signaling(hub: Hub, store: RoomStore) -> dict[str, int]:
    return {**hub.around.counters, **{f"redis_{name}": n for name, n in store.counters.items()}}


SLICE_S = 0.001
"""So long families may be collected in one go, while packets wait."""


async def exposition(registry: Collector) -> bytes:
    """What Prometheus reads of all collectors, family by family.

    Not by a thread: the loop would have to wait for the interpreter as long as for the whole text.
    """
    text: list[bytes] = []
    until = time.perf_counter() + SLICE_S
    for family in registry.collect():
        text.append(generate_latest(_One(family)))
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE_S
    return b"".join(text)


class _One(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        """The one."""
        return [self._family]


class RoomCollector(Collector):
    """Rooms, messages, Redis and this process as a shard; then the media engine, then other collectors.

    ``Surveyor.fresh`` is to be awaited before: the walk over all Consumers takes too long for one go.
    """

    def __init__(self, hub: Hub, store: RoomStore, gate: WhipGate) -> None:
        self._hub, self._store, self._gate = hub, store, gate

    def collect(self) -> Iterator[Metric]:
        """One family a figure."""
        hub = self._hub
        now = totals(hub, self._gate)
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(f"plenum_{name}", text, value=now[name])
        yield from self._messages()
        yield from self._redis()
        yield from self._process()
        yield from media_metrics(hub)
        for collector in hub.collectors:
            yield from collector.collect()

    def _messages(self) -> Iterator[Metric]:
        counted = self._hub.around.counters
        messages = CounterMetricFamily("plenum_messages", "Messages over WebSockets.", labels=["direction"])
        messages.add_metric(["received"], counted["messages_received"])
        messages.add_metric(["sent"], counted["messages_sent"])
        yield messages
        yield histogram(
            "plenum_message_seconds",
            "From the receipt of a message until it is handled and its answers are queued.",
            self._hub.around.message_seconds,
        )
        yield counters("plenum_errors", "Errors told to clients.", _cut(counted, _ERROR), "code")
        yield counters("plenum_joins_refused", "Joins that were refused.", _cut(counted, _REFUSED), "code")
        every = _signaling(self._hub, self._store)
        yield counters("plenum_signaling_events", "Messages, refusals and Redis, by name.", every)

    def _redis(self) -> Iterator[Metric]:
        store = self._store
        yield GaugeMetricFamily("plenum_redis_up", "1 while Redis takes what is written.", value=int(store.healthy))
        text = "Writes that wait for Redis."
        yield GaugeMetricFamily("plenum_redis_waiting_writes", text, value=store.waiting)
        text = "How long Redis took for a group of writes."
        yield histogram("plenum_redis_write_seconds", text, store.write_seconds)

    def _process(self) -> Iterator[Metric]:
        hub = self._hub
        lag_text = "How late the event loop's latest second came: what a message may have to wait."
        yield GaugeMetricFamily("plenum_loop_lag_seconds", lag_text, value=hub.loop_lag_s)
        text = "How late the event loop came to the media engine's clock, fifty times a second."
        yield histogram("plenum_loop_delay_seconds", text, hub.engine.totals.loop)
        if hub.ownership is None:
            yield InfoMetricFamily("plenum_shard", "This process.", value={"version": VERSION})
            return
        info = hub.ownership.figures(hub.ownership.info)
        told = {"version": VERSION, "shard": info.id, "region": info.region, "state": info.state.value}
        yield InfoMetricFamily("plenum_shard", "This process.", value=told)
        for name, text, value in (
            ("load", "Share of one processor core that it uses, smoothed.", info.load),
            ("max_load", "Load above which it takes no new room.", info.max_load),
            ("max_rooms", "Rooms that it takes at most.", info.max_rooms),
            ("max_participants", "Participants that it takes at most.", info.max_participants),
            ("draining", "1 while it takes no new rooms.", float(info.state.value == "draining")),
        ):
            yield GaugeMetricFamily(f"plenum_shard_{name}", text, value=value)
        yield counters("plenum_shard_events", "Leases, moves and passed-on requests.", hub.ownership.counters)


def _cut(values: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in values.items() if name.startswith(prefix)}


def counters(name: str, text: str, values: Mapping[str, object], label: str = "name") -> Metric:
    """A counter with one label."""
    family = CounterMetricFamily(name, text, labels=[label])
    for value_of, value in values.items():
        if isinstance(value, (int, float)):
            family.add_metric([value_of], value)
    return family
