"""What other shards, and the operator by way of them, may have done on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signaling.names import check_room_id
from signaling.shards.internal import Command

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.shards.ownership import Ownership


def build_commands(ownership: Ownership, hub: Hub) -> dict[str, Command]:
    """The commands by name."""

    async def adopt(body: dict[str, Any]) -> dict[str, Any]:
        """Go on with a room that its shard has just given to this one."""
        room_id = check_room_id(str(body["room_id"]))
        ownership.receive(room_id, str(body["fence"]))
        await hub.adopt(room_id)
        return {"adopted": room_id in hub.rooms}

    return {"adopt": adopt}
