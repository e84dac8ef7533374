"""``plenum loadtest``: many WebRTC clients against a service that runs."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import typer
import uvloop
from rich.table import Table
from rich.text import Text

from scripts import checks
from scripts.console import out, progress_bar, working
from scripts.failures import CommandError, ExitCode
from scripts.load.clip import make_clip
from scripts.load.figures import Outcome, Spread
from scripts.load.running import Plan, Progress, run
from scripts.loading import bad_settings, load_settings
from signaling.invites import create_token

SIZES = {"180p": (320, 180, 15), "360p": (640, 360, 30), "720p": (1280, 720, 30)}


def loadtest(
    config: Path | None,
    url: str,
    *,
    rooms: int,
    publishers: int,
    receivers: int,
    seconds: float,
    joins_per_s: float,
    size: str,
    video_kbps: int,
    insecure: bool,
    as_json: bool,
) -> ExitCode:
    """Run it and print what the clients found; FINDINGS if not all came through."""
    auth = load_settings(config).settings.auth
    if auth.secret is None:
        raise bad_settings([f"auth.secret is not set; it must be that of the service. {checks.MAKE_SECRET}"])
    if not url.startswith(("http://", "https://")):
        raise CommandError(f"{url} is no address", "Such as https://meet.example.org", ExitCode.USAGE)
    secret, expires_at = auth.secret.get_secret_value(), time.time() + seconds + 600
    width, height, frames_per_s = SIZES[size]
    with working("Encoding what the clients send …"):
        clip = make_clip(width, height, frames_per_s, video_kbps * 1000)
    plan = Plan(url, rooms, publishers, receivers, seconds, joins_per_s, clip, tls=_tls(url, insecure))

    def mint(user: str, room: str) -> str:
        return create_token(secret, username=user, expires_at=expires_at, room_id=room)

    with progress_bar() as bar:
        task = bar.add_task("Joining", total=plan.participants)

        def progress(phase: str, done: float, total: float) -> None:
            bar.update(task, description=phase.capitalize(), completed=done, total=total)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_until_interrupted(plan, mint, progress))
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        out.print(table_of(found))
    if not found.joined:
        raise CommandError(f"nobody could join at {url}", next(iter(found.trouble), ""))
    return ExitCode.OK if found.is_good else ExitCode.FINDINGS


async def _until_interrupted(plan: Plan, mint: Callable[[str, str], str], progress: Progress) -> Outcome:
    """Ctrl-C ends the measurement, not the report."""
    enough = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, enough.set)
    return await run(plan, mint, progress, enough=enough)


def table_of(found: Outcome) -> Table:
    """The outcome for people."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column()
    heard = found.expected_tracks - found.silent_tracks
    for name, value in (
        ("participants", f"{found.joined} of {found.participants} joined"),
        ("joined after", _spread(found.join_s, "s")),
        ("first media after", _spread(found.first_packet_s, "s")),
        ("tracks received", f"{heard} of {found.expected_tracks}"),
        ("received", f"{found.packets_per_s:,.0f} packets/s, {found.megabits_per_s:,.1f} Mbit/s"),
        ("pictures", f"{found.frames_per_s:,.0f} frames/s"),
        ("delay, sender to receiver", _spread(found.delay_ms, "ms")),
        ("loss", f"{found.loss:.3%}"),
        ("asked of senders", f"{found.resent} resends, {found.key_frames} key frames"),
    ):
        table.add_row(name, value)
    for text, count in found.trouble.items():
        table.add_row(Text(f"trouble of {count}", style="bold red"), Text(text))
    return table


def _spread(values: Spread, unit: str) -> str:
    if values.p50 is None:
        return "not measured"
    return f"{values.p50:g} {unit} median, {values.p95:g} {unit} for 95 %, {values.worst:g} {unit} at worst"


def _tls(url: str, insecure: bool) -> ssl.SSLContext | None:
    if not url.startswith("https"):
        return None
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
