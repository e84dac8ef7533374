"""What can be wrong with a peer that speaks RTMP."""

from __future__ import annotations


class RtmpError(Exception):
    """The peer broke the protocol; the connection is lost. ``reason`` names how, in words for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
