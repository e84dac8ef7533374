"""Sums over everything in the engine, for Prometheus. A full walk may take longer than a packet may wait: it is cut."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sfu.consumer import ConsumerState

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.engine import Engine
    from sfu.transport import Transport

SLICE_S = 0.004
"""So long the walk may hold up packets in one go."""
BETWEEN_CLOCKS = 64
"""Consumers between two looks at the clock."""
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
        self._alike: dict[tuple[str | None, str | None, bool, str, str, tuple[int, int] | None], int] = {}

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

    def add_consumer(self, consumer: Consumer) -> None:
        """Take a Consumer; ``settle`` follows the last: there are ten thousand, and few kinds of them."""
        target = consumer.target
        layer = None if target is None else (target.encoding.index + target.spatial, target.temporal)
        # The state's word, since an enumeration's own hash takes as long as all the rest.
        state = consumer.state._value_
        key = (consumer.held_reason(), consumer.reason, consumer.chosen, consumer.kind, state, layer)
        self._alike[key] = self._alike.get(key, 0) + 1

    def settle(self) -> MediaFigures:
        """Add up what was taken."""
        alike, self._alike = self._alike, {}
        for (held, reason, chosen, kind, state, layer), count in alike.items():
            is_sent = held is None and (layer is not None or not chosen)
            self.consumers[f"{'sent' if is_sent else 'paused'}:{held or reason or 'as wished'}"] += count
            self.states[kind, state] += count
            if layer is not None and state == ConsumerState.FORWARDING.value:
                self.layers[min(layer[0], MAX_LAYER), min(layer[1], MAX_LAYER)] += count
        return self

    def adaptive(self) -> dict[str, dict[str, float]]:
        """What bounds the subscribers: bits a second, what limits them, why Consumers get less or nothing."""
        return {
            "bps": dict(self.bps),
            "limited_by": dict(self.limited_by),
            "consumers": dict(self.consumers),
            "queue": {"longest_ms": self.queue_ms},
        }


def walk(transports: Iterable[Transport]) -> MediaFigures:
    """All at once."""
    found = MediaFigures()
    for transport in transports:
        found.add_transport(transport)
        if transport.downlink is not None:
            for consumer in transport.sending.consumers.values():
                found.add_consumer(consumer)
    return found.settle()


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
            began, count = time.perf_counter(), 0
            for router in list(self._engine.routers.values()):
                for transport in list(router.transports.values()):
                    found.add_transport(transport)
                    consumers = transport.sending.consumers.values() if transport.downlink is not None else ()
                    for consumer in list(consumers):
                        found.add_consumer(consumer)
                        count += 1
                    if count >= BETWEEN_CLOCKS:
                        count = 0
                        passed = time.perf_counter() - began
                        if passed > SLICE_S:
                            self.longest_slice_s = max(self.longest_slice_s, passed)
                            await asyncio.sleep(0)
                            began = time.perf_counter()
            self.latest, self._until = found.settle(), time.monotonic() + LIFETIME_S
        finally:
            self._walk = None
