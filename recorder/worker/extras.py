"""What lies beside a program: a poster, a strip of previews with their times, chapters."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.packets import EncodedPacket, StreamInfo
from recorder.worker.chapters import webvtt

FIRST_INTERVAL_S = 5.0
MAX_PREVIEWS = 200
PREVIEW_WIDTH = 192
COLUMNS = 10
POSTER_WIDTH = 1280
FOLDER = "previews"


@dataclass(frozen=True, slots=True)
class Strip:
    """One picture that holds all previews, and the WebVTT that says which part belongs to which time."""

    picture: bytes
    times: str


class Previews:
    """Decodes a key frame of the program now and then, and keeps it small on disk."""

    def __init__(self, folder: Path, stream: StreamInfo) -> None:
        self._folder = folder / FOLDER
        self._stream = stream
        self._interval_s = FIRST_INTERVAL_S
        self._next_s = 0.0
        self._decoder: Any = None
        self.failures = 0

    def feed(self, packet: EncodedPacket) -> None:
        """Take a packet of the program."""
        at_s = packet.pts / self._stream.clock_rate
        if packet.stream != self._stream.name or not packet.key_frame or at_s < self._next_s:
            return
        self._next_s = at_s + self._interval_s
        try:
            self._keep(packet, at_s)
        except Exception:
            # A preview is no reason to lose a recording.
            self.failures += 1
        if len(list(self._folder.glob("*.jpg"))) > MAX_PREVIEWS:
            self._thin_out()

    def _keep(self, packet: EncodedPacket, at_s: float) -> None:
        import av

        if self._decoder is None:
            self._decoder = av.CodecContext.create(self._stream.codec, "r")
            self._decoder.thread_count = 1
            if self._stream.extradata:
                self._decoder.extradata = self._stream.extradata
        coded = av.Packet(packet.data)
        frames = [*self._decoder.decode(coded), *self._decoder.decode(None)]
        self._decoder = None  # one that was flushed takes nothing further
        if not frames:
            return
        image = frames[0].to_image()
        self._folder.mkdir(exist_ok=True)
        if not (self._folder / "poster.jpeg").exists() or at_s <= FIRST_INTERVAL_S * 2:
            _save(image, POSTER_WIDTH, self._folder / "poster.jpeg")
        _save(image, PREVIEW_WIDTH, self._folder / f"{round(at_s * 1000):010d}.jpg")

    def _thin_out(self) -> None:
        for path in sorted(self._folder.glob("*.jpg"))[1::2]:
            path.unlink()
        self._interval_s *= 2


def _save(image: Any, width: int, path: Path) -> None:
    from PIL import Image

    small = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.BILINEAR)
    small.save(path, "JPEG", quality=75)


def poster(folder: Path) -> bytes | None:
    """The poster, if there is one."""
    path = folder / FOLDER / "poster.jpeg"
    return path.read_bytes() if path.exists() else None


def strip(folder: Path, duration_s: float, picture_name: str) -> Strip | None:
    """All previews in one picture; None if there are none."""
    from PIL import Image

    paths = sorted((folder / FOLDER).glob("*.jpg"))
    if not paths:
        return None
    with Image.open(paths[0]) as first:
        width, height = first.size
    rows = -(-len(paths) // COLUMNS)
    sheet = Image.new("RGB", (width * min(COLUMNS, len(paths)), height * rows))
    cues = []
    for number, path in enumerate(paths):
        x, y = number % COLUMNS * width, number // COLUMNS * height
        with Image.open(path) as image:
            sheet.paste(image, (x, y))
        begin = int(path.stem) / 1000
        end = int(paths[number + 1].stem) / 1000 if number + 1 < len(paths) else max(duration_s, begin + 0.001)
        cues.append((begin, end, f"{picture_name}#xywh={x},{y},{width},{height}"))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=75)
    return Strip(buffer.getvalue(), webvtt(cues))
