"""What a client of Redis tells of itself: its circuit breaker, and what it has asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from signaling.breaker import Circuit
from signaling.redis_guard import Guard


def guard_of(client: Any) -> Guard | None:
    """The guard in front of a client; None: it was not made by ``redis_client.connect``."""
    found = getattr(client, "guard", None)
    return found if isinstance(found, Guard) else None


class RedisCollector(Collector):
    """Metrics of one Guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def collect(self) -> Iterator[Metric]:
        """The circuit's state, how often it has opened, commands by what became of them, and how long they take."""
        breaker = self._guard.breaker
        state = GaugeMetricFamily(
            "plenum_redis_circuit", "1 for the state of the circuit breaker in front of Redis.", labels=["state"]
        )
        for circuit in Circuit:
            state.add_metric([circuit.value], int(breaker.state is circuit))
        yield state
        yield CounterMetricFamily("plenum_redis_circuit_opened", "Times that Redis was left alone.", breaker.opened)
        commands = CounterMetricFamily(
            "plenum_redis_commands",
            "Round trips to Redis: asked in all, failed, refused at once, and without a free connection.",
            labels=["name"],
        )
        for name in ("commands", "failures", "refused", "no_connection"):
            commands.add_metric([name], self._guard.counters[name])
        yield commands
        text = "Time of a round trip to Redis, smoothed over the latest."
        yield GaugeMetricFamily("plenum_redis_latency_seconds", text, self._guard.latency_s)
