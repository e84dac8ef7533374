"""Adaptive media, measured: real Chromium publishers and subscribers through the impairment relay.

    python -m tests.bench.scenarios [SCENARIO …] [--driver plenum] [--driver janus] [--quick] [--out DIR]

Each scenario leaves its timeline as JSON and a plot as PNG, and prints its numbers with PASS or FAIL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.bench.scenarios.catalogue import SCENARIOS, Scenario, Stage
from tests.bench.scenarios.collect import Collector
from tests.bench.scenarios.drivers.base import Driver
from tests.bench.scenarios.drivers.janus import JanusDriver
from tests.bench.scenarios.drivers.plenum import PlenumDriver
from tests.bench.scenarios.footage import write_footage
from tests.bench.scenarios.plot import draw
from tests.bench.scenarios.timeline import Timeline
from tests.bench.scenarios.verdicts import Verdict
from tests.support.chromium import Chromium
from tests.support.relay_process import RelayProcess
from tests.support.server import ServerTrouble

DRIVERS: dict[str, type[Driver]] = {"plenum": PlenumDriver, "janus": JanusDriver}


async def run(scenario: Scenario, kind: type[Driver], *, quick: bool) -> tuple[Timeline, list[Verdict]]:
    """One scenario with a server and a browser of its own."""
    line = Timeline(scenario.name, kind.name)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        footage = write_footage(directory / "footage.y4m")
        flags = [f"--use-file-for-fake-video-capture={footage}"]
        async with Chromium(directory, flags=flags, fake_files=False) as chromium, RelayProcess() as relays:
            driver = kind(directory, chromium, relays)
            await driver.start()
            try:
                collector = Collector(line, driver, relays)
                collector.start()
                cpu_s = driver.cpu_s()
                try:
                    await scenario.play(Stage(driver, collector, "bench", quick))
                finally:
                    line.notes["server_cpu_share"] = (driver.cpu_s() - cpu_s) / max(1.0, collector.now_s)
                    await collector.stop()
            finally:
                try:
                    await driver.stop()
                except ServerTrouble as error:
                    print(error, file=sys.stderr)
    return line, [verdict for judge in scenario.judges for verdict in judge(line)]


def report(scenario: Scenario, line: Timeline, found: list[Verdict], out: Path) -> None:
    """Print the numbers, and write what they come from."""
    stem = out / f"{line.driver}-{line.scenario}"
    record = {**line.to_dict(), "verdicts": [asdict(one) for one in found]}
    stem.with_suffix(".json").write_text(json.dumps(record))
    draw(line, stem.with_suffix(".png"))
    print(f"\n{scenario.title} · {line.driver} · server {line.notes['server_cpu_share']:.0%} of a core")
    for one in found:
        print(f"  {one.word}  {one.what:<38} {one.measured:>26}   wanted {one.wanted}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(names)}; all when absent")
    parser.add_argument("--driver", action="append", choices=list(DRIVERS), help="which server; plenum when absent")
    parser.add_argument("--quick", action="store_true", help="shorter times, for a look rather than a figure")
    parser.add_argument("--out", type=Path, default=Path("scenarios"), help="folder of the reports")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - set(names):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for scenario in SCENARIOS:
        if arguments.scenarios and scenario.name not in arguments.scenarios:
            continue
        for kind in (DRIVERS[name] for name in arguments.driver or ["plenum"]):
            if scenario.name in kind.cannot:
                print(f"\n{scenario.title} · {kind.name} · cannot do it")
                continue
            line, found = asyncio.run(run(scenario, kind, quick=arguments.quick))
            report(scenario, line, found, arguments.out)
            failed += any(one.passed is False for one in found) and kind is PlenumDriver
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
