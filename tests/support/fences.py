"""Whether the fences of rooms go as they must, as seen in Redis: a fence never goes back, and has one holder."""

from __future__ import annotations


class Fences:
    """Told of a room's lease and fence again and again; ``wrong`` says what must not be."""

    def __init__(self) -> None:
        self.takeovers = 0
        self.wrong: list[str] = []
        self._holders: dict[tuple[str, str], str] = {}
        self._newest: dict[str, int] = {}

    def note(self, room: str, holder: str, fence: str) -> None:
        """``holder`` has ``room`` under ``fence``."""
        if self._holders.setdefault((room, fence), holder) != holder:
            self.wrong.append(f"{room}: {holder} and {self._holders[room, fence]} with fence {fence}")
        newest = self._newest.get(room, 0)
        if int(fence) < newest:
            self.wrong.append(f"{room}: fence {fence} after {newest}")
        self.takeovers += 0 < newest < int(fence)
        self._newest[room] = max(newest, int(fence))
