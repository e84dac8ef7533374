"""Who may publish by RTMP: the stream key is a participant's token, which gives the room and the name."""

from __future__ import annotations

from urllib.parse import quote

from signaling.errors import RoomError
from signaling.names import check_room_id
from signaling.tokens import TokenVerifier


class TokenGate:
    """``streaming.ingest.listener.IngestGate``. The address may name the room, ``rtmp://server/ROOM``, if the token
    opens several; with the usual application ``live`` the token's own room counts.
    """

    def __init__(self, verifier: TokenVerifier, http_base: str) -> None:
        self._verifier = verifier
        self._http_base = http_base

    def admit(self, app: str, key: str) -> tuple[str, str] | None:
        """The room and the name that a stream key gives."""
        named = app.partition("?")[0].strip("/").rpartition("/")[2]
        try:
            identity = self._verifier.verify(key)
            room_id = check_room_id(identity.room or named)
        except RoomError:
            return None
        if named not in ("live", room_id) or not identity.may_open(room_id):
            return None
        return room_id, identity.username

    def whip_url(self, room_id: str) -> str:
        """Where this server takes streams."""
        return f"{self._http_base}/webrtc/whip/{quote(room_id, safe='')}"
