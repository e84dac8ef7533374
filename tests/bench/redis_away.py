"""Redis away for a minute of a call: lost packets, the slowest answer, and when all state is right again.

python -m tests.bench.redis_away [--seconds 60] [--shards 2]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import get_args

from tests.support.redis_outage import How, Outage


async def measure(seconds: float, shards: int) -> None:
    for how in get_args(How):
        with tempfile.TemporaryDirectory() as name:
            report = await Outage(Path(name), shards, seconds, how).run()
            print(f"{how}: " + ", ".join(f"{name} {value}" for name, value in report.items()), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--shards", type=int, default=2)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.seconds, arguments.shards))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
