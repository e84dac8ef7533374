"""Recordings as a player sees them: read and decoded from end to end by ffmpeg."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Played:
    """``duration_s``: what the file says; ``last_s``: where its last picture is; ``complaints``: of the decoders."""

    kinds: set[str]
    duration_s: float
    last_s: float
    complaints: str


async def play(path: Path) -> Played:
    """Decode all of a file with sound and pictures."""
    probed, _ = await _run("ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", str(path))
    _, complaints = await _run("ffmpeg", "-v", "warning", "-xerror", "-i", str(path), "-f", "null", "-")
    only_times = ("-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0")
    times, _ = await _run("ffprobe", "-v", "error", *only_times, str(path))
    found = json.loads(probed)
    kinds = {str(stream["codec_type"]) for stream in found["streams"]}
    return Played(kinds, float(found["format"]["duration"]), float(times.split()[-1].strip(",")), complaints)


async def _run(*command: str) -> tuple[str, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, complaints = await process.communicate()
    return out.decode(), complaints.decode()
