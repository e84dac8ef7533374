"""What waits for the uplink: bounded in time, and when it overflows video goes before sound, back to a key frame."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from streaming.encoded import AudioPacket, VideoPacket
from streaming.rtmp import flv


@dataclass(frozen=True, slots=True)
class Item:
    """A packet that is to be sent, with its time in milliseconds of the program."""

    packet: VideoPacket | AudioPacket
    ms: int


class SendQueue:
    """``limit_ms``: how much video may wait; sound may wait twice as long."""

    def __init__(self, limit_ms: int = 3_000) -> None:
        self.dropped_frames = 0
        self.dropped_audio = 0
        self._limit_ms = limit_ms
        self._items: deque[Item] = deque()
        self._needs_key = True
        self._begun = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def span_ms(self) -> int:
        """How far the oldest that waits is behind the newest."""
        return self._items[-1].ms - self._items[0].ms if self._items else 0

    def restart(self) -> None:
        """A new connection begins: with the next key frame."""
        self._drop_video(self._items)
        self._items.clear()
        self._needs_key, self._begun = True, False

    def add_video(self, packet: VideoPacket) -> None:
        """A frame; it is dropped while a key frame is awaited."""
        if self._needs_key and not packet.key:
            if self._begun:
                self.dropped_frames += 1
            return
        self._needs_key = False
        self._begun = True
        self._items.append(Item(packet, flv.video_ms(packet.dts)))
        self._bound()

    def add_audio(self, packet: AudioPacket, sample_rate: int) -> None:
        """Sound; none is sent before the first key frame."""
        if self._begun:
            self._items.append(Item(packet, flv.audio_ms(packet.pts, sample_rate)))
            self._bound()

    def pop(self) -> Item | None:
        """The next to be sent."""
        return self._items.popleft() if self._items else None

    def _bound(self) -> None:
        if self.span_ms <= self._limit_ms:
            return
        frames = [item for item in self._items if isinstance(item.packet, VideoPacket)]
        if frames and frames[-1].ms - frames[0].ms > self._limit_ms // 2:
            key = next((item for item in reversed(frames) if item.packet.key), frames[0])  # type: ignore[union-attr]
            # From the newest key frame on it can be decoded; without one, nothing until the next.
            keep_from = key.ms if key is not frames[0] else None
            self._items = deque(
                item
                for item in self._items
                if isinstance(item.packet, AudioPacket) or (keep_from is not None and item.ms >= keep_from)
            )
            kept = sum(1 for item in self._items if isinstance(item.packet, VideoPacket))
            self.dropped_frames += len(frames) - kept
            self._needs_key = keep_from is None
        while self._items and self.span_ms > 2 * self._limit_ms:
            if isinstance(self._items.popleft().packet, VideoPacket):
                self.dropped_frames += 1
                self._needs_key = True
            else:
                self.dropped_audio += 1

    def _drop_video(self, items: deque[Item]) -> None:
        self.dropped_frames += sum(1 for item in items if isinstance(item.packet, VideoPacket))


class Timestamps:
    """Times of one connection: from zero at its first key frame, strictly increasing for video and for audio."""

    def __init__(self) -> None:
        self._base_ms: int | None = None
        self._last = {VideoPacket: -1, AudioPacket: -1}

    def of(self, item: Item) -> int | None:
        """The time to send with; None: the packet is from before the first key frame."""
        if self._base_ms is None:
            if not isinstance(item.packet, VideoPacket):
                return None
            self._base_ms = item.ms
        ms = item.ms - self._base_ms
        if ms < 0:
            return None
        kind = type(item.packet)
        self._last[kind] = max(ms, self._last[kind] + 1)
        return self._last[kind]
