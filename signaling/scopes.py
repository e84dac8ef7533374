"""Headers of ASGI scopes and messages, whose names are bytes in lower case."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def header_of(scope: MutableMapping[str, Any], name: bytes) -> bytes | None:
    """The first header of that name."""
    return next((value for given, value in scope["headers"] if given == name), None)


def with_header(scope: MutableMapping[str, Any], name: bytes, value: bytes) -> dict[str, Any]:
    """The scope or message with this header in place of those of its name, in whatever case they came."""
    others = [pair for pair in scope.get("headers", ()) if pair[0].lower() != name]
    return {**scope, "headers": [*others, (name, value)]}
