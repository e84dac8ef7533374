"""Cost of forwarding: one publisher (1 Mbit/s VP8 and Opus) to N WHEP subscribers on one core, Plenum beside Janus.

    SFUBENCH_BUILD=BUILD python -m tests.bench.forwarding PATH/TO/BENCH [-n 100] [-t 5] [-r 3] [--only plenum]

PATH/TO/BENCH holds the load generator's bench.py, BUILD the binaries that its README tells how to make. The servers
take turns, because the speed of a shared machine drifts; the table shows each run and the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

SERVERS: dict[str, list[str]] = {
    "plenum": ["-d", "plenum"],
    "janus tuned": ["-d", "janus", "-o", "event_loops=1"],
    "janus": ["-d", "janus"],
}
BASELINE_SUBSCRIBERS = 1


def run(arguments: argparse.Namespace, server: str, work: Path) -> dict[str, Any]:
    """One start of a server: measured with a single subscriber first (the memory to compare with), then with all."""
    results = work / "results.json"
    results.unlink(missing_ok=True)
    command = [sys.executable, str(arguments.bench / "bench.py"), "point", *SERVERS[server]]
    if server == "plenum":
        command += ["-o", f"bin={arguments.bin}"]
    command += [
        "-n",
        str(BASELINE_SUBSCRIBERS),
        str(arguments.n),
        "-t",
        str(arguments.t),
        "--work",
        str(work),
        "--json",
        str(results),
    ]
    command += ["--nice", str(arguments.nice)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0 or not results.exists():
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout[-3000:]}")
    outcome: dict[str, Any] = json.loads(results.read_text().splitlines()[-1])
    return outcome


def figures(outcome: dict[str, Any]) -> dict[str, float]:
    """What the table shows. CPU time holds the kernel's share, up to the subscriber's socket."""
    single, full = outcome["steps"]
    return {
        "µs/packet": full["cpu_s_per_mpkt"],
        "packets/s": full["rx_pps"],
        "p50 ms": full["lat_ms"]["all"]["p50"],
        "p99 ms": full["lat_ms"]["all"]["p99"],
        "loss %": full["loss_pct"],
        "core %": full["sfu_cpu_pct"],
        "KB/subscriber": (full["rss_mib"] - single["rss_mib"]) * 1024 / (full["subs"] - single["subs"]),
        "RSS MB": full["rss_mib"],
        "others %": full["other_sfu_core_pct"],
    }


def line(name: str, values: dict[str, float]) -> str:
    return f"{name:<20}" + "".join(f"{value:>15.2f}" for value in values.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path, help="folder of the load generator")
    parser.add_argument("-n", type=int, default=100, help="subscribers")
    parser.add_argument("-t", type=float, default=5, help="seconds of each measurement")
    parser.add_argument("-r", type=int, default=1, help="rounds")
    parser.add_argument("--only", choices=sorted(SERVERS), help="one server instead of all in turn")
    parser.add_argument("--nice", type=int, default=0, help="niceness of server and generator, as bench.py takes it")
    parser.add_argument("--bin", default=str(Path(sys.executable).parent / "plenum"), help="the plenum executable")
    arguments = parser.parse_args()
    arguments.bench = arguments.bench.resolve()
    names = [arguments.only] if arguments.only else list(SERVERS)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as work:
        for _ in range(arguments.r):
            for name in names:
                values = figures(run(arguments, name, Path(work)))
                if not any(runs.values()):
                    print(" " * 20 + "".join(f"{title:>15}" for title in values))
                runs[name].append(values)
                print(line(name, values), flush=True)
    if arguments.r > 1:
        for name in names:
            print(line(f"{name}, median", {key: median(one[key] for one in runs[name]) for key in runs[name][0]}))


if __name__ == "__main__":
    main()
