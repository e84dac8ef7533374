"""Fragmented MP4, written forward only: H.264, AV1 or VP9 with AAC or Opus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from media.containers import boxes
from media.packets import EncodedPacket, Patch, StreamInfo

INDEX_BYTES = 96 * 1024
_SIDX_HEAD_BYTES, _SIDX_ENTRY_BYTES = 40, 12
MAX_INDEX_ENTRIES = (INDEX_BYTES - _SIDX_HEAD_BYTES - 8) // _SIDX_ENTRY_BYTES


def init_segment(streams: Sequence[StreamInfo]) -> bytes:
    """What stands before all fragments: in HLS, the file that EXT-X-MAP names."""
    return boxes.ftyp() + boxes.moov(streams)


def fragment(sequence: int, streams: Sequence[StreamInfo], samples: Mapping[str, Sequence[EncodedPacket]]) -> bytes:
    """One fragment (moof and mdat) of the samples by the names of their streams; ``sequence`` counts from 1.

    The order of ``streams`` must be that of the init segment. Durations are those of the packets.
    """
    runs = [(n, samples[s.name]) for n, s in enumerate(streams, 1) if samples.get(s.name)]
    data = [packet.data for _, run in runs for packet in run]
    return boxes.moof(sequence, runs) + boxes.box(b"mdat", *data)


class Mp4Writer:
    """``write`` gets the file's bytes in order, a fragment at a time.

    The duration of a sample is the time to the next one of its stream, so the last of each waits until that is known.
    A fragment ends after ``fragment_s``, sooner before a key frame of the first stream if it is video.
    """

    def __init__(
        self, streams: Sequence[StreamInfo], write: Callable[[bytes], object], fragment_s: float = 1.0
    ) -> None:
        self.streams = tuple(streams)
        self.bytes_written = 0
        self._write = write
        self._fragment_s = fragment_s
        self._names = {s.name: s for s in streams}
        self._ready: dict[str, list[EncodedPacket]] = {s.name: [] for s in streams}
        self._last: dict[str, EncodedPacket] = {}
        self._lead = self.streams[0]
        self._sequence = 0
        self._end_s = 0.0
        self._index = IndexOfParts()
        head = init_segment(self.streams)
        self._mehd_offset = head.index(b"mehd") - 4
        self._index_offset = len(head)
        self._put(head + boxes.free(INDEX_BYTES))

    def _put(self, data: bytes) -> None:
        self._write(data)
        self.bytes_written += len(data)

    @property
    def duration_s(self) -> float:
        """Where the last whole sample ends."""
        return self._end_s

    def add(self, packet: EncodedPacket) -> None:
        """Take a packet; those of one stream in order. One that does not come after the last is left out."""
        name = packet.stream
        last = self._last.get(name)
        if last is not None:
            if packet.dts <= last.dts:
                return
            self._take(replace(last, duration=packet.dts - last.dts))
        self._last[name] = packet
        if name == self._lead.name and self._is_due(packet):
            self.flush()

    def _take(self, packet: EncodedPacket) -> None:
        self._ready[packet.stream].append(packet)
        end_s = (packet.dts + packet.duration) / self._names[packet.stream].clock_rate
        self._end_s = max(self._end_s, end_s)

    def _is_due(self, packet: EncodedPacket) -> bool:
        ready = self._ready[packet.stream]
        if not ready:
            return False
        if self._lead.kind == "video" and packet.key_frame:
            return True
        return packet.dts - ready[0].dts >= self._fragment_s * self._lead.clock_rate

    def extend(self, duration_s: float) -> None:
        """The last picture is seen until ``duration_s``."""
        last = self._last.get(self._lead.name)
        if last is not None:
            duration = round(duration_s * self._lead.clock_rate) - last.dts
            self._last[last.stream] = replace(last, duration=max(last.duration, duration))

    def flush(self) -> None:
        """Write what is complete as a fragment."""
        if not any(self._ready.values()):
            return
        self._sequence += 1
        data = fragment(self._sequence, self.streams, self._ready)
        lead = self._ready[self._lead.name]
        if lead:
            self._index.add(lead[0].dts, lead[-1].dts + lead[-1].duration, lead[0].key_frame, len(data))
        else:
            self._index.add_bytes(len(data))
        self._put(data)
        for samples in self._ready.values():
            samples.clear()

    def close(self) -> list[Patch]:
        """Write the rest; what the head of the file becomes is returned."""
        for name, packet in self._last.items():
            rate = self._names[name].clock_rate
            self._take(packet if packet.duration > 0 else replace(packet, duration=rate // 30))
        self._last.clear()
        self.flush()
        patches = [Patch(self._mehd_offset, boxes.mehd(round(self._end_s * boxes.MOVIE_TIMESCALE)))]
        index = self._index.sidx(self._lead.clock_rate)
        if index:
            patches.append(Patch(self._index_offset, index))
        return patches


class IndexOfParts:
    """Where the parts begin that can be jumped to, for the sidx box, in units of the first stream's clock rate."""

    def __init__(self) -> None:
        self._parts: list[list[int]] = []  # first, end, bytes

    def add(self, first: int, end: int, key_frame: bool, size: int) -> None:
        """A fragment with samples of the first stream; one without a key frame belongs to the part before it."""
        if key_frame or not self._parts:
            self._parts.append([first, end, size])
        else:
            self._parts[-1][1] = end
            self._parts[-1][2] += size

    def add_bytes(self, size: int) -> None:
        """A fragment without any."""
        if self._parts:
            self._parts[-1][2] += size

    def sidx(self, timescale: int) -> bytes:
        """INDEX_BYTES of a sidx box and the free box behind it; empty if there is nothing to index."""
        parts = self._parts
        if not parts:
            return b""
        while len(parts) > MAX_INDEX_ENTRIES:
            pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
            parts = [[pair[0][0], pair[-1][1], sum(p[2] for p in pair)] for pair in pairs]
        ends = [p[0] for p in parts[1:]] + [parts[-1][1]]
        entries = [(size, end - first, True) for (first, _, size), end in zip(parts, ends, strict=True)]
        size = _SIDX_HEAD_BYTES + _SIDX_ENTRY_BYTES * len(entries)
        return boxes.sidx(1, timescale, parts[0][0], INDEX_BYTES - size, entries) + boxes.free(INDEX_BYTES - size)
