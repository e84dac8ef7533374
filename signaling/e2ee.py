"""The public keys of a room: who has published which, and for how long that is remembered."""

from __future__ import annotations

from signaling.effects import Effects, SaveE2eeKey, Send
from signaling.messages.e2ee import KeptKey, KeyExchange
from signaling.room import Room

LIFETIME_S = 86_400
MAX_KEYS = 10_000


def keep(room: Room, username: str, key: KeptKey) -> Effects:
    """Remember a participant's public key in place of its last."""
    room.e2ee_keys.pop(username, None)  # the newest stand last
    room.e2ee_keys[username] = key
    forgotten = [user for user, kept in room.e2ee_keys.items() if _expired(kept, key.kept_unix)]
    forgotten += list(room.e2ee_keys)[: max(0, len(room.e2ee_keys) - len(forgotten) - MAX_KEYS)]
    for user in forgotten:
        room.e2ee_keys.pop(user, None)
    return [SaveE2eeKey(username, key.model_dump_json(), tuple(forgotten))]


def introduce(room: Room, newcomer: str, now_unix: float) -> Effects:
    """Tell a newcomer the public keys of those who are there."""
    return [
        Send(newcomer, exchange(username, key), sender=username)
        for username, key in room.e2ee_keys.items()
        if username != newcomer and username in room.participants and not _expired(key, now_unix)
    ]


def exchange(username: str, key: KeptKey, target: str | None = None) -> KeyExchange:
    """The message that tells a key."""
    return KeyExchange(
        user_id=username,
        public_key=key.public_key,
        key_id=key.key_id,
        algorithm=key.algorithm,
        target_user_id=target,
    )


def _expired(key: KeptKey, now_unix: float) -> bool:
    return now_unix - key.kept_unix > LIFETIME_S
