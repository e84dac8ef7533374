"""Streams that have ended, as their archive tells of them: for who comes after the process that served them has gone.

``about.json`` beside the renditions says what they are, whether a token is needed, and when the stream ended.
"""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

from streaming.hls.archive import Archive
from streaming.hls.rendition import RenditionInfo
from streaming.hls.stream import ABOUT, HlsStream, HlsTiming


def revive(
    room_id: str, stream_id: str, key: bytes, timing: HlsTiming, archive: Archive
) -> tuple[HlsStream, float] | None:
    """A stream that has ended and when it did, in seconds since 1970; None: there is none, or it goes on. Blocks."""
    about = _about(archive.directory / ABOUT)
    if about is None or about.get("ended_unix") is None:
        return None
    stream = HlsStream(room_id, stream_id, key, timing, public=bool(about["public"]), archive=archive)
    try:
        infos = [_info(values) for values in about["renditions"]]
        ended_unix = float(about["ended_unix"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None  # written by another version
    stream.revive(infos, archive.load())
    return (stream, ended_unix) if stream.ready else None


def forget(root: Path, ended_before_unix: float) -> None:
    """Delete the archives of streams that ended before a time. Blocks."""
    for path in root.glob(f"*/*/{ABOUT}"):
        about = _about(path)
        ended_unix = about.get("ended_unix") if about is not None else None
        if isinstance(ended_unix, int | float) and ended_unix < ended_before_unix:
            shutil.rmtree(path.parent, ignore_errors=True)


def _about(path: Path) -> dict[str, Any] | None:
    try:
        about = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) else None


def _info(values: dict[str, Any]) -> RenditionInfo:
    return RenditionInfo(
        name=str(values["name"]),
        width=int(values["width"]),
        height=int(values["height"]),
        frame_rate=Fraction(values["frame_rate"]),
        codecs=tuple(map(str, values["codecs"])),
        expected_bps=int(values["expected_bps"]),
    )
