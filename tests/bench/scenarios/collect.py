"""Turns what browsers, relay and server say every quarter of a second into rows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.scenarios.drivers.base import Driver, Seat
from tests.bench.scenarios.timeline import Row, Timeline, UplinkRow, VideoRow
from tests.support.impairment import Impairment
from tests.support.relay_process import RelayProcess

INTERVAL_S = 0.25
HEARD_ROWS = 5
"""A sound counts as heard by packets within so many rows: whoever is silent sends one in 400 ms (DTX)."""


@dataclass
class Taken:
    """Everything of one moment, as it came."""

    at: float
    samples: dict[str, dict[str, Any]]
    explained: dict[str, dict[str, Any] | None]
    paths: list[dict[str, dict[str, float]]]


class Collector:
    """Samples in the background; ``line`` grows meanwhile."""

    def __init__(self, line: Timeline, driver: Driver, relays: RelayProcess) -> None:
        self.line = line
        self.driver = driver
        self.relays = relays
        self.publishers: list[Seat] = []
        self.subscribers: list[Seat] = []
        self.rates: dict[str, float | None] = {}
        self.started = time.monotonic()
        self._taken: deque[Taken] = deque(maxlen=HEARD_ROWS)
        self._task: asyncio.Task[None] | None = None

    @property
    def now_s(self) -> float:
        return time.monotonic() - self.started

    def mark(self, name: str) -> None:
        self.line.marks[name] = self.now_s

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            if not self._task.cancelled():
                self.check()

    def check(self) -> None:
        """Raises what has ended the sampling, if it has."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def change(self, seat: Seat, down: Impairment, up: Impairment | None = None) -> None:
        """Another path for a subscriber from now on."""
        assert seat.path is not None
        await seat.path.change(up or Impairment(delay_ms=down.delay_ms), down)
        self.rates[seat.name] = down.rate_bps

    async def _run(self) -> None:
        while True:
            started = time.monotonic()
            taken = await self._take()
            if self._taken:
                self._append(self._taken[-1], self._taken[0], taken)
            self._taken.append(taken)
            await asyncio.sleep(max(0.0, INTERVAL_S - (time.monotonic() - started)))

    async def _take(self) -> Taken:
        # Publishers share a page.
        subscribers = list(self.subscribers)
        seats = [*self.publishers[:1], *subscribers]
        relayed, *rest = await asyncio.gather(
            self.relays.sample(),
            *(seat.tab.sample() for seat in seats),
            *(self.driver.explain(seat) for seat in subscribers),
        )
        at, paths = relayed
        samples = {seat.name: sample for seat, sample in zip(seats, rest[: len(seats)], strict=True)}
        explained = {seat.name: one for seat, one in zip(subscribers, rest[len(seats) :], strict=True)}
        return Taken(at, samples, explained, paths)

    def _append(self, before: Taken, earlier: Taken, now: Taken) -> None:
        for seat in self.publishers[:1]:
            old, new = before.samples.get(seat.name), now.samples.get(seat.name)
            if old is not None and new is not None:
                rows = self.line.publishers.setdefault(seat.name, [])
                rows.append(_uplink(now.at - self.started, old, new))
        for seat in self.subscribers:
            old = before.samples.get(seat.name)
            if old is None or seat.name not in now.samples or seat.path is None or seat.path.index >= len(before.paths):
                continue
            down = now.paths[seat.path.index]["down"], before.paths[seat.path.index]["down"]
            row = _row(
                now.at - self.started,
                now.at - before.at,
                down,
                (earlier.samples.get(seat.name, old), now.samples[seat.name]),
                now.explained[seat.name],
                self.rates.get(seat.name),
            )
            self.line.subscribers.setdefault(seat.name, []).append(row)


def _uplink(t_s: float, old: Mapping[str, Any], new: Mapping[str, Any]) -> UplinkRow:
    seconds = (new["at"] - old["at"]) / 1000
    before = {(entry["peer"], entry["id"]): entry["bytesSent"] or 0 for entry in old["outbound"]}
    rates: dict[str, float] = {}
    for entry in new["outbound"]:
        if entry["kind"] == "video":
            rid = entry["rid"] or ""
            sent = max(0, (entry["bytesSent"] or 0) - before.get((entry["peer"], entry["id"]), 0))
            rates[rid] = rates.get(rid, 0.0) + sent * 8 / seconds
    reasons = {entry["qualityLimitationReason"] for entry in new["outbound"]} - {None, "none"}
    return UplinkRow(t_s, sum(rates.values()), rates, " ".join(sorted(reasons)))


def _row(
    t_s: float,
    seconds: float,
    down: tuple[Mapping[str, float], Mapping[str, float]],
    samples: tuple[Mapping[str, Any], Mapping[str, Any]],
    explained: Mapping[str, Any] | None,
    rate_bps: float | None,
) -> Row:
    path, path_before = down
    earlier, sample = samples
    audio = [entry for entry in sample["inbound"] if entry["kind"] == "audio"]
    heard = {entry["id"]: entry["packetsReceived"] or 0 for entry in earlier["inbound"]}
    estimate = (explained or {}).get("estimate") or {}
    tracks = [track for track in (explained or {}).get("received", ()) if track["kind"] == "video"]
    return Row(
        t_s=t_s,
        sent_bps=(path["received_bytes"] - path_before["received_bytes"]) * 8 / seconds,
        received_bps=(path["sent_bytes"] - path_before["sent_bytes"]) * 8 / seconds,
        queue_ms=max(path["longest_wait_ms"], path["waiting_ms"]),
        packets=int(path["received"]),
        lost=int(path["lost"]),
        queue_full=int(path["queue_full"]),
        rate_bps=rate_bps,
        estimate_bps=estimate.get("estimate_bps"),
        limited_by=estimate.get("reason"),
        current={track["user_id"]: _layer(track["current"]) for track in tracks},
        target={track["user_id"]: _layer(track["target"]) for track in tracks},
        videos={_key(entry): _video(entry) for entry in sample["inbound"] if entry["kind"] == "video"},
        concealed=sum((entry["concealedSamples"] or 0) - (entry["silentConcealedSamples"] or 0) for entry in audio),
        samples=sum(entry["totalSamplesReceived"] or 0 for entry in audio),
        audible=sum((entry["packetsReceived"] or 0) > heard.get(entry["id"], 0) for entry in audio),
        rtt_ms=next((peer["rtt"] * 1000 for peer in sample["peers"] if peer["rtt"] is not None), None),
    )


def _layer(layer: Mapping[str, Any] | None) -> str:
    return "none" if layer is None else f"{layer['rid'] or ''}/{layer['spatial']}/{layer['temporal']}"


def _key(entry: Mapping[str, Any]) -> str:
    publication = entry["publication"]
    return str(publication["user_id"]) if publication else str(entry["mid"])


def _video(entry: Mapping[str, Any]) -> VideoRow:
    return VideoRow(
        height=entry["frameHeight"] or 0,
        frames=entry["framesDecoded"] or 0,
        frozen_s=entry["totalFreezesDuration"] or 0.0,
        freezes=entry["freezeCount"] or 0,
        key_frames=entry["keyFramesDecoded"] or 0,
        bytes=entry["bytesReceived"] or 0,
    )
