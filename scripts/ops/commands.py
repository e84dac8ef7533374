"""``plenum shards``, ``rooms`` and ``participants``."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.failures import CommandError
from scripts.ops.show import say, show

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file (TOML). Default: PLENUM_CONFIG, else plenum.toml.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Shard = Annotated[str, typer.Argument(metavar="SHARD", help="Id of the shard.")]
Room = Annotated[str, typer.Argument(metavar="ROOM", help="Name of the room.")]

shards_app = typer.Typer(help="The shards of a running service.", no_args_is_help=True)
rooms_app = typer.Typer(help="The rooms of a running service.", no_args_is_help=True)
participants_app = typer.Typer(help="Who is in a room of a running service.", no_args_is_help=True)

_SHARD_COLUMNS = ("id", "state", "region", "rooms", "participants", "load", "version", "internal_url", "beat_unix")
_ROOM_COLUMNS = ("room_id", "shard", "participants", "away", "waiting", "publications", "locked", "created_unix")
_PERSON_COLUMNS = (
    *("username", "display_name", "role", "audio_enabled", "video_enabled", "connection_quality"),
    *("up_bps", "up_loss", "down_bps", "down_loss", "down_rtt_ms"),
)


@shards_app.command("list")
def list_shards(config: Config = None, as_json: Json = False) -> None:
    """All shards that live, and how full they are."""
    from scripts.ops.service import with_service

    found = with_service(config, lambda service: service.shards())
    show([shard.model_dump(mode="json") for shard in found.values()], _SHARD_COLUMNS, as_json)


@shards_app.command()
def drain(
    shard: Shard,
    wait: Annotated[bool, typer.Option(help="Wait until it is empty.")] = True,
    timeout: Annotated[float, typer.Option(help="Longest wait in seconds.")] = 300.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Empty a shard: it takes no new rooms and moves all others; calls go on."""
    from scripts.console import progress_bar
    from scripts.ops.service import Service, with_service

    async def work(service: Service) -> int:
        left = (await service.shard(shard)).rooms
        await service.directory.set_drain(shard, True)
        deadline = time.monotonic() + timeout
        with progress_bar() as bar:
            task = bar.add_task(f"Rooms moved from {shard}", total=left)
            total, calm = left, 0
            while wait and time.monotonic() < deadline:
                await asyncio.sleep(0.5)
                now = (await service.shard(shard)).rooms
                total = max(total, now)
                bar.update(task, total=total, completed=total - now)
                if not as_json and not bar.console.is_terminal and now and now != left:
                    typer.echo(f"{now} rooms left", err=True)
                calm = 0 if now else calm + 1
                if calm == 3:  # a heartbeat from before may have been under way
                    break
                left = now
        return left

    left = with_service(config, work)
    if wait and left:
        raise CommandError(f"{left} rooms are still on {shard}", "No other shard takes them; `plenum shards list`.")
    say(f"{shard} takes no new rooms; {left} are on it", as_json, shard=shard, rooms=left)


@shards_app.command()
def resume(shard: Shard, config: Config = None, as_json: Json = False) -> None:
    """Let a drained shard take rooms again."""
    from scripts.ops.service import with_service

    with_service(config, lambda service: service.directory.set_drain(shard, False))
    say(f"{shard} takes rooms again", as_json, shard=shard, state="active")


@shards_app.command()
def remove(shard: Shard, config: Config = None, as_json: Json = False) -> None:
    """Strike off a shard that has died for good: its rooms are free at once."""
    from scripts.ops.service import with_service

    with_service(config, lambda service: service.remove(shard))
    say(f"{shard} is removed", as_json, shard=shard, removed=True)


@rooms_app.command("list")
def list_rooms(config: Config = None, as_json: Json = False) -> None:
    """All open rooms and their shards."""
    from scripts.ops.service import with_service

    show(with_service(config, lambda service: service.rooms()), _ROOM_COLUMNS, as_json)


@rooms_app.command("show")
def show_room(room: Room, config: Config = None, as_json: Json = False) -> None:
    """All about one room."""
    from scripts.ops.service import with_service

    found: dict[str, Any] = with_service(config, lambda service: service.ask(room, "room"))
    if as_json:
        show([found], (), True)
        return
    show([found], ("room_id", "participants", "away", "waiting", "publications", "created_unix"), False)
    show(found["people"], _PERSON_COLUMNS, False)


@rooms_app.command("close")
def close_room(room: Room, config: Config = None, as_json: Json = False) -> None:
    """End a room for everybody in it."""
    from scripts.ops.service import with_service

    with_service(config, lambda service: service.ask(room, "close-room"))
    say(f"{room} is closed", as_json, room_id=room, closed=True)


@rooms_app.command("move")
def move_room(
    room: Room,
    to: Annotated[str, typer.Option(metavar="SHARD", help="Where it is to go.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Move a room to another shard; its call goes on."""
    from scripts.ops.service import with_service

    with_service(config, lambda service: service.ask(room, "move", to=to))
    say(f"{room} is on {to} now", as_json, room_id=room, shard=to)


@participants_app.command("list")
def list_participants(room: Room, config: Config = None, as_json: Json = False) -> None:
    """Who is in a room."""
    from scripts.ops.service import with_service

    found: dict[str, Any] = with_service(config, lambda service: service.ask(room, "room"))
    show(found["people"], _PERSON_COLUMNS, as_json)


@participants_app.command()
def kick(
    room: Room,
    user: Annotated[str, typer.Argument(metavar="USER", help="Username.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take somebody out of a room."""
    from scripts.ops.service import with_service

    with_service(config, lambda service: service.ask(room, "kick", username=user))
    say(f"{user} is out of {room}", as_json, room_id=room, username=user, kicked=True)
