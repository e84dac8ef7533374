"""What a recording worker leaves for the shard, whichever shard that is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULT = "result.json"


@dataclass(slots=True)
class Result:
    """What a worker leaves for the shard. ``complete``: all is in the store."""

    complete: bool
    duration_s: float
    stop_reason: str
    error: str | None = None
    error_message: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)


def read_result(folder: Path) -> Result | None:
    """What a worker left; None if it did not come as far."""
    try:
        return Result(**json.loads((folder / RESULT).read_text()))
    except (OSError, ValueError, TypeError):
        return None
