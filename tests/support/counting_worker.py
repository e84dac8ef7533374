"""A worker of the tests: counts what it is fed and does what its set-up says; run as ``python -m``."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from media.feed import Done, Packet, Participant, Problem, Status, Stop, TrackAdded
from media.jobs.worker import begin, note


def main() -> None:
    setup, link = begin()
    note("info", "worker begins", secret_is_there="secret" in setup, nice=os.nice(0))
    if setup.get("garbage"):
        print("no JSON at all", file=sys.stderr, flush=True)
    if setup["attempt"] in setup.get("die_at_attempts", []):
        os.kill(os.getpid(), signal.SIGKILL)
    counts = {"packets": 0, "tracks": 0, "people": 0, "attempt": setup["attempt"]}
    link.send(Status(dict(counts)))
    stopped = False
    while not stopped and not link.ended:
        for message in link.receive(0.05):
            counts["packets"] += isinstance(message, Packet)
            counts["tracks"] += isinstance(message, TrackAdded)
            counts["people"] += isinstance(message, Participant)
            stopped |= isinstance(message, Stop)
        if not setup.get("silent"):
            link.send(Status(dict(counts)))
        time.sleep(setup.get("slow_s", 0.0))
    if setup.get("never_finishes"):
        time.sleep(600)
    if "file" in setup:
        Path(setup["file"]).write_text("whole")
    link.send(Problem("told_at_the_end", "x"))
    link.send(Done())
    link.drain(1.0)


if __name__ == "__main__":
    main()
