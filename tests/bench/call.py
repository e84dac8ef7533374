"""Three Chromium participants with camera and microphone for a minute: what each pair gets.

    python -m tests.bench.call [--seconds 60] [--loss 0.05] [--delay-ms 40]

With loss or delay every participant is behind the impairment relay, both ways.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.support.chromium import Chromium
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


async def report(everybody: list[Participant], server: PlenumServer, seconds: float) -> None:
    cpu = server.cpu_s()
    taken = await sample_while([one.tab for one in everybody], seconds)
    cpu = server.cpu_s() - cpu
    sent = {one.username: frames_sent(samples) for one, samples in zip(everybody, taken, strict=True)}
    print("pair            frames of sent   frozen  longest freeze  buffer growth   audio energy  concealed")
    for one, samples in zip(everybody, taken, strict=True):
        names = {publication["id"]: publication["userId"] for publication in await one.received()}
        audios = {names[key]: judge_audio(entries) for key, entries in by_publication(samples, "audio").items()}
        for key, entries in by_publication(samples, "video").items():
            sender, video = names[key], judge_video(entries)
            audio = audios[sender]
            share = video.frames / max(1, sent[sender])
            print(
                f"{sender:>5} → {one.username:<5}   {share:10.1%}   {video.frozen_share:9.2%}"
                f"  {video.longest_freeze_ms:8.0f} ms     {video.buffer_growth_ms:8.1f} ms    {audio.energy:9.3f}"
                f"   {audio.concealed_share:9.2%}"
            )
    print(f"server: {cpu / seconds:.1%} of a core, {server.rss_bytes() / 1e6:.0f} MB")


async def measure(seconds: float, path: Impairment) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with PlenumServer(directory) as server, Chromium(directory) as chromium:
            async with UdpRelay(("127.0.0.1", server.media_port)) as relay:
                everybody = await meet(chromium, server, relay if path != Impairment() else None)
                relay.set_both(path)
                await asyncio.sleep(5)
                await report(everybody, server, seconds)
                for one in everybody:
                    await one.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--loss", type=float, default=0.0, help="share, 0 to 1")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.seconds, Impairment(loss=arguments.loss, delay_ms=arguments.delay_ms)))


if __name__ == "__main__":
    main()
