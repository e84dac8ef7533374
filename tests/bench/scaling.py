"""Two shards beside one: what a forwarded packet costs when both work at once, and so how many more they forward.

    python -m tests.bench.scaling [-n 60] [-t 8] [-r 3]

Each shard has one room of one publisher (1 Mbit/s VP8 and Opus) and N receivers. The clients need processor time on the
same cores, so that the rate at which servers saturate would be theirs; what counts is the processor time that the
shards use for a packet: with one shard and one room, then with two of each at once. Two cores forward
``2 x one / two`` times what one does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from prometheus_client.parser import text_string_to_metric_families

from scripts.load.clip import Clip, make_clip
from scripts.load.running import Plan, run
from signaling.shards.model import ShardInfo
from signaling.shards.placement import place
from tests.support.shards import Shards

TARGET = 1.8
SETTINGS = {"PLENUM_ROOMS__SETTINGS__MAX_PARTICIPANTS": "1000", "PLENUM_LOGGING__LEVEL": "warning"}


@dataclass(frozen=True)
class Counts:
    """Of all shards together."""

    at: float
    cpu_s: float
    packets: float


async def counts(url: str, shard_ids: list[str]) -> dict[str, Counts]:
    """What each shard tells of itself."""
    found = {}
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for shard_id in shard_ids:
            text = (await http.get("/webrtc/metrics", params={"shard": shard_id})).text
            samples = {
                (sample.name, sample.labels.get("direction")): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
            cpu_s = samples["plenum_process_cpu_seconds_total", None]
            found[shard_id] = Counts(time.monotonic(), cpu_s, samples["plenum_media_packets_total", "sent"])
    return found


async def measure(
    shard_count: int, receivers: int, seconds: float, clip: Clip, work: Path
) -> tuple[float, float, float]:
    """Microseconds of processor time for a packet, packets a second, and the share that was lost."""
    async with Shards(work, shard_count, SETTINGS) as shards:
        await asyncio.sleep(2.5)  # until each shard knows the other
        ids = list(await shards.stats())
        assert len(ids) == shard_count, ids
        marks: list[dict[str, Counts]] = []

        async def note() -> None:
            marks.append(await counts(shards.server.url, ids))

        infos = [ShardInfo.model_validate_json(text) for text in await shards.redis.mget(*map(_key, ids))]
        plan = Plan(
            prefix=_spread(infos),
            url=shards.server.url,
            rooms=shard_count,
            publishers=1,
            receivers=receivers,
            seconds=seconds,
            joins_per_s=40,
            clip=clip,
            settle_s=3,
        )
        outcome = await run(plan, shards.server.token, lambda *_: None, note)
        assert not outcome.trouble, outcome.trouble
    begin, end = marks
    sent = {one: end[one].packets - begin[one].packets for one in ids}
    if min(sent.values()) < 0.3 * max(sent.values()):
        raise SystemExit(f"the rooms were not on different shards: {sent}")
    cpu_s = sum(end[one].cpu_s - begin[one].cpu_s for one in ids)
    passed_s = end[ids[0]].at - begin[ids[0]].at
    packets = sum(sent.values())
    return cpu_s / packets * 1e6, packets / passed_s, outcome.loss


def _key(shard_id: str) -> str:
    return f"plenum:{{shards}}:at:{shard_id}"


def _spread(shards: list[ShardInfo]) -> str:
    """Names of rooms that each come to another shard: among those that are about as full the name decides."""
    for number in range(1_000):
        prefix = f"room{number}"
        chosen = {one.id for place_of in range(len(shards)) if (one := place(f"{prefix}-{place_of}", shards))}
        if len(chosen) == len(shards):
            return prefix
    raise AssertionError("no such names")


async def rounds(arguments: argparse.Namespace) -> bool:
    clip = make_clip(640, 360, 30, 1_000_000)
    costs: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(arguments.r):
        for shard_count in costs:
            with tempfile.TemporaryDirectory() as name:
                cost_us, rate, loss = await measure(shard_count, arguments.n, arguments.t, clip, Path(name))
            costs[shard_count].append(cost_us)
            print(
                f"{shard_count} shard(s): {cost_us:6.2f} us a packet, {rate:7.0f} packets/s, loss {loss:.3%}",
                flush=True,
            )
    one, two = median(costs[1]), median(costs[2])
    ratio = 2 * one / two
    print(f"medians: {one:.2f} us with one, {two:.2f} us with two at once: two cores forward {ratio:.2f} times as many")
    return ratio >= TARGET


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=60, help="receivers in each room")
    parser.add_argument("-t", type=float, default=8, help="seconds of each measurement")
    parser.add_argument("-r", type=int, default=3, help="rounds")
    return 0 if asyncio.run(rounds(parser.parse_args())) else 1


if __name__ == "__main__":
    raise SystemExit(main())
