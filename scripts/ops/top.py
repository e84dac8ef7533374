"""``plenum top``: what goes on in the service, live in the terminal."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from scripts.console import out
from scripts.ops.rates import per_second
from scripts.ops.service import Service, with_service
from scripts.ops.show import bitrate

MAX_ROOMS = 20
LAG_WARNS_MS, LOSS_WARNS = 20.0, 0.03


def top(config: Path | None, every_s: float, count: int | None, as_json: bool) -> None:
    """Show ``count`` pictures (None: until interrupted), ``every_s`` apart; as JSON one object a line."""

    async def work(service: Service) -> None:
        before, at = await service.survey(), time.monotonic()
        shown = 0
        live = None if as_json else Live(_waiting(), console=out, auto_refresh=False, screen=out.is_terminal)
        try:
            if live is not None:
                live.start()
            while count is None or shown < count:
                await asyncio.sleep(max(0.0, at + every_s - time.monotonic()))
                after, now = await service.survey(), time.monotonic()
                picture = {"shards": per_second(before, after, now - at), "rooms": after["rooms"]}
                before, at = after, now
                shown += 1
                if live is None:
                    typer.echo(json.dumps(picture))
                else:
                    live.update(render(picture), refresh=True)
        finally:
            if live is not None:
                live.stop()

    with_service(config, work)


def _waiting() -> Text:
    return Text("Asking the shards …", style="dim")


def render(picture: dict[str, Any]) -> Group:
    """The picture for a terminal: a line of sums, the shards, the largest rooms."""
    shards, rooms = picture["shards"], picture["rooms"]
    head = Text.assemble(
        ("plenum ", "bold"),
        f"{len(shards)} shards, {len(rooms)} rooms, {sum(room['participants'] for room in rooms)} participants, ",
        f"{_sum(shards, 'packets_received_per_s'):,.0f} packets/s in, {_sum(shards, 'packets_sent_per_s'):,.0f} out, ",
        f"{bitrate(8 * _sum(shards, 'bytes_sent_per_s'))} out",
    )
    more = len(rooms) - MAX_ROOMS
    rest = [Text(f"and {more} more rooms: plenum rooms list", style="dim")] if more > 0 else []
    return Group(head, Text(), _shards(shards), Text(), _rooms(rooms[:MAX_ROOMS]), *rest)


def _shards(shards: list[dict[str, Any]]) -> Table:
    names = ("shard", "state", "rooms", "people", "load", "packets/s in", "out", "Mbit/s out", "messages/s")
    table = _table(*names, "late p99 ms", "forward p99 ms", "redis", left=2)
    for shard in shards:
        state = shard["state"] if shard["answers"] else "silent"
        table.add_row(
            shard["id"],
            Text(state, style="green" if state == "active" else "bold red" if state == "silent" else "yellow"),
            str(shard["rooms"]),
            str(shard["participants"]),
            Text(f"{shard['load']:.0%}", style=_alarm(shard["load"] > shard["max_load"])),
            _number(shard["packets_received_per_s"]),
            _number(shard["packets_sent_per_s"]),
            _number(None if (out_s := shard["bytes_sent_per_s"]) is None else out_s * 8 / 1e6, 1),
            _number(_added(shard["messages_sent_per_s"], shard["messages_received_per_s"])),
            _late(shard["loop_p99_ms"]),
            _late(shard["forwarding_p99_ms"]),
            {None: "–", True: "ok"}.get(shard["redis_up"], Text("away", style="bold red")),
        )
    return table


def _rooms(rooms: list[dict[str, Any]]) -> Table:
    table = _table(
        *("room", "shard", "people", "away", "waiting", "tracks", "up", "down"),
        *("worst loss", "rtt ms", "poor", "rec", "live"),
        left=2,
    )
    for room in rooms:
        loss = room["worst_loss"]
        poor = room["quality"].get("poor", 0)
        table.add_row(
            room["room_id"],
            room["shard"],
            *(str(room[name]) for name in ("participants", "away", "waiting", "publications")),
            bitrate(room["up_bps"]),
            bitrate(room["down_bps"]),
            Text("–" if loss is None else f"{loss:.1%}", style=_alarm((loss or 0) > LOSS_WARNS)),
            _number(room["rtt_ms"]),
            Text(str(poor), style=_alarm(poor > 0)),
            str(room["recordings"]),
            str(room["streams"]),
        )
    return table


def _table(*names: str, left: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(names):
        table.add_column(name, justify="left" if place < left else "right", no_wrap=True)
    return table


def _sum(rows: list[dict[str, Any]], name: str) -> float:
    return sum(row[name] or 0.0 for row in rows)


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _added(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _late(value_ms: float | None) -> Text:
    return Text(_number(value_ms, 1), style=_alarm((value_ms or 0.0) > LAG_WARNS_MS))


def _alarm(is_bad: bool) -> str:
    return "bold red" if is_bad else ""
