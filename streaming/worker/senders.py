"""All RTMP outputs of a worker, in an event loop of their own thread, so that encoding never makes a socket wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from streaming.encoded import AudioPacket, VideoPacket
from streaming.rtmp.address import parse
from streaming.rtmp.output import OutputState, OutputStatus, RtmpOutput, Source

_STOP_TIMEOUT_S = 5.0


class Senders:
    """Outputs by stream id. Its methods are called by the worker's thread."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._outputs: dict[str, RtmpOutput] = {}
        self._qualities: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rtmp", daemon=True)
        self._thread.start()

    @property
    def qualities(self) -> set[str]:
        """Those that somebody takes."""
        return set(self._qualities.values())

    def add(self, stream_id: str, quality: str, url: str, key: str, source: Source) -> None:
        """Begin to send a quality to a server; raises ValueError for an address that is none."""
        output = RtmpOutput(parse(url, key), source, allow_private=self._allow_private)
        self._outputs[stream_id], self._qualities[stream_id] = output, quality

        def begin() -> None:
            self._tasks[stream_id] = self._loop.create_task(output.run())

        self._loop.call_soon_threadsafe(begin)

    def remove(self, stream_id: str) -> None:
        """End one; harmless when there is none."""
        output = self._outputs.pop(stream_id, None)
        self._qualities.pop(stream_id, None)
        if output is not None:
            self._loop.call_soon_threadsafe(output.stop)

    def send(self, quality: str, packet: VideoPacket) -> None:
        """A frame of a quality, to all that take it."""
        for stream_id, output in self._outputs.items():
            if self._qualities[stream_id] == quality:
                self._loop.call_soon_threadsafe(output.add, packet)

    def send_audio(self, packet: AudioPacket) -> None:
        """Sound, to all."""
        for output in self._outputs.values():
            self._loop.call_soon_threadsafe(output.add, packet)

    def bitrates(self) -> Mapping[str, int]:
        """What the slowest uplink of each quality carries, in bit/s."""
        found: dict[str, int] = {}
        for stream_id, output in self._outputs.items():
            status = output.status
            if status.state is OutputState.LIVE:
                quality = self._qualities[stream_id]
                found[quality] = min(found.get(quality, status.target_bps), status.target_bps)
        return found

    def statuses(self) -> dict[str, dict[str, Any]]:
        """How each is doing, as JSON values."""
        return {stream_id: _values(output.status) for stream_id, output in self._outputs.items()}

    def close(self) -> None:
        """End all in good order."""
        for stream_id in list(self._outputs):
            self.remove(stream_id)

        async def ended() -> None:
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=_STOP_TIMEOUT_S)

        asyncio.run_coroutine_threadsafe(ended(), self._loop).result(_STOP_TIMEOUT_S + 1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2)
        if not self._loop.is_running():
            self._loop.close()


def _values(status: OutputStatus) -> dict[str, Any]:
    return {
        "state": status.state.value,
        "reason": status.reason,
        "uplink_bps": status.uplink_bps,
        "target_bps": status.target_bps,
        "dropped_frames": status.dropped_frames,
        "reconnects": status.reconnects,
        "waiting_ms": status.waiting_ms,
    }
