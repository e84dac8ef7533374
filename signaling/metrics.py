"""Figures for Prometheus, read when they are asked for: on the way of a packet or message only integers are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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


def figures(hub: Hub, store: RoomStore, gate: WhipGate) -> dict[str, Any]:
    """All figures of this process."""
    return {
        "uptime_s": round(time.time() - hub.started_unix, 3),
        "rooms": len(hub.rooms),
        "participants": hub.participants,
        "sessions": hub.sessions,
        "publications": sum(1 for live in hub.rooms.values() for _ in live.room.publications()),
        "viewers": gate.viewers,
        "signaling": {**hub.around.counters, **{f"redis_{name}": n for name, n in store.counters.items()}},
        "media": hub.media_stats(),
    }


class RoomCollector(Collector):
    """Turns ``figures`` into metrics: plain numbers are gauges, tables of numbers counters with a label."""

    def __init__(self, hub: Hub, store: RoomStore, gate: WhipGate) -> None:
        self._sources = (hub, store, gate)

    def collect(self) -> Iterator[Metric]:
        """One family a figure."""
        now = figures(*self._sources)
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(f"plenum_{name}", text, value=now[name])
        hub, store, _ = self._sources
        yield GaugeMetricFamily("plenum_redis_up", "1 while Redis takes what is written.", value=int(store.healthy))
        lag_text = "How late the event loop's latest second came: what a message may have to wait."
        yield GaugeMetricFamily("plenum_loop_lag_seconds", lag_text, value=hub.loop_lag_s)
        yield _counters("plenum_signaling_events", "Messages, refusals and Redis, by name.", now["signaling"])
        for name, value in now["media"].items():
            if name == "adaptive":
                yield from _adaptive(value)
            elif isinstance(value, Mapping):
                yield _counters(f"plenum_media_{name}", f"The media engine's {name}, by name.", value)
            elif isinstance(value, (int, float)):
                yield GaugeMetricFamily(f"plenum_media_{name}", f"The media engine's {name}.", value=value)
        for collector in self._sources[0].collectors:
            yield from collector.collect()


_ADAPTIVE = {
    "bps": "Bits a second towards all subscribers: estimated, wanted and allocated.",
    "limited_by": "Subscribers, by what limits the estimate of their path.",
    "consumers": "Tracks of all subscribers, by whether they are sent and why less than wished.",
    "layers": "Changes of layers of all present subscribers, and the longest queue in milliseconds.",
}


def _adaptive(tables: Mapping[str, Mapping[str, float]]) -> Iterator[Metric]:
    for name, values in tables.items():
        family = GaugeMetricFamily(f"plenum_media_adaptive_{name}", _ADAPTIVE[name], labels=["name"])
        for label, value in values.items():
            family.add_metric([label], value)
        yield family


def _counters(name: str, text: str, values: Mapping[str, object]) -> Metric:
    family = CounterMetricFamily(name, text, labels=["name"])
    for label, value in values.items():
        if isinstance(value, (int, float)):
            family.add_metric([label], value)
    return family
