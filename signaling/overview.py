"""What goes on in this process, for operators: values that are there anyhow, read without walking the media engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sfu.measuring import PathFigures

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.live_room import LiveRoom
    from signaling.quality_watch import QualityWatch


def describe(live: LiveRoom) -> dict[str, Any]:
    """A room in one line."""
    room = live.room
    return {
        "room_id": room.room_id,
        "participants": len(room.participants),
        "away": sum(1 for session in live.sessions.values() if session.away_since is not None),
        "waiting": len(room.waiting),
        "publications": sum(1 for _ in room.publications()),
        "created_unix": round(room.created_unix, 3),
        "locked": room.settings.lock_room,
        "recordings": len(room.recordings),
        "streams": len(room.live.running()),
    }


def room(live: LiveRoom, quality: QualityWatch) -> dict[str, Any]:
    """A room with its traffic: sums over its participants, the worst loss and the median round trip."""
    found = [quality.figures(live, username) for username in live.room.participants]
    ups = [one.uplink for one in found if one.uplink is not None]
    downs = [one.downlink for one in found if one.downlink is not None]
    rtts_ms = sorted(path.rtt_ms for path in downs if path.rtt_ms is not None)
    levels = Counter(one.connection_quality or "unknown" for one in live.room.participants.values())
    return {
        **describe(live),
        "up_bps": _bps(ups),
        "down_bps": _bps(downs),
        "worst_loss": max((path.loss for path in (*ups, *downs) if path.loss is not None), default=None),
        "rtt_ms": rtts_ms[len(rtts_ms) // 2] if rtts_ms else None,
        "interrupted": sum(one.interrupted for one in found),
        "quality": dict(levels),
    }


def people(live: LiveRoom, quality: QualityWatch) -> list[dict[str, Any]]:
    """All participants of a room, with how their connections are."""
    return [person(live, username, quality) for username in live.room.participants]


def person(live: LiveRoom, username: str, quality: QualityWatch) -> dict[str, Any]:
    """A participant: what others are told of it, what its connections carry, and the ids of its transports."""
    participant = live.room.participants[username]
    figures = quality.figures(live, username)
    session = live.sessions.get(username)
    pair = live.negotiation.transports_of(username)
    return {
        **participant.info().model_dump(mode="json"),
        "joined_unix": round(participant.joined_unix, 3),
        "away": session is not None and session.away_since is not None,
        "interrupted": figures.interrupted,
        **_path("up", figures.uplink),
        **_path("down", figures.downlink),
        "transports": [
            {
                "id": transport.id,
                "role": transport.role.value,
                "state": transport.state.value,
                "path": None if (path := transport.connection.link.selected) is None else path.kind,
            }
            for transport in (pair.publish, pair.subscribe)
            if transport is not None
        ],
    }


def process(hub: Hub) -> dict[str, Any]:
    """Totals since the start, and how late the event loop and the packets are."""
    totals = hub.engine.totals
    return {
        "packets_received": totals.packets_received,
        "packets_sent": totals.packets_sent,
        "bytes_received": totals.bytes_received,
        "bytes_sent": totals.bytes_sent,
        "messages_received": hub.around.counters["messages_received"],
        "messages_sent": hub.around.counters["messages_sent"],
        "loop_lag_ms": round(hub.loop_lag_s * 1000, 2),
        "loop_counts": list(totals.loop.counts),
        "loop_bounds_s": list(totals.loop.bounds),
        "forwarding_counts": list(totals.forwarding.counts),
        "forwarding_bounds_s": list(totals.forwarding.bounds),
        "redis_up": hub.redis_up,
        "sessions": hub.sessions,
    }


def _bps(paths: Iterable[PathFigures]) -> int:
    return sum(path.audio_bps + path.video_bps for path in paths)


def _path(name: str, path: PathFigures | None) -> dict[str, Any]:
    if path is None:
        return {f"{name}_bps": 0, f"{name}_loss": None, f"{name}_jitter_ms": None, f"{name}_rtt_ms": None}
    return {
        f"{name}_bps": path.audio_bps + path.video_bps,
        f"{name}_loss": None if path.loss is None else round(path.loss, 4),
        f"{name}_jitter_ms": None if path.jitter_ms is None else round(path.jitter_ms, 1),
        f"{name}_rtt_ms": None if path.rtt_ms is None else round(path.rtt_ms, 1),
    }
