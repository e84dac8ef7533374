"""Sums over everything in the engine, for Prometheus. A walk may take longer than a packet may wait: it is cut."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sfu.consumer import ConsumerState

if TYPE_CHECKING:
    from sfu.census import Census
    from sfu.engine import Engine
    from sfu.transport import Transport

SLICE_S = 0.001
"""So long the walk may hold up packets in one go."""
BETWEEN_CLOCKS = 32
"""Transports between two looks at the clock."""
LIFETIME_S = 1.0
MAX_LAYER = 3


class MediaFigures:
    """One walk. Names with a colon are what the label says: a state and why it is so."""

    def __init__(self) -> None:
        self.bps: Counter[str] = Counter()
        self.limited_by: Counter[str] = Counter()
        self.consumers: Counter[str] = Counter()
        self.states: Counter[tuple[str, str]] = Counter()
        self.layers: Counter[tuple[int, int]] = Counter()
        self.transports: Counter[tuple[str, str]] = Counter()
        self.paths: Counter[str] = Counter()
        self.queue_ms = 0.0

    def add_transport(self, transport: Transport) -> None:
        """Take a Transport, without its Consumers."""
        self.transports[transport.role.value, transport.state.value] += 1
        path = transport.connection.link.selected
        if path is not None:
            self.paths[path.kind] += 1
        downlink = transport.downlink
        if downlink is None:
            return
        estimator = downlink.estimator
        self.limited_by[estimator.reason.value if downlink.is_judged else "nothing"] += 1
        if downlink.is_judged:
            self.bps["estimated"] += estimator.estimate_bps
            self.bps["wanted"] += downlink.chooser.wanted_bps
            self.bps["allocated"] += downlink.chooser.chosen_bps
            self.queue_ms = max(self.queue_ms, estimator.queue_ms)

    def add_consumers(self, census: Census) -> None:
        """Take all Consumers, as the engine has counted them."""
        for place, count in census.counts():
            why = place.held or place.reason or "as wished"
            self.consumers[f"{'sent' if place.is_sent else 'paused'}:{why}"] += count
            self.states[place.kind, place.state] += count
            if place.layer is not None and place.state == ConsumerState.FORWARDING.value:
                size, temporal = place.layer
                self.layers[min(size, MAX_LAYER), min(temporal, MAX_LAYER)] += count

    def adaptive(self) -> dict[str, dict[str, float]]:
        """What bounds the subscribers: bits a second, what limits them, why Consumers get less or nothing."""
        return {
            "bps": dict(self.bps),
            "limited_by": dict(self.limited_by),
            "consumers": dict(self.consumers),
            "queue": {"longest_ms": self.queue_ms},
        }


def walk(engine: Engine) -> MediaFigures:
    """All at once."""
    found = MediaFigures()
    for _ in _take_all(engine, found):
        pass
    return found


def _take_all(engine: Engine, found: MediaFigures) -> Iterator[None]:
    """Into ``found``; there may be a pause wherever it yields."""
    transports = [transport for router in engine.routers.values() for transport in router.transports.values()]
    for number, transport in enumerate(transports, 1):
        found.add_transport(transport)
        if number % BETWEEN_CLOCKS == 0:
            yield
    found.add_consumers(engine.census)


class Surveyor:
    """Walks when somebody asks, in slices, and at most once a second for all who ask."""

    def __init__(self, engine: Engine) -> None:
        self.latest = MediaFigures()
        self.longest_slice_s = 0.0
        self._engine = engine
        self._until = float("-inf")
        self._walk: asyncio.Task[None] | None = None

    async def fresh(self) -> MediaFigures:
        """Figures that are not older than a second."""
        if time.monotonic() >= self._until:
            if self._walk is None:
                self._walk = asyncio.create_task(self._run(), name="media figures")
            # Who gives up asking must not end it for the others.
            await asyncio.shield(self._walk)
        return self.latest

    async def _run(self) -> None:
        try:
            found = MediaFigures()
            began = time.perf_counter()
            for _ in _take_all(self._engine, found):
                passed = time.perf_counter() - began
                if passed > SLICE_S:
                    self.longest_slice_s = max(self.longest_slice_s, passed)
                    await asyncio.sleep(0)
                    began = time.perf_counter()
            self.latest, self._until = found, time.monotonic() + LIFETIME_S
        finally:
            self._walk = None
