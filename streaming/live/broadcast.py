"""One worker and the streams that it feeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import structlog

from media.feed import Command, Layout, Made, Message, Overlay, Problem, Status
from media.jobs.job import Job
from streaming import profiles
from streaming.hls.rendition import RenditionInfo
from streaming.hls.stream import HlsStream
from streaming.live.spec import StreamReport, StreamSpec, StreamState
from streaming.options import LiveOptions

_log = structlog.get_logger("plenum.live")
_AGAIN = "the encoder is started again"
_LOST = "the encoder could not be kept running"


@dataclass(slots=True)
class Running:
    """A stream under way. ``on_report`` is called with each report that differs from the last."""

    spec: StreamSpec
    on_report: Callable[[StreamReport], None]
    hls: HlsStream | None = None
    report: StreamReport = field(default_factory=StreamReport)
    platform_viewers: int = 0
    hls_begun: set[str] = field(default_factory=set)

    def tell(self, **changes: Any) -> None:
        """Report what has changed."""
        report = replace(self.report, **changes)
        if report != self.report:
            self.report = report
            self.on_report(report)


class Broadcast:
    """A worker of one room, by its job. ``news``: who is there and who speaks, for a worker that begins."""

    def __init__(
        self, room_id: str, renditions: tuple[str, ...], options: LiveOptions, news: Callable[[], list[Message]]
    ) -> None:
        self.room_id = room_id
        self.renditions = renditions
        self.streams: dict[str, Running] = {}
        self.job: Job | None = None
        self.layout, self.overlay = Layout(), Overlay()
        self._options = options
        self._room_news = news
        self._origin, self._origin_unix = time.monotonic(), time.time()
        self._inits: dict[str, tuple[RenditionInfo, bytes]] = {}

    # -- what the worker is told -----------------------------------------------------------------------------------

    def setup(self, attempt: int) -> Mapping[str, Any]:
        """The set-up of a worker, secrets and all; see ``streaming.worker.setup``."""
        options = self._options
        return {
            "origin": self._origin,
            "origin_unix": self._origin_unix,
            "renditions": self._rendition_setups(),
            "frames_per_s": profiles.FRAMES_PER_S,
            "audio_bps": profiles.AUDIO_BPS,
            "key_frame_interval_s": profiles.KEY_FRAME_INTERVAL_S,
            "segment_s": options.segment_s,
            "part_s": options.part_s,
            "hls": any(running.hls is not None for running in self.streams.values()),
            "allow_private": options.private_targets,
            "outputs": [_output(running.spec) for running in self.streams.values() if running.spec.rtmp is not None],
        }

    def news(self) -> list[Message]:
        """What a worker is told before its media."""
        return [self.layout, self.overlay, *self._room_news()]

    def can_take(self, needed: Iterable[str]) -> bool:
        """Whether it can make these qualities, too: its picture is composed in the largest that there was first."""
        largest = profiles.in_order(needed)[0]
        return largest.height <= profiles.in_order(self.renditions)[0].height

    def add(self, running: Running) -> None:
        """A stream begins."""
        self.streams[running.spec.stream_id] = running
        if self.job is None:
            return  # the set-up of the job names it
        self._encode()
        if running.spec.rtmp is not None:
            self.job.tell(Command({"do": "add", "output": _output(running.spec)}))
        if running.hls is not None:
            self.job.tell(Command({"do": "hls"}))

    def remove(self, stream_id: str) -> Running | None:
        """A stream ends; the worker goes on for the others."""
        running = self.streams.pop(stream_id, None)
        if running is not None and self.job is not None:
            self.job.tell(Command({"do": "remove", "stream_id": stream_id}))
            if self.streams:
                self._encode()
        return running

    def _encode(self) -> None:
        """What the streams need, and the picture's own size."""
        largest = profiles.in_order(self.renditions)[0].name
        needed = {largest}.union(*(r.spec.renditions(self._options.renditions) for r in self.streams.values()))
        if self.job is not None and needed != set(self.renditions):
            self.renditions = tuple(quality.name for quality in profiles.in_order(needed))
            self.job.tell(Command({"do": "renditions", "renditions": self._rendition_setups()}))

    def _rendition_setups(self) -> list[dict[str, Any]]:
        return [
            {"name": q.name, "width": q.width, "height": q.height, "bitrate_bps": q.bitrate_bps}
            for q in profiles.in_order(self.renditions)
        ]

    def arrange(self, layout: Layout, overlay: Overlay) -> None:
        """Another picture from here on."""
        for before, message in ((self.layout, layout), (self.overlay, overlay)):
            if self.job is not None and before != message:
                self.job.tell(message)
        self.layout, self.overlay = layout, overlay

    # -- what the worker tells -------------------------------------------------------------------------------------

    def on_message(self, message: Message) -> None:
        """Of the worker."""
        if isinstance(message, Made):
            self._take_made(message)
        elif isinstance(message, Status):
            self._take_status(message.values)
        elif isinstance(message, Problem):
            _log.warning("live worker has a problem", room=self.room_id, code=message.code, reason=message.message)

    def on_crash(self, *, again: bool) -> None:
        """The worker died."""
        self._inits.clear()
        for running in list(self.streams.values()):
            running.hls_begun.clear()
            state = StreamState.RECONNECTING if again else StreamState.FAILED
            running.tell(state=state, reason=_AGAIN if again else _LOST, uplink_bps=0)

    def _take_status(self, values: Mapping[str, Any]) -> None:
        outputs = values.get("outputs", {})
        bitrates = values.get("bitrates", {})
        for running in list(self.streams.values()):
            changes: dict[str, Any] = {"video_bps": bitrates.get(running.spec.quality, 0), "viewers": viewers(running)}
            output = outputs.get(running.spec.stream_id)
            if output is not None:
                state = StreamState(output["state"])
                changes |= {
                    "state": StreamState.RECONNECTING if state is StreamState.STOPPED else state,
                    "reason": output["reason"],
                    "uplink_bps": output["uplink_bps"],
                    "dropped_frames": output["dropped_frames"],
                    "reconnects": output["reconnects"],
                }
            elif running.spec.rtmp is None and running.hls is not None and running.hls.ready:
                changes |= {"state": StreamState.LIVE, "reason": None}
            running.tell(**changes)

    def _take_made(self, message: Made) -> None:
        values = message.values
        name = str(values["rendition"])
        if values["made"] == "init":
            self._inits[name] = (_info(values), message.data)
            return
        for running in self.streams.values():
            if running.hls is not None and name in running.spec.renditions(self._options.renditions):
                self._pass_on(running, running.hls, name, values, message.data)

    def _pass_on(self, running: Running, hls: HlsStream, name: str, values: Mapping[str, Any], data: bytes) -> None:
        if values["made"] == "segment_end":
            if name in running.hls_begun:
                hls.end_segment(name, values["duration_s"])
            return
        if name not in running.hls_begun:
            # A stream that joins a worker under way begins with a key frame.
            if not values["independent"]:
                return
            info, init = self._inits[name]
            hls.begin(info, init)
            running.hls_begun.add(name)
        hls.add_part(name, data, values["at_unix"], values["duration_s"], independent=values["independent"])


def viewers(running: Running) -> int:
    """How many watch, as far as it is known."""
    by_hls = running.hls.viewers.count(time.monotonic()) if running.hls is not None else 0
    return by_hls + running.platform_viewers


def _output(spec: StreamSpec) -> dict[str, Any]:
    assert spec.rtmp is not None
    return {"stream_id": spec.stream_id, "quality": spec.quality, "url": spec.rtmp.url, "key": spec.rtmp.key}


def _info(values: Mapping[str, Any]) -> RenditionInfo:
    return RenditionInfo(
        name=str(values["rendition"]),
        width=int(values["width"]),
        height=int(values["height"]),
        frame_rate=Fraction(int(values["frames_per_s"])),
        codecs=tuple(values["codecs"]),
        expected_bps=int(values["expected_bps"]),
    )
