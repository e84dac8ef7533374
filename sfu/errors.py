"""The failures of the engine: a peer's malformed input, a negotiation that cannot be, a port that is taken."""

from __future__ import annotations


class EngineError(Exception):
    """A failure with a stable code that a caller may show to a user."""

    code = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class MalformedPacket(Exception):
    """Bytes from the network that follow no format; ``reason`` is a short stable name and a counter's label."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NegotiationError(EngineError):
    """An offer or answer that cannot be used: code ``invalid_sdp``, ``not_supported`` or ``invalid_state``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PortUnavailable(EngineError):
    """A media port cannot be bound."""

    code = "unavailable"
