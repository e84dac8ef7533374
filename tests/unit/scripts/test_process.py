"""``plenum serve`` and ``plenum dev`` as processes: start, link, signals, exit codes, and a log without secrets."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

import httpx
import jwt
import pytest
import websockets.sync.client
from websockets.exceptions import WebSocketException

ROOT = Path(__file__).resolve().parents[3]
SECRET = "a-secret-of-more-than-thirty-two-bytes"
PLENUM = (sys.executable, "-c", "from scripts.cli import main; main()")
START_LIMIT_S = 2.0
"""What is promised of an idle machine. Processor time is compared, which other programs of a busy one do not add to."""


class Process:
    """A ``plenum`` process, its output in files."""

    def __init__(self, directory: Path, *arguments: str, secret: str | None = SECRET) -> None:
        self.log = directory / "stderr.txt"
        self.out = directory / "stdout.txt"
        self.port = free_port()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("PLENUM_")}
        environ |= {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(directory), "PYTHONUNBUFFERED": "1"}
        if secret:
            environ["PLENUM_AUTH__SECRET"] = secret
        ports = ("--port", str(self.port), "--media-port", "0")
        with self.log.open("wb") as log, self.out.open("wb") as out:
            self.child = subprocess.Popen(
                (*PLENUM, arguments[0], *ports, *arguments[1:]), cwd=directory, env=environ, stdout=out, stderr=log
            )

    def processor_s(self) -> float:
        """Processor time that it has used, in user mode and in the kernel."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_listening(self) -> None:
        """Return when it accepts connections."""
        begun = time.monotonic()
        while time.monotonic() - begun < 30:
            assert self.child.poll() is None, self.log.read_text()
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError(f"not listening: {self.log.read_text()}")

    def said(self) -> str:
        return self.out.read_text() + self.log.read_text()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def running(directory: Path, *arguments: str, secret: str | None = SECRET) -> Iterator[Process]:
    process = Process(directory, *arguments, secret=secret)
    try:
        yield process
    finally:
        process.child.kill()
        process.child.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_starts_fast_and_a_signal_ends_it_well(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, "serve", "--host", "127.0.0.1") as process:
        process.wait_until_listening()
        assert process.processor_s() < START_LIMIT_S
        assert httpx.get(f"http://127.0.0.1:{process.port}/webrtc/health").status_code == 200
        process.child.send_signal(number)
        assert process.child.wait(20) == 0, process.log.read_text()
        assert "Traceback" not in process.said()


def test_a_signal_while_it_starts_ends_it_too(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--host", "127.0.0.1") as process:
        time.sleep(0.1)
        process.child.terminate()
        assert process.child.wait(20) in (0, -signal.SIGTERM), "before there is a handler, the signal itself ends it"
        assert "Traceback" not in process.said()


def test_an_open_session_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    token = jwt.encode({"sub": "alice", "exp": time.time() + 60}, SECRET, algorithm="HS256")
    with running(tmp_path, "serve", "--host", "127.0.0.1", "--log-level", "debug") as process:
        process.wait_until_listening()
        url = f"ws://127.0.0.1:{process.port}/webrtc/ws/demo?token={token}"
        with websockets.sync.client.connect(url) as session:
            assert '"room-state"' in str(session.recv(5))
            process.child.terminate()
            with suppress(WebSocketException):
                for _ in session:
                    pass
            assert process.child.wait(20) == 0, process.log.read_text()
        assert token not in process.said()
        assert "Traceback" not in process.said()


@pytest.mark.parametrize("path", ["/webrtc/ws/demo?token={}", "/webrtc/whip/demo?token={}", "/?token={}"])
def test_no_request_puts_a_token_into_the_log(tmp_path: Path, path: str) -> None:
    marker = "s3cr3t-t0k3n"
    with running(tmp_path, "serve", "--host", "127.0.0.1", "--log-level", "debug") as process:
        process.wait_until_listening()
        httpx.get(f"http://127.0.0.1:{process.port}" + path.format(marker))
        with (
            suppress(WebSocketException, TimeoutError),
            websockets.sync.client.connect(f"ws://127.0.0.1:{process.port}" + path.format(marker)) as session,
        ):
            session.recv(1)
        process.child.terminate()
        process.child.wait(20)
        assert marker not in process.said()


def test_taken_port_is_told_without_a_traceback(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with running(tmp_path, "serve", "--host", "127.0.0.1", "--port", str(port)) as process:
            assert process.child.wait(20) == 69
            assert f"{port} is in use" in process.said()
            assert "Traceback" not in process.said()


def test_dev_needs_nothing_and_its_link_opens_the_room(tmp_path: Path) -> None:
    with running(tmp_path, "dev", "--room", "team", secret=None) as process:
        process.wait_until_listening()
        link = wait_for_link(process)
        assert link.scheme == "http"
        assert parse_qs(link.query) == {"room": ["team"]}
        invite = parse_qs(link.fragment)["invite"][0]
        base = f"http://127.0.0.1:{process.port}"
        answer = httpx.post(f"{base}/webrtc/invites/accept", json={"invite": invite, "display_name": "Ada"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["room_id"] == "team"
        process.child.send_signal(signal.SIGINT)
        assert process.child.wait(20) == 0, process.log.read_text()


def test_dev_with_tls(tmp_path: Path) -> None:
    with running(tmp_path, "dev", "--tls", secret=None) as process:
        process.wait_until_listening()
        assert wait_for_link(process).scheme == "https"
        base = f"https://127.0.0.1:{process.port}"
        assert httpx.get(f"{base}/webrtc/health", verify=False).status_code == 200
        assert re.search(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", process.said()), "the fingerprint is printed"


def wait_for_link(process: Process) -> SplitResult:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := re.search(r"https?://\S+#invite=\S+", process.out.read_text()):
            return urlsplit(found[0])
        time.sleep(0.02)
    raise AssertionError(process.said())
