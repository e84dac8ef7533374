"""What may be offered: size, type and name of a file."""

from __future__ import annotations

from signaling.errors import ErrorCode, RoomError
from signaling.files.options import FileOptions


def check_file(name: str, size: int, media_type: str, options: FileOptions) -> None:
    """Raises RoomError ``too_large`` or ``not_supported`` for what the operator does not want to see offered."""
    if size > options.max_bytes:
        raise RoomError(
            ErrorCode.TOO_LARGE,
            "The file is too large.",
            details={"max_bytes": options.max_bytes, "file_size": size},
        )
    allowed = not options.allowed_types or any(_fits(media_type, pattern) for pattern in options.allowed_types)
    if not allowed or any(_fits(media_type, pattern) for pattern in options.denied_types):
        raise RoomError(
            ErrorCode.NOT_SUPPORTED, "Files of this type are not sent here.", details={"file_type": media_type}
        )
    # Windows passes over dots and spaces at the end of a name, and starts "a.exe. ." like "a.exe".
    plain = name.lower().rstrip(". ")
    for extension in options.denied_extensions:
        if plain.endswith(extension):
            raise RoomError(
                ErrorCode.NOT_SUPPORTED, "Files of this type are not sent here.", details={"extension": extension}
            )


def _fits(media_type: str, pattern: str) -> bool:
    main, _, sub = pattern.partition("/")
    return media_type.startswith(f"{main}/") if sub == "*" else media_type == pattern
