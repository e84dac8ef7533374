"""How long each key lives in a real Redis, as the protocol's table says; a key that is not known here is a failure."""

from __future__ import annotations

import re
from typing import Any

from tests.integration.signaling.conftest import House, token

MINUTE, HOUR, DAY = 60, 3_600, 86_400
# While the room lives: renewed by heartbeats, an hour beyond a crash of the server, deleted when the room ends.
LIVES = HOUR
LIFETIMES = {
    "participants": -1,
    "presence:*": 30,
    "roles": HOUR,
    "permissions": HOUR,
    "overrides": HOUR,
    "settings": DAY,
    "hands": LIVES,
    "waiting": LIVES,
    "breakouts": LIVES,
    "breakout-places": LIVES,
    "files": LIVES,
    "bans": LIVES,
    "admitted": LIVES,
    "chat": LIVES,
    "chat-reads": LIVES,
    "seats": LIVES,
    "e2ee": DAY,
    # Until archived: kept for as long as `events.lifetime_s` says after the room has ended.
    "events": 7 * DAY,
    "events-meta": None,
    "analytics": 7 * DAY,
    "analytics-users": 7 * DAY,
    "analytics-open": 7 * DAY,
}
OUTLIVE_THE_ROOM = {"roles", "permissions", "overrides", "settings", "e2ee", "events", "events-meta"}
OUTLIVE_THE_ROOM |= {"analytics", "analytics-users"}
SLACK_S = 20


async def keys_of(house: House, room: str = "demo") -> dict[str, int]:
    """All keys of the room with the seconds that they have to live; -1: no end."""
    assert await house.hub._store.flush(5)
    found = {}
    async for name in house.redis.scan_iter(match=f"plenum:{{{room}}}:*"):
        found[name.split("}:", 1)[1]] = await house.redis.ttl(name)
    return found


def lifetime_of(name: str) -> int | None:
    general = re.sub(r"^(presence):.*", r"\1:*", name)
    assert general in LIFETIMES, f"say here how long {name} lives"
    return LIFETIMES[general]


async def fill(house: House) -> tuple[Any, Any]:
    """A room in which everything has happened that leaves a trace."""
    host, _ = await house.join("host")
    bob, _ = await house.join("bob")
    said = [
        await host.say("role-update", {"user_id": "bob", "role": "moderator"}),
        await host.say("permission-update", {"user_id": "bob", "permissions": {"can_record": False}}),
        await host.say("breakout-room-create", {"name": "Blue", "participant_ids": ["bob"]}),
        await bob.say("breakout-room-assign", {"breakout_room_id": None}),
        await host.say("ban", {"user_id": "mallory"}),
        await bob.say("hand-raise", {"raised": True}),
        await bob.say("file-share-offer", {"receiver_id": "host", "file_name": "a.txt", "file_size": 5}),
        await bob.say("e2ee-key-exchange", {"public_key": "A" * 44, "key_id": "1"}),
        await bob.say("analytics-event", {"event_type": "poll"}),
        await host.say("room-settings-update", {"enable_waiting_room": True}),
    ]
    message = await bob.say("chat-message", {"message": "hello"})
    said += [message, await host.say("chat-read", {"message_id": message["payload"]["message_id"]})]
    assert [reply for reply in said if reply["type"] == "error"] == []

    for name in ("carol", "dave"):
        waiter = await house.dial("demo", f"?token={token(name)}")
        assert (await waiter.next())["type"] == "waiting-room-join"
    assert (await host.say("waiting-room-admit", {"user_id": "carol"}))["type"] != "error"
    return host, bob


async def test_every_key_lives_as_long_as_the_protocol_says(house: House) -> None:
    await fill(house)
    found = await keys_of(house)
    for name, left_s in found.items():
        life_s = lifetime_of(name)
        assert life_s is None or left_s == life_s == -1 or life_s - SLACK_S <= left_s <= life_s, (name, left_s)
    expected = {name for name in LIFETIMES if name not in ("presence:*", "seats", "breakout-places", "admitted")}
    assert expected - found.keys() == set(), "nothing of these was written, so nothing was held"
    assert {name for name in found if name.startswith("presence:")} == {
        "presence:host",
        "presence:bob",
        "presence:carol",
    }


async def test_a_heartbeat_renews_what_is_in_use(house: House) -> None:
    host, _ = await fill(house)
    before = await keys_of(house)
    for name in before:
        if name != "participants":
            await house.redis.expire(f"plenum:{{demo}}:{name}", 5)
    await host.say("heartbeat", {"last_seq": 1})
    after = await keys_of(house)
    left_alone = {"e2ee", "events", "events-meta", "analytics", "analytics-users", "analytics-open"}
    left_alone |= {"presence:bob", "presence:carol", "participants"}
    for name, left_s in after.items():
        assert (left_s > 5) is (name not in left_alone), (name, left_s)


async def test_what_lives_with_the_room_ends_with_it(house: House) -> None:
    host, bob = await fill(house)
    for name in ("carol", "dave"):
        live = house.hub.rooms["demo"]
        for session in list(live.all_sessions()):
            if session.username == name:
                live.leave(name, session.session_id, "left")
    await bob.say("leave")
    await host.say("leave")
    left = await keys_of(house)
    assert set(left) <= OUTLIVE_THE_ROOM, set(left) - OUTLIVE_THE_ROOM
    assert {"roles", "settings", "e2ee", "events"} <= left.keys()
    assert all(seconds > 0 for seconds in left.values()), "nothing stays for ever"
