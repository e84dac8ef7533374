"""Names of rooms and users: what is allowed in them."""

from __future__ import annotations

import re
import unicodedata

from signaling.errors import ErrorCode, RoomError

MAX_USERNAME_CHARACTERS = 128
MAX_DISPLAY_NAME_CHARACTERS = 128
MAX_AVATAR_URL_CHARACTERS = 2_048

_room_id = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Control characters, marks of direction, and what is not seen; joiners stay, emoji and some scripts need them.
_control = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_not_in_usernames = re.compile(r"[^A-Za-z0-9]+")


def check_room_id(room_id: str) -> str:
    """``room_id`` itself; raises RoomError ``invalid_message`` when it is no valid name of a room."""
    if _room_id.fullmatch(room_id) is None:
        raise RoomError(
            ErrorCode.INVALID_MESSAGE,
            "A room's name has 1 to 64 letters, digits, '-' or '_'.",
            details={"field": "room_id"},
        )
    return room_id


def is_username(value: object) -> bool:
    """Whether a token's ``sub`` can be a username: 1 to 128 characters, none of them invisible control."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_USERNAME_CHARACTERS
        and value == value.strip()
        and _control.search(value) is None
    )


def clean_display_name(value: str) -> str:
    """A display name without control and direction characters, with single spaces, cut to the limit.

    Empty if nothing of it could be seen.
    """
    cleaned = " ".join(_control.sub(" ", value).split())[:MAX_DISPLAY_NAME_CHARACTERS]
    return cleaned if any(unicodedata.category(character)[0] in "LNPS" for character in cleaned) else ""


def is_avatar_url(url: str) -> bool:
    """Only web addresses: a picture's address ends up in other people's browsers."""
    if len(url) > MAX_AVATAR_URL_CHARACTERS or _control.search(url) is not None:
        return False
    return url.startswith(("https://", "http://", "/"))


def slug(display_name: str) -> str:
    """The readable part of a username made from a display name."""
    return _not_in_usernames.sub("-", display_name).strip("-").lower()[:32] or "guest"
