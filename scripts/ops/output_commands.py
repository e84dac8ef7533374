"""``plenum recordings`` and ``plenum streams``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scripts.ops.commands import Config, Json, Room
from scripts.ops.show import say, show

recordings_app = typer.Typer(help="The recordings of a running service.", no_args_is_help=True)
streams_app = typer.Typer(help="The live streams of a running service.", no_args_is_help=True)

OfRoom = Annotated[str | None, typer.Argument(metavar="[ROOM]", help="Only of this room, those that are over as well.")]
_RECORDING_COLUMNS = (
    *("recording_id", "room_id", "status", "mode", "started_at", "started_by"),
    *("duration_s", "size_bytes", "error_code"),
)
_STREAM_COLUMNS = (
    *("stream_id", "room_id", "status", "platform", "quality", "started_at", "started_by"),
    *("viewer_count", "uplink_bps", "reason"),
)


@recordings_app.command("list")
def list_recordings(room: OfRoom = None, config: Config = None, as_json: Json = False) -> None:
    """The recordings under way, or all of one room that are remembered."""
    show(_found(config, room, "recordings"), _RECORDING_COLUMNS, as_json)


@recordings_app.command("stop")
def stop_recording(
    room: Room,
    recording: Annotated[str | None, typer.Argument(metavar="[ID]", help="Which. Default: all of the room.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a recording finish; its files are complete some moments later."""
    _stop(config, as_json, room, "recording", recording)


@streams_app.command("list")
def list_streams(room: OfRoom = None, config: Config = None, as_json: Json = False) -> None:
    """The live streams that run, or all of one open room."""
    found = [{**stream["health"], **stream} for stream in _found(config, room, "streams")]
    show(found, _STREAM_COLUMNS, as_json)


@streams_app.command("stop")
def stop_stream(
    room: Room,
    stream: Annotated[str | None, typer.Argument(metavar="[ID]", help="Which. Default: all of the room.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """End a live stream."""
    _stop(config, as_json, room, "stream", stream)


def _found(config: Any, room: str | None, command: str) -> list[dict[str, Any]]:
    from scripts.ops.service import Service, with_service

    async def work(service: Service) -> list[dict[str, Any]]:
        if room is not None:
            found: list[dict[str, Any]] = await service.ask_any(room, command)
            return found
        answers = (await service.ask_all(command)).values()
        return [one for answer in answers for one in answer or ()]

    return with_service(config, work)


def _stop(config: Any, as_json: bool, room: str, what: str, wanted: str | None) -> None:
    from scripts.ops.service import with_service

    body = {} if wanted is None else {f"{what}_id": wanted}
    done = with_service(config, lambda service: service.ask(room, f"stop-{what}", **body))
    ids = done["stopped"]
    say(f"{', '.join(ids)} of {room} ends", as_json, room_id=room, stopped=ids)
