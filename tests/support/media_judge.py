"""Verdicts on media files: what ffprobe and a full decode say, and whether packets lie where they should."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import IO, Any

import av

TOLERANCE_S = 0.0025
"""WebM counts in milliseconds, and a publisher's clock that runs fast makes its packets a little shorter."""


def overlaps(path: Path | IO[bytes]) -> list[str]:
    """Where a packet begins before the one before it has begun (any stream), or has ended (sound)."""
    found: list[str] = []
    ends: dict[int, float] = {}
    with av.open(str(path) if isinstance(path, Path) else path) as container:
        for packet in container.demux():
            if packet.pts is None:
                continue
            assert packet.time_base is not None
            at = float(packet.pts * packet.time_base)
            stream = packet.stream
            free = ends.get(stream.index, float("-inf"))
            sound = stream.type == "audio"
            if at < free - TOLERANCE_S if sound else at <= free:
                found.append(f"{stream.type} at {at:.3f} s, free from {free:.3f} s")
            ends[stream.index] = at + _sound_s(bytes(packet), stream, packet) if sound else at
    return found


def _sound_s(data: bytes, stream: Any, packet: Any) -> float:
    if stream.codec_context.name == "opus":
        return opus_ms(data) / 1000
    return float((packet.duration or 0) * packet.time_base)


def opus_ms(data: bytes) -> float:
    """How much sound an Opus packet holds (RFC 6716 section 3.1), counted apart from the code under test."""
    if not data:
        return 0.0
    config, code = data[0] >> 3, data[0] & 3
    if config < 12:
        frame = (10, 20, 40, 60)[config & 3]
    elif config < 16:
        frame = (10, 20)[config & 1]
    else:
        frame = (2.5, 5, 10, 20)[config & 3]
    frames = 1 if code == 0 else 2 if code < 3 else data[1] & 0x3F
    return frame * frames


def judge(path: Path) -> dict[str, Any]:
    """What ffprobe says; the whole file is decoded, and must have no error and no overlap."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    probed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert probed.stderr == ""
    found: dict[str, Any] = json.loads(probed.stdout)
    # As the file times it: how pauses fit a constant rate is no matter here, nor is a sound packet a hair early.
    outputs = {
        "video": ("-map", "0:v", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "rawvideo"),
        "audio": ("-map", "0:a", "-af", "asetpts=N/SR/TB", "-f", "s16le"),
    }
    wanted = [part for s in found["streams"] for part in (*outputs[s["codec_type"]], "-y", "/dev/null")]
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), *wanted], check=False, capture_output=True, text=True
    )
    assert (decoded.returncode, decoded.stderr) == (0, ""), path.name
    crossed = overlaps(path)
    assert not crossed, (path.name, len(crossed), crossed[:5])
    return found
