"""The composed room into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from media.containers.mp4 import Mp4Writer
from media.containers.webm import WebmWriter
from media.feed import Layout, Message
from media.options import ProgramOptions, VideoRendition
from media.packets import EncodedPacket
from media.program import Program
from recorder.model import Options
from recorder.worker.extras import Previews
from recorder.worker.parts import Part

SIZES = {"1080p": (1920, 1080, 4_500), "720p": (1280, 720, 2_500), "480p": (854, 480, 1_200)}
AUDIO_BPS = 128_000
CAUGHT_UP_S = 1.0
FRAGMENT_S = 0.5
"""A killed worker loses the fragment that it has not written yet."""


def program_options(options: Options) -> ProgramOptions:
    """What the program is, from what was asked for."""
    width, height, kbps = SIZES[options.quality]
    rendition = VideoRendition("main", width, height, (options.bitrate_kbps or kbps) * 1000)
    webm = options.container == "webm"
    return ProgramOptions(
        renditions=() if options.audio_only else (rendition,),
        video_codec="vp8" if webm else "h264",
        audio_codec="opus" if webm else "aac",
        audio_bitrate_bps=AUDIO_BPS,
        layout=Layout(mode=options.layout),
    )


def content_type(options: Options) -> str:
    """The media type of the program's file."""
    return f"{'audio' if options.audio_only else 'video'}/{options.container}"


def file_suffix(options: Options) -> str:
    """Of the program's file."""
    return "m4a" if options.audio_only and options.container == "mp4" else options.container


class ProgramOutput:
    """A Program, its container and its spool."""

    def __init__(self, options: Options, part: Part, folder: Path, now: float, origin: float) -> None:
        self.part = part
        self._program = Program(program_options(options), now, origin)
        streams = self._program.streams
        kind = WebmWriter if options.container == "webm" else Mp4Writer
        self._writer: Mp4Writer | WebmWriter = kind(streams, part.spool.append, FRAGMENT_S)
        video = next((stream for stream in streams if stream.kind == "video"), None)
        self._previews = None if video is None else Previews(folder, video)

    def feed(self, message: Message, now: float) -> None:
        """Take a message of the feed."""
        self._program.feed(message, now)

    def tick(self, now: float) -> list[Message]:
        """Write what is due; what the shard has to be told. Raises SpoolFull or OSError when the disk does."""
        self._put(self._program.tick(now))
        return self._program.requests()

    def catch_up(self, now: float) -> bool:
        """Make some of what a busy machine has kept waiting; whether there is more of it."""
        self._put(self._program.tick(now))
        return self._program.lag_s > CAUGHT_UP_S

    def finish(self, now: float) -> None:
        """Close the file."""
        self._put(self._program.finish(now))
        patches = self._writer.close()
        file = self.part.file
        file.duration_s = round(self._writer.duration_s, 3)
        file.size_bytes = self.part.spool.size
        self.part.label()
        self.part.spool.close((patch.offset, patch.data) for patch in patches)

    def _put(self, packets: list[EncodedPacket]) -> None:
        for packet in packets:
            self._writer.add(packet)
            if self._previews is not None and packet.key_frame:
                self._previews.feed(packet)

    def status(self) -> dict[str, Any]:
        """Figures of the program."""
        return self._program.status()
