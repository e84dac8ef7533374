"""A Router that negotiates on paper only: an "SDP" is JSON such as ``{"tracks": {"0": "audio"}}``.

It keeps the engine's promises that rooms rely on: one outstanding offer, nothing changed by a refused one, Producers
gone with their transport, states told to the listener.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sfu.connection import TransportState
from sfu.errors import NegotiationError
from sfu.figures import MediaFigures
from sfu.totals import Totals
from sfu.transport import OfferResult, TransportRole
from sfu.wishes import Mode, Wish


class ProducerDouble:
    def __init__(self, producer_id: str, kind: str, mid: str, owner: str, source: str) -> None:
        self.id, self.kind, self.mid, self.owner, self.source = producer_id, kind, mid, owner, source
        self.muted = False

    def set_muted(self, muted: bool) -> None:
        self.muted = muted


class ConsumerDouble:
    def __init__(self, producer: ProducerDouble, mid: str) -> None:
        self.producer, self.mid = producer, mid
        self.wish = Wish()

    def set_wish(self, wish: Wish) -> None:
        self.wish = wish


class TransportDouble:
    def __init__(self, router: RouterDouble, transport_id: str, owner: str, role: TransportRole) -> None:
        self.router, self.id, self.owner, self.role = router, transport_id, owner, role
        self.state = TransportState.NEW
        self.producers: dict[str, ProducerDouble] = {}
        self.consumers: list[ConsumerDouble] = []
        self.candidates: list[str | None] = []
        self.needs_offer = False
        self.outstanding = False
        self.ice_tag = "ice0"
        self.restarts = 0
        self.mode = Mode.AUTO
        self._mids = itertools.count()

    def accept_offer(self, sdp: str, sources: Mapping[str, str] | None = None) -> OfferResult:
        tracks = _read(sdp).get("tracks", {})
        added = [
            ProducerDouble(self.router.next_id("producer"), kind, mid, self.owner, (sources or {}).get(mid, ""))
            for mid, kind in tracks.items()
            if mid not in self.producers
        ]
        removed = [self.producers.pop(mid) for mid in list(self.producers) if mid not in tracks]
        for producer in added:
            self.producers[producer.mid] = producer
            self.router.producers[producer.id] = producer
        for producer in removed:
            del self.router.producers[producer.id]
        result: Any = OfferResult(json.dumps({"answer": sorted(tracks)}), added, removed)  # type: ignore[arg-type]
        return result  # type: ignore[no-any-return]

    def accept_play_offer(self, sdp: str, producers: Sequence[ProducerDouble]) -> str:
        kinds = list(_read(sdp).get("tracks", {}).values())
        for producer in producers:
            if producer.kind in kinds:
                self.consumers.append(ConsumerDouble(producer, str(next(self._mids))))
        if not self.consumers:
            raise NegotiationError("not_supported", "nothing fits")
        return json.dumps({"plays": [c.producer.id for c in self.consumers]})

    def consume(self, producer: ProducerDouble) -> ConsumerDouble:
        assert producer.id in self.router.producers
        consumer = ConsumerDouble(producer, str(next(self._mids)))
        self.consumers.append(consumer)
        self.needs_offer = True
        return consumer

    def unconsume(self, consumer: ConsumerDouble) -> None:
        if consumer in self.consumers:
            self.consumers.remove(consumer)
            self.needs_offer = True

    def create_offer(self, *, ice_restart: bool = False) -> str:
        if self.outstanding:
            raise NegotiationError("invalid_state", "an answer is outstanding")
        self.outstanding, self.needs_offer = True, False
        self.restarts += ice_restart
        return json.dumps({"offer": [c.producer.id for c in self.consumers], "restart": ice_restart})

    def accept_answer(self, sdp: str) -> list[ConsumerDouble]:
        refused = _read(sdp).get("refused", [])
        self.outstanding = False
        return [c for c in self.consumers if c.mid in refused]

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode

    def add_remote_candidate(self, candidate: str | None) -> None:
        if candidate == "nonsense":
            raise NegotiationError("invalid_sdp", "no candidate")
        self.candidates.append(candidate)

    def ice_patch(self, fragment: str) -> str | None:
        if "a=ice-ufrag:" not in fragment:
            return None
        self.ice_tag = "ice1"
        return "a=ice-ufrag:server\r\n"

    def become(self, state: TransportState) -> None:
        """What the network does to a connection."""
        self.state = state
        if self.router.listener is not None:
            self.router.listener.on_transport_state(self)

    def close(self) -> None:
        if self.state is not TransportState.CLOSED:
            for producer in self.producers.values():
                self.router.producers.pop(producer.id, None)
            self.router.transports.pop(self.id, None)
            self.become(TransportState.CLOSED)


class RouterDouble:
    def __init__(self, router_id: str, engine: EngineDouble | None = None) -> None:
        self.id = router_id
        self.engine = engine
        self.producers: dict[str, ProducerDouble] = {}
        self.transports: dict[str, TransportDouble] = {}
        self.listener: Any = None
        self.groups: dict[str, str | None] = {}
        self.closed = False
        self._numbers = itertools.count(1)

    def set_group(self, owner: str, group: str | None) -> None:
        self.set_groups({owner: group})

    def set_groups(self, moves: Mapping[str, str | None]) -> None:
        merged = {**self.groups, **moves}
        self.groups = {owner: group for owner, group in merged.items() if group is not None}

    def next_id(self, kind: str) -> str:
        return f"{kind}{next(self._numbers)}"

    def create_transport(self, *, owner: str, role: TransportRole) -> TransportDouble:
        transport = TransportDouble(self, self.next_id("transport"), owner, role)
        self.transports[transport.id] = transport
        return transport

    def transport_of(self, owner: str, role: TransportRole) -> TransportDouble:
        """For assertions: the one open transport of that owner and role."""
        found = [t for t in self.transports.values() if t.owner == owner and t.role is role]
        assert len(found) == 1, found
        return found[0]

    def close(self) -> None:
        self.closed = True
        for transport in list(self.transports.values()):
            transport.close()
        if self.engine is not None:
            self.engine.routers.pop(self.id, None)


class SurveyorDouble:
    def __init__(self) -> None:
        self.latest = MediaFigures()

    async def fresh(self) -> MediaFigures:
        return self.latest


class EngineDouble:
    def __init__(self) -> None:
        self.routers: dict[str, RouterDouble] = {}
        self.totals = Totals()
        self.counters: Counter[str] = Counter(stun_unknown=3)
        self.surveyor = SurveyorDouble()

    def create_router(self, router_id: str) -> RouterDouble:
        assert router_id not in self.routers
        router = self.routers[router_id] = RouterDouble(router_id, self)
        return router

    def stats(self) -> dict[str, object]:
        return {"routers": len(self.routers), "counters": {"stun_unknown": 3}}


def _read(sdp: str) -> dict[str, Any]:
    try:
        data = json.loads(sdp)
    except ValueError:
        raise NegotiationError("invalid_sdp", "not a description") from None
    assert isinstance(data, dict)
    return data
