"""The worker's loop: feed in, program made and encoded, packets to RTMP servers and HLS parts to the shard."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import TypeAdapter

from media.feed import Command, Done, Made, Message, Problem, Status, Stop
from media.jobs.worker import Link, note
from media.options import VideoRendition
from media.packets import EncodedPacket, StreamInfo
from streaming.encoded import AudioTrack, VideoTrack
from streaming.hls.packager import Packager, Part, Piece
from streaming.rtmp.output import Source
from streaming.worker import convert
from streaming.worker.senders import Senders
from streaming.worker.setup import RenditionSetup, RtmpSetup, WorkerSetup

_TURN_S = 0.012
_STATUS_S = 1.0
_FROZEN_S = 8.0
_FROZEN_CODE = 75
"""EX_TEMPFAIL of sysexits.h: begin again."""


class Program(Protocol):
    """What makes the picture and the sound (``media.program.Program``)."""

    @property
    def streams(self) -> Sequence[StreamInfo]: ...
    def feed(self, message: Any, now: float) -> None: ...
    def tick(self, now: float) -> Sequence[EncodedPacket]: ...
    def requests(self) -> Sequence[Any]: ...
    def finish(self, now: float) -> Sequence[EncodedPacket]: ...
    def status(self) -> dict[str, Any]: ...
    def set_bitrate(self, name: str, bitrate_bps: int) -> None: ...
    def set_renditions(self, renditions: tuple[VideoRendition, ...]) -> None: ...


MakeProgram = Callable[[WorkerSetup, float], Program]


class LiveWorker:
    """One worker from its set-up to its end."""

    def __init__(self, setup: WorkerSetup, link: Link, make_program: MakeProgram) -> None:
        self._setup = setup
        self._link = link
        self._program = make_program(setup, time.monotonic())
        self._senders = Senders(allow_private=setup.allow_private)
        self._bitrates = {rendition.name: rendition.bitrate_bps for rendition in setup.renditions}
        self._full_bitrates = dict(self._bitrates)
        streams = self._program.streams
        self._tracks = {s.name: convert.video_track(s, setup.frames_per_s) for s in streams if s.kind == "video"}
        audio = convert.audio_track(streams)
        self._audio: AudioTrack | None = audio[0] if audio is not None else None
        self._audio_name = audio[1] if audio is not None else ""
        self._packagers: dict[str, Packager] = {}
        self._hls = False
        self._counts = {"frames": 0, "bytes": 0}

    def run(self) -> None:
        """Until the shard says stop, or is gone."""
        for output in self._setup.outputs:
            self._add_output(output)
        if self._setup.hls:
            self._begin_hls()
        status_at = 0.0
        turn_at = time.monotonic()
        stopping = False
        while not stopping and not self._link.ended:
            for message in self._link.receive(_TURN_S):
                stopping |= isinstance(message, Stop)
                self._take(message)
            now = time.monotonic()
            if now - turn_at > _FROZEN_S:
                # The machine slept, or stood still. Nobody waits for what would have been made meanwhile.
                note("warning", "the worker stood still and begins anew", for_s=round(now - turn_at, 1))
                sys.exit(_FROZEN_CODE)
            turn_at = now
            self._hand_out(self._program.tick(now))
            for request in self._program.requests():
                self._link.send(request)
            if now >= status_at:
                status_at = now + _STATUS_S
                self._adapt()
                self._link.send(Status(self._status()))
        self._finish()

    def _finish(self) -> None:
        self._hand_out(self._program.finish(time.monotonic()))
        for name, packager in self._packagers.items():
            self._send_pieces(name, packager.finish())
        self._senders.close()
        self._link.send(Status(self._status()))
        self._link.send(Done())
        self._link.drain(3.0)
        self._link.close()

    # -- what the shard says ---------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        if not isinstance(message, Command):
            self._program.feed(message, time.monotonic())
            return
        values = message.values
        match values.get("do"):
            case "add":
                self._add_output(RtmpSetup.model_validate(values["output"]))
            case "remove":
                self._senders.remove(str(values["stream_id"]))
            case "renditions":
                self._encode(TypeAdapter(list[RenditionSetup]).validate_python(values["renditions"]))
            case "hls":
                self._begin_hls()
            case other:
                note("warning", "a command that is not known", command=str(other))

    def _encode(self, renditions: list[RenditionSetup]) -> None:
        """Encode these from here on; what is encoded already goes on."""
        self._program.set_renditions(convert.renditions(renditions))
        names = {rendition.name for rendition in renditions}
        for name in set(self._tracks) - names:
            del self._tracks[name], self._bitrates[name], self._full_bitrates[name]
            self._packagers.pop(name, None)
        for rendition in renditions:
            self._full_bitrates[rendition.name] = self._bitrates[rendition.name] = rendition.bitrate_bps
        for stream in self._program.streams:
            if stream.kind == "video" and stream.name not in self._tracks:
                self._tracks[stream.name] = convert.video_track(stream, self._setup.frames_per_s)
                if self._hls:
                    self._package(stream.name)

    def _add_output(self, output: RtmpSetup) -> None:
        track = self._tracks.get(output.quality)
        if track is None:
            self._link.send(Problem("no_such_quality", f"{output.quality} is not encoded here"))
            return
        source = Source(track, self._audio, self._full_bitrates[output.quality], self._setup.audio_bps)
        try:
            self._senders.add(output.stream_id, output.quality, output.url, output.key.get_secret_value(), source)
        except ValueError as error:
            self._link.send(Problem("bad_address", str(error)))

    # -- what is made ----------------------------------------------------------------------------------------------

    def _hand_out(self, packets: Sequence[EncodedPacket]) -> None:
        for packet in packets:
            self._counts["bytes"] += len(packet.data)
            if packet.stream == self._audio_name:
                audio = convert.audio_packet(packet)
                self._senders.send_audio(audio)
                for packager in self._packagers.values():
                    packager.add_audio(audio)
                continue
            video = convert.video_packet(packet)
            self._counts["frames"] += 1
            self._senders.send(packet.stream, video)
            hls = self._packagers.get(packet.stream)
            if hls is not None:
                self._send_pieces(packet.stream, hls.add_video(video))

    def _begin_hls(self) -> None:
        """Make parts of all renditions from here on; each begins with its next key frame."""
        if self._hls:
            return
        self._hls = True
        for name in self._tracks:
            self._package(name)

    def _package(self, name: str) -> None:
        setup, track = self._setup, self._tracks[name]
        packager = self._packagers[name] = Packager(
            track,
            self._audio,
            segment_s=setup.segment_s,
            part_s=setup.part_s,
            key_frame_interval_s=setup.key_frame_interval_s,
        )
        self._link.send(Made(self._described(name, track), packager.init))

    def _described(self, name: str, track: VideoTrack) -> dict[str, Any]:
        codecs = [track.codec] + ([self._audio.codec] if self._audio is not None else [])
        return {
            "made": "init",
            "rendition": name,
            "width": track.width,
            "height": track.height,
            "frames_per_s": self._setup.frames_per_s,
            "codecs": codecs,
            "expected_bps": round(1.05 * (self._full_bitrates[name] + self._setup.audio_bps)),
        }

    def _send_pieces(self, name: str, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Part):
                values = {
                    "made": "part",
                    "rendition": name,
                    "at_unix": self._setup.origin_unix + piece.at_s,
                    "duration_s": piece.duration_s,
                    "independent": piece.independent,
                }
                self._link.send(Made(values, piece.data))
            else:
                self._link.send(Made({"made": "segment_end", "rendition": name, "duration_s": piece.duration_s}, b""))

    # -- how it goes -----------------------------------------------------------------------------------------------

    def _adapt(self) -> None:
        """Encode each quality as its slowest uplink can carry it."""
        carried = self._senders.bitrates()
        for name, full_bps in self._full_bitrates.items():
            wanted = carried.get(name, full_bps)
            if wanted != self._bitrates[name]:
                self._bitrates[name] = wanted
                self._program.set_bitrate(name, wanted)

    def _status(self) -> dict[str, Any]:
        return {
            "outputs": self._senders.statuses(),
            "bitrates": self._bitrates,
            "program": self._program.status(),
            **self._counts,
        }


def run(values: dict[str, Any], link: Link, make_program: MakeProgram) -> None:
    """Run a worker on the set-up that it was given."""
    LiveWorker(TypeAdapter(WorkerSetup).validate_python(values), link, make_program).run()
