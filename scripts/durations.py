"""Durations as an operator types them: ``90``, ``45s``, ``30m``, ``12h``, ``7d``."""

from __future__ import annotations

import re

_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration_s(text: str) -> int:
    """Whole seconds. Raises ``ValueError`` for anything else than a positive number with an optional unit."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*([smhd]?)\s*", text)
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if seconds <= 0:
        raise ValueError(f"{text!r} is no duration; write for example 90, 30m, 12h or 7d")
    return seconds
