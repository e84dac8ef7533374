"""``plenum bench``: what one core forwards here. A server of its own, one publisher, and more and more receivers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import typer
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from scripts.console import out, progress_bar, working
from scripts.failures import CommandError, ExitCode
from scripts.load.clip import Clip, make_clip
from scripts.load.figures import Spread
from scripts.load.running import Plan, run
from signaling.invites import create_token

START_TIMEOUT_S, STOP_TIMEOUT_S = 30.0, 10.0
VIDEO_BPS = 1_000_000
BUSY, LOSSY = 0.9, 0.001
ROOM = "bench"
_NOTE = (
    "[dim]The clients take processor time beside the server: with two cores or less the delays are those of a machine "
    "that is short of it. µs/packet holds the kernel's part.[/]"
)


@dataclass(frozen=True)
class Step:
    """One number of receivers. ``core``: share of a core that the server used; ``clean``: it kept up."""

    receivers: int
    packets_per_s: float
    core: float
    packet_us: float
    delay_ms: Spread
    loss: float
    clean: bool


@dataclass(frozen=True)
class Counts:
    """What the server tells of itself."""

    at: float
    cpu_s: float
    packets: float


def bench(receivers: list[int], seconds: float, as_json: bool) -> ExitCode:
    """Run it and print the steps, and what a whole core would do."""
    with working("Encoding what is sent …"):
        clip = make_clip(640, 360, 30, VIDEO_BPS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        steps = runner.run(_steps(clip, receivers, seconds))
    busiest = max(steps, key=lambda step: step.core)
    told = {
        "steps": [asdict(step) for step in steps],
        "packets_per_s_per_core": round(1e6 / busiest.packet_us) if busiest.packet_us else None,
        "largest_clean": max((step.receivers for step in steps if step.clean), default=0),
        "cores": os.cpu_count(),
        "video_bps": round(clip.video_bps),
    }
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        _print(steps, told)
    return ExitCode.OK if told["largest_clean"] else ExitCode.FINDINGS


async def _steps(clip: Clip, receivers: list[int], seconds: float) -> list[Step]:
    secret = secrets.token_urlsafe(32)
    steps: list[Step] = []

    def mint(user: str, room: str) -> str:
        return create_token(secret, username=user, room_id=room, expires_at=time.time() + 3_600)

    async with _server(secret, max(receivers)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        with progress_bar() as bar:
            task = bar.add_task("", total=seconds)

            def progress(count: int) -> Callable[[str, float, float], None]:
                def tell(phase: str, done: float, total: float) -> None:
                    bar.update(task, description=f"{count} receivers, {phase}", completed=done, total=total)

                return tell

            for count in receivers:
                marks: list[Counts] = []

                async def note(marks: list[Counts] = marks) -> None:
                    marks.append(await _counts(http))

                plan = Plan(
                    url=url,
                    rooms=1,
                    publishers=1,
                    receivers=count,
                    seconds=seconds,
                    joins_per_s=100.0,
                    clip=clip,
                    prefix=f"{ROOM}{count}",
                )
                found = await run(plan, mint, progress(count), note)
                begin, end = marks
                passed, packets = end.at - begin.at, end.packets - begin.packets
                core = (end.cpu_s - begin.cpu_s) / passed
                step = Step(
                    receivers=count,
                    packets_per_s=round(packets / passed),
                    core=round(core, 3),
                    packet_us=round(core * passed * 1e6 / packets, 2) if packets else 0.0,
                    delay_ms=found.delay_ms,
                    loss=found.loss,
                    clean=not found.trouble and not found.silent_tracks and found.loss <= LOSSY,
                )
                steps.append(step)
                if step.core > BUSY or not step.clean:
                    break
    return steps


async def _counts(http: httpx.AsyncClient) -> Counts:
    text = (await http.get("/webrtc/metrics")).text
    cpu_s = packets = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "plenum_process_cpu_seconds_total":
                cpu_s = sample.value
            elif sample.name == "plenum_media_packets_total" and sample.labels["direction"] == "sent":
                packets = sample.value
    return Counts(time.monotonic(), cpu_s, packets)


@contextlib.asynccontextmanager
async def _server(secret: str, receivers: int) -> AsyncIterator[str]:
    """A server with nothing but defaults, on loopback; its log is shown if it does not start."""
    with tempfile.TemporaryDirectory(prefix="plenum-bench-") as name:
        port, media_port = _free_port(socket.SOCK_STREAM), _free_port(socket.SOCK_DGRAM)
        log = Path(name) / "log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PLENUM_")}
        environment |= {
            "PLENUM_AUTH__SECRET": secret,
            "PLENUM_LOGGING__LEVEL": "warning",
            "PLENUM_ROOMS__SETTINGS__MAX_PARTICIPANTS": str(receivers + 10),
            "PLENUM_RECORDING__ENABLED": "false",
            "PLENUM_LIVE__ENABLED": "false",
        }
        command = [sys.executable, "-c", "from scripts.cli import main; main()", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--media-port", str(media_port)]
        process = _launch(command, environment, log)
        try:
            url = f"http://127.0.0.1:{port}"
            await _wait_for(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _launch(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, cwd=log.parent
        )


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-1_000:]


async def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{url}/webrtc/health", timeout=2)).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise CommandError(f"the server to measure does not start:\n{_tail(log)}")


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _print(steps: list[Step], told: Mapping[str, object]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("receivers", "packets/s", "of a core", "µs/packet", "delay ms: median", "95 %", "loss"):
        table.add_column(title, justify="right")
    for step in steps:
        table.add_row(
            *(str(step.receivers), f"{step.packets_per_s:,.0f}", f"{step.core:.0%}", f"{step.packet_us:.1f}"),
            *("–" if value is None else f"{value:.1f}" for value in (step.delay_ms.p50, step.delay_ms.p95)),
            f"{step.loss:.2%}",
        )
    out.print(table)
    out.print(f"\nOne core here forwards about {told['packets_per_s_per_core']:,} packets/s.")
    out.print(_NOTE, soft_wrap=True)
