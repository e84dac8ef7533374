"""``python -m streaming.worker``: a live worker, started by the shard."""

from __future__ import annotations

from media.jobs.worker import begin, note_bug
from media.options import ProgramOptions
from media.program import Program
from streaming.worker.convert import renditions
from streaming.worker.run import run
from streaming.worker.setup import WorkerSetup


def make_program(setup: WorkerSetup, now: float) -> Program:
    """The program of a set-up; a worker that takes over goes on in the same time."""
    options = ProgramOptions(
        renditions=renditions(setup.renditions),
        frames_per_s=setup.frames_per_s,
        key_frame_interval_s=setup.key_frame_interval_s,
        audio_bitrate_bps=setup.audio_bps,
        delay_s=setup.delay_s,
    )
    return Program(options, now, setup.origin)


def main() -> None:
    """Run until the shard says stop."""
    values, link = begin()
    try:
        run(values, link, make_program)
    except Exception:
        note_bug("live worker failed")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
