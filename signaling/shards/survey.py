"""All shards asked at once what goes on: for the operator's commands and the admin page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from signaling.shards.model import ShardInfo
from signaling.shards.peers import Peers


async def ask_all(peers: Peers, shards: Iterable[ShardInfo], command: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answers by the shard's id; None: it does not answer."""
    asked = list(shards)
    answers = await asyncio.gather(*(peers.command(shard, command, body) for shard in asked), return_exceptions=True)
    found: dict[str, Any] = {}
    for shard, answer in zip(asked, answers, strict=True):
        if isinstance(answer, BaseException) and not isinstance(answer, Exception):
            raise answer
        found[shard.id] = None if isinstance(answer, BaseException) else answer
    return found


async def survey(peers: Peers, shards: Iterable[ShardInfo]) -> dict[str, Any]:
    """All shards with their figures, and all rooms with their traffic. A shard that is silent has ``figures`` None."""
    known = list(shards)
    answers = await ask_all(peers, known, "stats", {})
    told: list[dict[str, Any]] = []
    rooms: list[dict[str, Any]] = []
    for shard in known:
        answer = answers[shard.id]
        if answer is None:
            told.append({**shard.model_dump(mode="json"), "figures": None, "counters": {}, "events": []})
            continue
        told.append({**answer["shard"], **{name: answer[name] for name in ("figures", "counters", "events")}})
        rooms += [{**room, "shard": shard.id} for room in answer["rooms"]]
    rooms.sort(key=lambda room: (-room["participants"], room["room_id"]))
    return {"shards": told, "rooms": rooms}
