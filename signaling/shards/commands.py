"""What other shards, and the operator by way of them, may have done on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signaling import effects as fx
from signaling import overview
from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.names import check_room_id
from signaling.shards.internal import Command
from signaling.shards.output_commands import build_output_commands

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.shards.mover import Mover
    from signaling.shards.ownership import Ownership


def build_commands(ownership: Ownership, hub: Hub, mover: Mover) -> dict[str, Command]:
    """The commands by name."""

    async def adopt(body: dict[str, Any]) -> dict[str, Any]:
        """Go on with a room that its shard has just given to this one."""
        room_id = check_room_id(str(body["room_id"]))
        ownership.receive(room_id, str(body["fence"]))
        await hub.adopt(room_id)
        return {"adopted": room_id in hub.rooms}

    async def move(body: dict[str, Any]) -> dict[str, Any]:
        """Give a room of ours to another shard."""
        await ownership.look_around()
        to = ownership.shards.get(str(body["to"]))
        if to is None:
            raise RoomError(ErrorCode.NOT_FOUND, "There is no such shard.")
        await mover.move(check_room_id(str(body["room_id"])), to)
        return {"moved": True}

    async def rooms(body: dict[str, Any]) -> list[dict[str, Any]]:
        """The rooms that are open here."""
        return [overview.describe(live) for live in hub.rooms.values()]

    async def room(body: dict[str, Any]) -> dict[str, Any]:
        """All about one room."""
        live = hub.find(check_room_id(str(body["room_id"])))
        people = overview.people(live, hub.quality)
        settings = live.room.settings.model_dump(mode="json")
        return {**overview.describe(live), "settings": settings, "people": people}

    async def close_room(body: dict[str, Any]) -> dict[str, Any]:
        """End a room for everybody."""
        hub.find(check_room_id(str(body["room_id"]))).close(CloseCode.ROOM_CLOSED, ErrorCode.ROOM_CLOSED.value)
        return {"closed": True}

    async def kick(body: dict[str, Any]) -> dict[str, Any]:
        """Take somebody out of a room."""
        live = hub.find(check_room_id(str(body["room_id"])))
        username = str(body["username"])
        if username not in live.room.participants:
            raise RoomError(ErrorCode.USER_NOT_FOUND, "That participant is not in the room.")
        live.apply([fx.EndSession(username, CloseCode.KICKED, "kicked"), fx.Leave(username, "kicked")])
        return {"kicked": True}

    async def stats(body: dict[str, Any]) -> dict[str, Any]:
        """What the shard tells of itself, fresh, its counters, and what goes on in its rooms."""
        shard = ownership.figures(ownership.info).model_dump(mode="json")
        return {
            "shard": shard,
            "counters": dict(ownership.counters),
            "figures": overview.process(hub),
            "rooms": [overview.room(live, hub.quality) for live in hub.rooms.values()],
            "media": dict(hub.engine.counters),
            "events": list(hub.recent),
        }

    async def has(body: dict[str, Any]) -> dict[str, Any]:
        """Whether a room is open here, for doors that cannot ask Redis."""
        room_id = check_room_id(str(body["room_id"]))
        return {"has": room_id in hub.rooms and ownership.fence_of(room_id) is not None}

    async def pipe_news(body: dict[str, Any]) -> dict[str, Any]:
        """What another shard tells of the part of a room's audience that is there."""
        live = hub.rooms.get(check_room_id(str(body["room_id"])))
        if live is not None and live.audience is not None:
            live.audience.take_news(str(body["pipe_id"]), body["news"])
        return {}

    commands = (adopt, has, move, rooms, room, close_room, kick, stats, pipe_news)
    found = {command.__name__.replace("_", "-"): command for command in commands}
    return found | build_output_commands(hub)
