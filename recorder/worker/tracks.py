"""Each publication into a file of its own, not transcoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from secrets import token_hex
from typing import Any

from media.feed import Message, TrackAdded, TrackRemoved
from media.jobs.worker import note
from media.tracks import TrackWriter
from recorder.model import File, safe_name
from recorder.worker.legs import leg_name
from recorder.worker.parts import Part, PartShelf

TICK_S = 0.05


class _Track:
    """One publication on its way into its file; the file begins with its first bytes."""

    def __init__(self, added: TrackAdded, output: TracksOutput, origin: float | None) -> None:
        self.part: Part | None = None
        self.writer = TrackWriter(added, self._write, origin)
        self._output = output

    def _write(self, data: bytes) -> None:
        if self.part is None:
            self.part = self._output.open_part(self.writer)
        self.part.spool.append(data)

    def finish(self, now: float) -> None:
        patches = self.writer.finish(now)
        if self.part is None:
            return
        file = self.part.file
        file.duration_s = round(self.writer.duration_s, 3)
        file.gaps = [(round(a, 3), round(b, 3), why) for a, b, why in self.writer.gaps]
        file.size_bytes = self.part.spool.size
        self.part.label()
        self.part.spool.close((patch.offset, patch.data) for patch in patches)


class TracksOutput:
    """``origins``: time 0 of files that earlier attempts began, by publication; ``names``: of all their files."""

    def __init__(
        self,
        shelf: PartShelf,
        *,
        key_of: Callable[[str], str],
        leg: int,
        recording_origin: float,
        origins: Mapping[str, float],
        names: Iterable[str],
        audio_only: bool,
        on_part: Callable[[Part], None],
    ) -> None:
        self._shelf = shelf
        self._key_of = key_of
        self._leg = leg
        self._recording_origin = recording_origin
        self._origins = dict(origins)
        self._audio_only = audio_only
        self._on_part = on_part
        self._tracks: dict[int, _Track] = {}
        self._names = set(names)
        self._next_tick = 0.0
        self.refused: list[str] = []

    def feed(self, message: Message, now: float) -> None:
        """Take a message of the feed. Raises SpoolFull or OSError when the disk does."""
        if isinstance(message, TrackAdded):
            self._add(message)
            return
        track = self._tracks.get(getattr(message, "track", -1))
        if track is None:
            return
        if isinstance(message, TrackRemoved):
            del self._tracks[message.track]
            track.finish(now)
        else:
            track.writer.feed(message)

    def _add(self, added: TrackAdded) -> None:
        if self._audio_only and added.kind != "audio":
            return
        try:
            self._tracks[added.track] = _Track(added, self, self._origins.get(added.publication_id))
        except ValueError as error:
            self.refused.append(added.publication_id)
            note("warning", "track not recorded", publication=added.publication_id, reason=str(error))

    def open_part(self, writer: TrackWriter) -> Part:
        """The file of a track that begins to be written."""
        added = writer.added
        assert writer.started_at is not None
        name = self._name_of(added, writer.suffix)
        continues = added.publication_id in self._origins
        # Who comes back (from a breakout room) goes on in the times of the first file; they are joined at the end.
        self._origins.setdefault(added.publication_id, writer.started_at)
        file = File(
            name=name,
            key=self._key_of(name),
            kind="track",
            content_type=writer.content_type,
            offset_s=round(writer.started_at - self._recording_origin, 3),
            user_id=added.user_id,
            source=added.source,
            publication_id=added.publication_id,
            codec=added.codec,
        )
        part = self._shelf.create(file, writer.started_at, continues=continues)
        self._on_part(part)
        return part

    def _name_of(self, added: TrackAdded, suffix: str) -> str:
        """A publication is named in full where its owner had one of the kind before."""
        base = f"{safe_name(added.user_id)}-{added.source}"
        names = [f"{base}.{suffix}", *(f"{base}-{added.publication_id}{n}.{suffix}" for n in ("", "-2", "-3", "-4"))]
        names = [leg_name(name, self._leg) for name in [*names, f"{base}-{token_hex(8)}.{suffix}"]]
        name = next(name for name in names if name not in self._names)
        self._names.add(name)
        return name

    def tick(self, now: float) -> list[Message]:
        """Write what is whole; what the shard has to be told. Raises SpoolFull or OSError when the disk does."""
        if now < self._next_tick:
            return []
        self._next_tick = now + TICK_S
        asked: list[Message] = []
        for track in self._tracks.values():
            track.writer.tick(now)
            asked += track.writer.requests()
        return asked

    def finish(self, now: float) -> None:
        """Close all files."""
        for track in self._tracks.values():
            track.finish(now)
        self._tracks.clear()

    def status(self) -> dict[str, Any]:
        """Figures of the tracks being written."""
        states = [track.writer.status() for track in self._tracks.values()]
        return {
            "tracks": len(states),
            "lost": sum(state["lost"] for state in states),
            "gaps": sum(state["gaps"] for state in states),
        }
