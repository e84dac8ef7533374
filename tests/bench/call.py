"""Three Chromium participants with camera and microphone for a minute: what each pair gets.

    python -m tests.bench.call [--seconds 60] [--settle 20] [--loss 0.05] [--delay-ms 40] [--page]

With loss or delay every participant is behind the impairment relay, both ways. With --page all use the conference page,
which adapts its playout to the path; without it a bare client of the protocol. Buffers settle first: browsers let a
picture wait until it is in step with its sound, which takes them some fifteen seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.chromium import Chromium, Tab
from tests.support.page import RoomPage
from tests.support.participant import Participant, eventually, sample_while
from tests.support.quality import by_publication, frames_sent, judge_audio, judge_video
from tests.support.relay import Impairment, UdpRelay
from tests.support.server import PlenumServer

NAMES = ("ada", "bela", "carl")


async def meet(chromium: Chromium, server: PlenumServer, relay: UdpRelay | None) -> list[Participant]:
    """All in one room, all publishing, all receiving."""
    everybody = []
    for index, name in enumerate(NAMES):
        one = await Participant.open(chromium, server, "call", name, setup=relay.page_setup if relay else None)
        await one.publish("camera")
        await one.publish("microphone", toneHz=440 + 220 * index)
        everybody.append(one)
    for one in everybody:

        async def complete(one: Participant = one) -> bool:
            return len(await one.received()) == 2 * (len(NAMES) - 1)

        await eventually(complete)
    return everybody


async def meet_on_the_page(chromium: Chromium, server: PlenumServer, relay: UdpRelay | None) -> list[RoomPage]:
    """All in one room through the conference page."""
    everybody = []
    for name in NAMES:
        one = await RoomPage.open(chromium, server, "call", name, setup=relay.page_setup if relay else None)
        await one.join()
        everybody.append(one)
    for one in everybody:
        await eventually(lambda one=one: all_move(one))
    return everybody


async def all_move(one: RoomPage) -> bool:
    return await one.pictures() == len(NAMES)


def publishers(samples: list[dict[str, Any]]) -> dict[str, str]:
    """Whose each publication is: its id → the username."""
    entries = (entry["publication"] for sample in samples for entry in sample["inbound"] if entry["publication"])
    return {entry["publication_id"]: entry["user_id"] for entry in entries}


async def report(tabs: Mapping[str, Tab], server: PlenumServer, seconds: float) -> None:
    cpu = server.cpu_s()
    taken = dict(zip(tabs, await sample_while(list(tabs.values()), seconds), strict=True))
    cpu = server.cpu_s() - cpu
    owners = publishers([sample for samples in taken.values() for sample in samples])
    print("pair            frames of sent   frozen  longest freeze  buffer growth   audio energy  concealed")
    for receiver, samples in taken.items():
        audios = {owners[key]: judge_audio(entries) for key, entries in by_publication(samples, "audio").items()}
        for key, entries in by_publication(samples, "video").items():
            sender, video = owners[key], judge_video(entries)
            audio = audios[sender]
            (sent,) = (frames_sent(taken[name]) for name in taken if sender.startswith(name))
            print(
                f"{sender[:5]:>5} → {receiver:<5}   {video.frames / max(1, sent):10.1%}   {video.frozen_share:9.2%}"
                f"  {video.longest_freeze_ms:8.0f} ms     {video.buffer_growth_ms:8.1f} ms    {audio.energy:9.3f}"
                f"   {audio.concealed_share:9.2%}"
            )
    print(f"server: {cpu / seconds:.1%} of a core, {server.rss_bytes() / 1e6:.0f} MB")


async def measure(seconds: float, settle_s: float, path: Impairment, page: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with PlenumServer(directory) as server, Chromium(directory) as chromium:
            async with UdpRelay(("127.0.0.1", server.media_port)) as relay:
                gather = meet_on_the_page if page else meet
                everybody = await gather(chromium, server, relay if path != Impairment() else None)
                relay.set_both(path)
                await asyncio.sleep(settle_s)
                await report({name: one.tab for name, one in zip(NAMES, everybody, strict=True)}, server, seconds)
                for one in everybody:
                    await one.tab.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--settle", type=float, default=20, help="seconds before")
    parser.add_argument("--page", action="store_true", help="use the conference page")
    parser.add_argument("--loss", type=float, default=0.0, help="share, 0 to 1")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    arguments = parser.parse_args()
    path = Impairment(loss=arguments.loss, delay_ms=arguments.delay_ms)
    asyncio.run(measure(arguments.seconds, arguments.settle, path, arguments.page))


if __name__ == "__main__":
    main()
