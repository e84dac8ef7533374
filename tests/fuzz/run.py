"""Send bad datagrams to a server with a call under way, and judge what it did.

    python -m tests.fuzz.run [1000000] [--seed 1]

Ends with 1 if the log holds an exception, memory grew or the call stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from tests.fuzz.attack import Report, attack

MAX_GROWTH_BYTES = 12_000_000
FRAMES_PER_S = 40  # of the two pictures of the call together


def verdict(report: Report) -> list[str]:
    """What is wrong, in words; empty when nothing is."""
    wrong = []
    if report.trouble:
        wrong.append(f"the log holds {len(report.trouble)} lines of trouble")
    if report.growth_bytes > MAX_GROWTH_BYTES:
        wrong.append(f"memory grew by {report.growth_bytes / 1e6:.1f} MB")
    if report.frames_after < 40:
        wrong.append(f"only {report.frames_after} frames were decoded in the two seconds after the attack")
    expected = report.seconds * FRAMES_PER_S
    if sum(report.frames) < expected / 3:
        wrong.append(f"{sum(report.frames)} frames were decoded during the attack instead of {expected:.0f}")
    if report.seconds > 30 and min(report.frames) == 0:
        wrong.append("the call stood still during a tenth of the attack")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = asyncio.run(attack(arguments.count, seed=arguments.seed, say=lambda text: print(text, flush=True)))
    print(*report.lines(), sep="\n")
    print("counters:", json.dumps(report.stats)[:4000])
    wrong = verdict(report)
    print(*(wrong or ["the server stood it"]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
