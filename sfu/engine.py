"""The media engine of one process: its ports, certificate, Routers and the clock that drives them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from random import Random

import structlog

from sfu.census import Census
from sfu.figures import Surveyor, walk
from sfu.io.dtls import Certificate
from sfu.io.ports import MediaPorts
from sfu.io.sctp import preload
from sfu.layers.forward import Outlet
from sfu.layers.header_plan import PlanTable
from sfu.options import MediaOptions
from sfu.pacing import PacedSender
from sfu.pipes.transport import PipeEnd
from sfu.router import Router
from sfu.sdp.capabilities import build_capabilities
from sfu.totals import Totals
from sfu.transport import Transport, TransportRole
from sfu.turns import Turns

log = structlog.get_logger(__name__)

TICK_S = 0.02
PACING_S = 0.005
SPEAKERS_EVERY_TICKS = 10
SLICE_S = 0.001
"""So long at once turns are given: what comes from the network meanwhile does not wait for those of a thousand."""


class Engine:
    """Owns everything of the engine; one a process."""

    def __init__(self, options: MediaOptions) -> None:
        self.options = options
        self.random: Random = secrets.SystemRandom()
        self.counters: Counter[str] = Counter()
        self.totals = Totals()
        self.dirty: list[Outlet] = []
        self.busy: set[PacedSender] = set()
        self.plans = PlanTable()
        self.census = Census()
        self.surveyor = Surveyor(self)
        self.certificate = Certificate()
        self.routers: dict[str, Router] = {}
        self.pipes: set[PipeEnd] = set()
        self.ports = MediaPorts(self.counters)
        self.ports.on_delay = self.totals.forwarding.observe
        self.ports.on_batch_end = self.flush
        self.capabilities = build_capabilities(
            audio_codecs=options.audio_codecs,
            video_codecs=options.video_codecs,
            audio_red=options.audio_red,
            opus_dtx=options.audio_dtx,
        )
        self._turns = Turns(self._end_broken)
        self._rest: asyncio.Handle | None = None
        self._ticks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tick_due = 0.0
        self._pacing: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._preloading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind the ports; raises PortUnavailable."""
        options = self.options
        await self.ports.start(
            hosts=options.hosts,
            udp_port=options.port,
            tcp_port=None if not options.tcp else (options.port if options.tcp_port is None else options.tcp_port),
            announced=options.announced_addresses,
        )
        self._loop = asyncio.get_running_loop()
        self._preloading = self._loop.create_task(preload())
        self._arm()

    async def close(self) -> None:
        """Close all Routers and the ports."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for handle in (self._pacing, self._rest):
            if handle is not None:
                handle.cancel()
        self._pacing = self._rest = None
        if self._preloading is not None:
            self._preloading.cancel()  # nobody waits for a thread that is importing: it ends with its import
            await asyncio.gather(self._preloading, return_exceptions=True)
        for router in list(self.routers.values()):
            router.close()
        for pipe in list(self.pipes):
            pipe.close()
        self.flush()
        await self.ports.close()

    def create_router(self, router_id: str) -> Router:
        """A new Router; its id must not be in use."""
        assert router_id not in self.routers, router_id
        router = self.routers[router_id] = Router(self, router_id, self.options.max_voices)
        return router

    # -- time ------------------------------------------------------------------------------------------------------

    def schedule(self, transport: Transport) -> None:
        """Give a Transport its regular turns."""
        if transport.role is TransportRole.PUBLISH:
            self._turns.add_publisher(transport)
        else:
            self._turns.add_subscriber(transport)

    def wake(self, transport: Transport) -> None:
        """A publisher's packets come again: it needs a turn at each tick."""
        self._turns.wake(transport)

    def unschedule(self, transport: Transport) -> None:
        """A Transport needs no more turns."""
        self._turns.remove(transport)

    def flush(self) -> bool:
        """Send what was queued since the last flush, grouped by Transport; whether there was any."""
        if not self.dirty and not self.busy:
            return False
        # The list itself is shared with the outlets, so it is emptied, not replaced.
        waiting = self.dirty[:]
        self.dirty.clear()
        now = time.monotonic()
        for outlet in waiting:
            outlet.flush(now)
        if self.busy and self._pacing is None and self._loop is not None:
            self._pacing = self._loop.call_later(PACING_S, self._pace)
        return bool(waiting)

    def _pace(self) -> None:
        """What is held back goes on its way; a bug in one Transport costs the others nothing."""
        assert self._loop is not None
        self._pacing = None
        now = time.monotonic()
        for sender in list(self.busy):
            try:
                sender.serve(now)
            except Exception:
                self.busy.discard(sender)
                self.counters["bug"] += 1
                log.exception("pacing failed")
        self.flush()

    def _tick(self) -> None:
        now = time.monotonic()
        self.totals.loop.observe(max(0.0, now - self._tick_due))
        self._arm()
        self.turn(now, time.time())

    def _arm(self) -> None:
        assert self._loop is not None
        self._tick_due = time.monotonic() + TICK_S
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def turn(self, now: float, unix_now: float) -> None:
        """One turn of the clock for all that are due; a bug in one of them costs the others nothing."""
        self._ticks += 1
        self._turns.begin(self._ticks, now, unix_now)
        if self._rest is None:
            self._give_turns()
        for pipe in list(self.pipes):
            try:
                pipe.tick(now, unix_now)
            except Exception:
                self.counters["bug"] += 1
                log.exception("pipe failed", router=pipe.router.id)
                pipe.close()
        for router in list(self.routers.values())[self._ticks % SPEAKERS_EVERY_TICKS :: SPEAKERS_EVERY_TICKS]:
            try:
                router.review_speakers(now)
            except Exception:
                self.counters["bug"] += 1
                log.exception("speakers failed", router=router.id)
        self.flush()
        self._serve_sinks(now)

    def _give_turns(self) -> None:
        self._rest = None
        is_done = self._turns.run(None if self._loop is None else SLICE_S)
        self.flush()
        if not is_done and self._loop is not None:
            self._rest = self._loop.call_soon(self._give_turns)

    def _serve_sinks(self, now: float) -> None:
        for router in list(self.routers.values()):
            try:
                router.sinks.turn(now)
            except Exception:
                self.counters["bug"] += 1
                log.exception("sinks failed", router=router.id)
                router.sinks.close()

    def _end_broken(self, transport: Transport, bug: Exception) -> None:
        """A bug showed in a Transport's turn: it ends, the process goes on."""
        self.counters["bug"] += 1
        log.error("transport failed", transport=transport.id, router=transport.router.id, exc_info=bug)
        try:
            transport.close()
        except Exception:
            log.exception("closing failed", transport=transport.id)
            self.unschedule(transport)

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def subscribers(self) -> int:
        """Transports of those who receive."""
        return self._turns.subscribers

    @property
    def port(self) -> int:
        """The UDP port in use."""
        return self.ports.udp_port

    @property
    def tcp_port(self) -> int | None:
        """The TCP port of ICE-TCP in use, if any."""
        return self.ports.tcp_port

    def stats(self) -> dict[str, object]:
        """Totals over all Routers."""
        found = walk(self)
        return {
            "routers": len(self.routers),
            "pipes": len(self.pipes),
            "transports": sum(found.transports.values()),
            "producers": sum(len(r.producers) for r in self.routers.values()),
            "consumers": sum(found.states.values()),
            "packets_sent": self.totals.packets_sent,
            "counters": dict(self.counters),
            "adaptive": found.adaptive(),
        }
