"""``python -m recorder.worker FD``."""

from __future__ import annotations

import sys

from media.jobs.worker import begin, note_bug
from recorder.worker.run import Run
from recorder.worker.setup import Setup


def main() -> int:
    """Record; the exit code."""
    values, link = begin()
    try:
        Run(Setup.model_validate(values), link).run()
    except Exception:
        note_bug("recording worker failed")
        return 1
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
