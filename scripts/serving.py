"""The commands ``serve`` and ``dev``: from options to settings, and what is said when the server runs."""

from __future__ import annotations

import secrets
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from config.loader import Loaded
from config.settings import Settings
from scripts import certificate, checks, logs
from scripts.console import show_link, show_notes, show_welcome
from scripts.failures import CommandError, ExitCode
from scripts.loading import Given, bad_settings, load_settings
from scripts.sockets import ANY, is_loopback
from signaling.errors import RoomError
from signaling.invites import create_invite

if TYPE_CHECKING:
    from scripts.app import PlenumServer
    from scripts.supervisor import Supervisor

DEV_INVITE_LIFETIME_S = 7 * 86_400
_WILDCARDS = (ANY, "0.0.0.0", "::")


def serve(config: Path | None, host: str | None, command_line: Given, shards: str = "1") -> ExitCode:
    """Run until a signal comes. Raises ``CommandError``."""
    loaded = load_settings(config, command_line)
    settings = with_media_on_loopback(loaded, host)
    if problems := checks.problems(settings):
        raise bad_settings(problems)
    logs.configure(settings.logging)
    if shards != "1":
        from scripts import supervisor

        return supervisor.run(settings, supervisor.shard_count(shards), _say_supervising)
    from scripts.app import run

    return run(settings, _say_serving)


def dev(room: str, config: Path | None, tls: bool, command_line: Given) -> ExitCode:
    """Run with a secret of its own and print a link. Raises ``CommandError``."""
    loaded = load_settings(config, command_line)
    settings = loaded.settings
    secret = settings.auth.secret or SecretStr(secrets.token_urlsafe(32))
    host = settings.http.host if loaded.is_set("http.host") else (ANY if tls else "localhost")
    http = settings.http.model_copy(update={"host": host})
    notes = ["Ctrl+C stops it. Nothing is kept: rooms and the link end with it."]
    if tls:
        files = certificate.ensure(certificate.default_directory())
        http = http.model_copy(update={"tls": True, "tls_certificate": files.certificate, "tls_key": files.key})
        notes.append('The certificate is self-signed: the browser warns once, go on by its "Advanced" button.')
        notes.append(f"Its SHA-256 fingerprint: {files.fingerprint}")
    auth = settings.auth.model_copy(update={"secret": secret})
    level = settings.logging.level if loaded.is_set("logging.level") else "warning"
    settings = settings.model_copy(
        update={"auth": auth, "http": http, "logging": settings.logging.model_copy(update={"level": level})}
    )
    if problems := checks.problems(settings):
        raise bad_settings(problems)
    fragment = f"?room={room}#invite={_invite(secret, room)}"
    logs.configure(settings.logging)
    from scripts.app import run

    return run(settings, lambda server: _say_dev(server, fragment, notes))


def with_media_on_loopback(loaded: Loaded, host: str | None) -> Settings:
    """With ``--host 127.0.0.1`` media stays on this machine too, unless its addresses were set."""
    settings = loaded.settings
    chosen = loaded.is_set("media.hosts") or loaded.is_set("media.announced_addresses")
    if host is None or chosen or not is_loopback(host):
        return settings
    hosts = ["127.0.0.1", "::1"] if host == "localhost" else [host]
    return settings.model_copy(update={"media": settings.media.model_copy(update={"hosts": hosts})})


def _invite(secret: SecretStr, room: str) -> str:
    try:
        return create_invite(secret.get_secret_value(), room_id=room, expires_at=time.time() + DEV_INVITE_LIFETIME_S)
    except RoomError as error:
        raise CommandError(f"--room: {error}", code=ExitCode.USAGE) from error


def _say_serving(server: PlenumServer) -> None:
    if sys.stdout.isatty():
        host = server.settings.http.host
        show_welcome("Plenum is running", _rows(server, socket.gethostname() if host in _WILDCARDS else host))


def _say_supervising(supervisor: Supervisor) -> None:
    if sys.stdout.isatty():
        host = supervisor.settings.http.host
        base = _base(supervisor, socket.gethostname() if host in _WILDCARDS else host)
        ports = ", ".join(str(child.ready["media_port"]) for child in supervisor.children)
        rows = [("server", f"{base}/"), ("shards", str(len(supervisor.children))), ("media", f"UDP {ports}")]
        show_welcome("Plenum is running", [*rows, ("API", f"{base}/docs")])


def _say_dev(server: PlenumServer, fragment: str, notes: list[str]) -> None:
    host = server.settings.http.host
    own = "localhost" if host in _WILDCARDS else host
    show_welcome("Plenum is running", _rows(server, own))
    show_link("Join the call here, in two windows or more:", f"{_base(server, own)}/{fragment}")
    if host in _WILDCARDS and (others := _lan_addresses()):
        show_link("From another device:", f"{_base(server, others[0])}/{fragment}")
    show_notes(notes)
    sys.stdout.flush()


def _rows(server: PlenumServer, host: str) -> list[tuple[str, str]]:
    base = _base(server, host)
    media = f"UDP {server.media_port}"
    if server.media_tcp_port is not None:
        media += f", TCP {server.media_tcp_port}"
    return [("server", f"{base}/"), ("media", media), ("API", f"{base}/docs")]


def _base(server: PlenumServer | Supervisor, host: str) -> str:
    scheme = "https" if server.settings.http.tls else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.http_port}"


def _lan_addresses() -> list[str]:
    """Addresses for other devices, IPv4 first."""
    return [str(address) for address in certificate.own_addresses() if not address.is_loopback]
