"""The command ``plenum``. What a command needs is imported when it runs, so that ``plenum --help`` is quick."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.durations import parse_duration_s
from scripts.failures import CommandError, ExitCode
from scripts.ops.commands import participants_app, rooms_app, shards_app
from scripts.ops.output_commands import recordings_app, streams_app
from scripts.stopping import own_process

app = typer.Typer(
    name="plenum",
    help="Plenum: WebRTC conferences and broadcasts, media through its own SFU.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at and check the settings.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(shards_app, name="shards")
app.add_typer(rooms_app, name="rooms")
app.add_typer(participants_app, name="participants")
app.add_typer(recordings_app, name="recordings")
app.add_typer(streams_app, name="streams")


class LogLevel(StrEnum):
    """Least level of the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class RoleName(StrEnum):
    """Roles that a token may give."""

    HOST = "host"
    MODERATOR = "moderator"
    PARTICIPANT = "participant"
    GUEST = "guest"


class VideoSize(StrEnum):
    """Pictures that a load test sends."""

    P180 = "180p"
    P360 = "360p"
    P720 = "720p"


def _seconds(text: str) -> int:
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--ttl") from error


ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file (TOML). Default: PLENUM_CONFIG, else plenum.toml.")
]
Host = Annotated[
    str | None,
    typer.Option(help="Address to listen on; * is all. A loopback address is used for media too."),
]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="HTTP port. Default: 8080.")]
MediaPort = Annotated[int | None, typer.Option(min=0, max=65535, help="UDP and TCP port of all media.")]
Announce = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="Address that browsers send media to; may be repeated.")
]
Level = Annotated[LogLevel | None, typer.Option("--log-level", help="Least level of the log.")]
Lifetime = Annotated[str, typer.Option("--ttl", metavar="TIME", help="How long it is good: 90, 30m, 12h, 7d.")]
Room = Annotated[str, typer.Option(help="Name of the room.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"plenum {version('plenum')}")
        raise typer.Exit


@app.callback()
def _main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Plenum: WebRTC conferences and broadcasts, media through its own SFU."""


@app.command()
def serve(
    config: ConfigFile = None,
    host: Host = None,
    port: Port = None,
    media_port: MediaPort = None,
    announce: Announce = None,
    redis_url: Annotated[str | None, typer.Option(help="Redis server. Default: an embedded one.")] = None,
    tls: Annotated[bool | None, typer.Option("--tls/--no-tls", help="Serve HTTPS.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM). Switches TLS on.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key (PEM).")] = None,
    shards: Annotated[
        str, typer.Option(metavar="N", help="Shards of this machine behind the one port; auto: one a core.")
    ] = "1",
    log_level: Level = None,
) -> None:
    """Run the server with your settings. Needs at least [bold]PLENUM_AUTH__SECRET[/]."""
    from scripts.serving import serve as run

    raise typer.Exit(
        run(
            config,
            host,
            {
                "http.host": ("--host", host),
                "http.port": ("--port", port),
                "http.tls": ("--tls", True if tls is None and tls_cert else tls),
                "http.tls_certificate": ("--tls-cert", tls_cert),
                "http.tls_key": ("--tls-key", tls_key),
                "media.port": ("--media-port", media_port),
                "media.announced_addresses": ("--announce", announce or None),
                "redis.url": ("--redis-url", redis_url),
                "logging.level": ("--log-level", log_level and log_level.value),
            },
            shards,
        )
    )


@app.command()
def dev(
    room: Room = "demo",
    config: ConfigFile = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. Default: localhost; with --tls all addresses.")
    ] = None,
    port: Port = None,
    media_port: MediaPort = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="HTTPS with a generated certificate: other devices get a camera too.")
    ] = False,
    log_level: Level = None,
) -> None:
    """Try it out: nothing to configure, prints a link to click."""
    from scripts.serving import dev as run

    raise typer.Exit(
        run(
            room,
            config,
            tls,
            {
                "http.host": ("--host", host),
                "http.port": ("--port", port),
                "media.port": ("--media-port", media_port),
                "logging.level": ("--log-level", log_level and log_level.value),
            },
        )
    )


@app.command()
def token(
    user: Annotated[str, typer.Option(help="Username; the only identity of a participant.")],
    room: Annotated[str | None, typer.Option(help="The only room it opens. Default: any.")] = None,
    name: Annotated[str | None, typer.Option(help="Name that others see.")] = None,
    role: Annotated[RoleName | None, typer.Option(help="Role in the room.")] = None,
    permission: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Permission to give; no-NAME takes it. May be repeated.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Lets in to the admin page at /admin.")] = False,
    ttl: Lifetime = "1h",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print a participant's token (JWT), signed with the secret of the settings."""
    from scripts.ops.show import say
    from scripts.tokens import participant_token

    made = participant_token(config, user, room, name, role and role.value, permission or [], _seconds(ttl), admin)
    say(made, as_json, token=made, username=user, room_id=room, expires_in_s=_seconds(ttl))


@app.command()
def invite(
    room: Room,
    ttl: Lifetime = "1d",
    role: Annotated[RoleName | None, typer.Option(help="Role of those who come by it.")] = None,
    url: Annotated[str, typer.Option(help="Where the server is reached.")] = "http://localhost:8080",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print a link that lets anybody who has it into a room, under a name of their own."""
    from scripts.ops.show import say
    from scripts.tokens import invite_link

    link = invite_link(config, room, role and role.value, _seconds(ttl), url)
    say(link, as_json, url=link, room_id=room, expires_in_s=_seconds(ttl))


@app.command()
def doctor(
    config: ConfigFile = None,
    name: Annotated[
        str | None, typer.Option(metavar="HOST", help="Name that browsers open; the certificate is held to it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check ports, addresses, TURN, certificate, Redis, clock and kernel; say which line to change."""
    from scripts.doctor.command import doctor as run

    raise typer.Exit(run(config, name, as_json))


@app.command()
def top(
    config: ConfigFile = None,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between pictures.")] = 2.0,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many pictures. Default: go on.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Watch the service: shards, rooms, participants, packets, delays and loss. Ctrl-C ends it."""
    from scripts.ops.top import top as run

    run(config, every, count, as_json)


@app.command()
def loadtest(
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the service, such as https://meet.example.org.")],
    rooms: Annotated[int, typer.Option(min=1, help="How many rooms.")] = 1,
    publishers: Annotated[int, typer.Option(min=1, help="In each: who sends and receives.")] = 3,
    receivers: Annotated[int, typer.Option(min=0, help="In each: who only receives.")] = 0,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure once all are there.")] = 30.0,
    joins_per_s: Annotated[float, typer.Option(min=0.1, help="How quickly they come.")] = 10.0,
    size: Annotated[VideoSize, typer.Option(help="Of the pictures that are sent.")] = VideoSize.P360,
    video_kbps: Annotated[int, typer.Option(min=0, help="Of each publisher; 0: sound only.")] = 500,
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any certificate of the service.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Send real WebRTC clients into a running service. Needs its auth.secret. Ctrl-C ends it early."""
    from scripts.load.command import loadtest as run

    raise typer.Exit(
        run(
            config,
            url,
            rooms=rooms,
            publishers=publishers,
            receivers=receivers,
            seconds=seconds,
            joins_per_s=joins_per_s,
            size=size.value,
            video_kbps=video_kbps,
            insecure=insecure,
            as_json=as_json,
        )
    )


@app.command()
def bench(
    receivers: Annotated[
        list[int] | None,
        typer.Option("--receivers", "-n", min=1, help="How many; may be repeated. Default: 10, 30, 60."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long each step is measured.")] = 4.0,
    as_json: AsJson = False,
) -> None:
    """Measure what one core forwards here, with a server of its own: about half a minute."""
    from scripts.load.bench import bench as run

    raise typer.Exit(run(sorted(receivers or (10, 30, 60)), seconds, as_json))


@app.command()
def backgrounds(as_json: AsJson = False) -> None:
    """Install the model for virtual backgrounds (250 kB, out of a wheel of 36 MB); participants' browsers run it."""
    from scripts.backgrounds import install

    install(as_json=as_json)


@config_app.command("check")
def config_check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say whether `plenum serve` would start with these settings, and if not, why."""
    from scripts.inspection import check

    check(config, as_json)


@config_app.command("print")
def config_print(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print the settings in force, secrets left out."""
    from scripts.inspection import print_settings

    print_settings(config, as_json)


@config_app.command("example")
def config_example() -> None:
    """Print an annotated file with every setting."""
    from config.toml import example

    typer.echo(example(), nl=False)


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the command; ends the process with one of ``ExitCode``."""
    if arguments is None:
        own_process()
    try:
        app(arguments, prog_name="plenum")
    except CommandError as error:
        from scripts.console import show_error

        show_error(error)
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
