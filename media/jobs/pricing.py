"""What a worker costs: processor and memory, from ``/proc`` (Linux); elsewhere it is not known."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Price:
    """``cpu``: share of a core since the last reading; ``cpu_s``: processor time in all; ``memory_bytes``: resident."""

    cpu: float = 0.0
    cpu_s: float = 0.0
    memory_bytes: int = 0


class Meter:
    """Reads one process again and again."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc") / str(pid)
        self._cpu_s: float | None = None
        self._at = 0.0

    def read(self, now: float) -> Price | None:
        """The price since the last reading; None once the process is gone, or where nobody tells."""
        try:
            stat = (self._folder / "stat").read_text()
            pages = int((self._folder / "statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return None
        # The name, in brackets, may hold spaces; utime and stime are fields 14 and 15 (proc(5)).
        fields = stat.rpartition(")")[2].split()
        cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_S
        before, elapsed = self._cpu_s, now - self._at
        self._cpu_s, self._at = cpu_s, now
        share = 0.0 if before is None or elapsed <= 0 else (cpu_s - before) / elapsed
        return Price(share, cpu_s, pages * _PAGE_BYTES)


def available_memory_bytes() -> int | None:
    """Memory that a new process could have; None where nobody tells."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def load_per_core() -> float:
    """The load average of the last minute, a core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
