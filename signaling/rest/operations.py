"""REST for those who run the server: health, figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector

from signaling.metrics import RoomCollector, exposition, figures
from signaling.rest.calls import REFUSALS, Credentials
from signaling.rest.models import Alive, Health, Ready, Stats, Target
from signaling.shards.model import ShardState
from signaling.version import VERSION

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.store import RoomStore
    from signaling.tokens import Identity
    from signaling.whip_gate import WhipGate

_REFUSALS: dict[int | str, dict[str, Any]] = {code: REFUSALS[code] for code in (401, 403, 429)}


def add_routes(
    router: APIRouter,
    hub: Hub,
    store: RoomStore,
    gate: WhipGate,
    identify: Callable[[HTTPAuthorizationCredentials | None], Identity],
) -> None:
    """The routes under ``/webrtc``; ``identify`` raises RoomError for who has no good token."""
    registry = CollectorRegistry()
    registry.register(RoomCollector(hub, store, gate))
    ProcessCollector(namespace="plenum", registry=registry)

    @router.get("/health", tags=["operations"], summary="Whether the server can serve")
    async def health() -> Health:
        redis_answers = await store.ping()
        return Health(
            status="ok" if redis_answers else "degraded",
            version=VERSION,
            uptime_s=round(time.time() - hub.started_unix, 3),
            rooms=len(hub.rooms),
            participants=hub.participants,
            redis="ok" if redis_answers else "unavailable",
            redis_circuit=store.circuit.value,
            redis_cause=store.redis_cause,
        )

    @router.get("/health/live", tags=["operations"], summary="Whether the process lives")
    async def live() -> Alive:
        """That it answers is the answer: who gets none within seconds should start it anew. Asks nobody else."""
        return Alive(loop_lag_s=round(hub.loop_lag_s, 4))

    @router.get(
        "/health/ready",
        tags=["operations"],
        summary="Whether new rooms may come",
        responses={503: {"model": Ready, "description": "Not now, and why."}},
    )
    async def ready(response: Response) -> Ready:
        """503 while it drains, stops or is full: a load balancer should prefer others. Without Redis it is still ready,
        with that as a cause: no other shard would serve better.
        """
        refusing = _refusing(hub)
        noted = [] if await store.ping() else ["redis_unavailable"]
        if refusing:
            response.status_code = 503
        return Ready(ready=not refusing, causes=refusing + noted)

    @router.get("/stats", tags=["operations"], responses=_REFUSALS, summary="Figures of this server")
    async def stats(credentials: Credentials) -> Stats:
        identify(credentials)
        return Stats(**figures(hub, store, gate))

    @router.get("/metrics/targets", tags=["operations"], summary="What Prometheus has to scrape")
    async def metrics_targets(request: Request) -> list[Target]:
        """For `http_sd_configs`: a target for each shard, all at the address that was asked."""
        return _targets(hub, request.headers.get("host", ""))

    @router.get(
        "/metrics",
        tags=["operations"],
        summary="Figures for Prometheus",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"example": "plenum_rooms 1.0\n"}}},
            **{code: REFUSALS[code] for code in (400, 404)},
        },
    )
    async def metrics(
        shard: Annotated[str | None, Query(max_length=128, description="Of which shard; absent: of any.")] = None,
    ) -> Response:
        """Behind one port for several shards each has to be asked for by its name; see `/metrics/targets`."""
        await hub.engine.surveyor.fresh()
        return Response(await exposition(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _targets(hub: Hub, host: str) -> list[Target]:
    if hub.ownership is None:
        return [Target(targets=[host], labels={})]
    shards = hub.ownership.shards.values()
    return [Target(targets=[host], labels={"__param_shard": s.id, "shard": s.id, "region": s.region}) for s in shards]


def _refusing(hub: Hub) -> list[str]:
    """Why no new room should come here."""
    causes = ["stopping"] if hub.closing else []
    if hub.ownership is not None:
        info = hub.ownership.figures(hub.ownership.info)
        if info.state is ShardState.DRAINING:
            causes.append("draining")
        if info.rooms >= info.max_rooms:
            causes.append("max_rooms")
        if info.participants >= info.max_participants:
            causes.append("max_participants")
    return causes
