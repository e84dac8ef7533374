"""nginx in front, as deploy/nginx has it: it takes the file, and a call goes through it, without a token in its log."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from scripts.certificate import ensure
from tests.integration.signaling.peer import Peer
from tests.support.ports import free_tcp_port
from tests.support.server import ROOT, PlenumServer

NGINX = "/usr/sbin/nginx"
CONFIGURATION = ROOT / "deploy" / "nginx" / "plenum.conf"


class Nginx:
    """The file of deploy/nginx with other ports, paths and certificate, in a server that needs no rights."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        self.folder = folder
        self.port, self.plain_port = free_tcp_port(), free_tcp_port()
        self.log = folder / "access.log"
        files = ensure(folder)
        text = CONFIGURATION.read_text()
        for old, new in (
            ("127.0.0.1:8080", f"127.0.0.1:{upstream_port}"),
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("    listen [::]:443 ssl http2;\n", ""),
            ("    listen [::]:80;\n", ""),
            ("/var/log/nginx/plenum.log", str(self.log)),
            ("/etc/letsencrypt/live/meet.example.org/fullchain.pem", str(files.certificate)),
            ("/etc/letsencrypt/live/meet.example.org/privkey.pem", str(files.key)),
        ):
            assert old in text, f"{old} is not in the file any more"
            text = text.replace(old, new)
        (folder / "plenum.conf").write_text(text)
        temporary = "".join(
            f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.main = folder / "nginx.conf"
        self.main.write_text(
            f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log warn;\n"
            f"events {{}}\nhttp {{\n{temporary}    include {folder}/plenum.conf;\n}}\n"
        )
        self.process: asyncio.subprocess.Process | None = None

    def test(self) -> subprocess.CompletedProcess[str]:
        command = [NGINX, "-t", "-p", str(self.folder), "-c", str(self.main)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    async def __aenter__(self) -> Nginx:
        self.process = await asyncio.create_subprocess_exec(NGINX, "-p", str(self.folder), "-c", str(self.main))
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return self
        raise AssertionError("nginx does not start")

    async def __aexit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        await asyncio.wait_for(self.process.wait(), 10)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PlenumServer]:
    async with PlenumServer(tmp_path) as server:
        yield server


def test_nginx_is_there() -> None:
    assert shutil.which(NGINX), "scripts/dev/system.sh installs it"


async def test_a_call_through_nginx(server: PlenumServer, tmp_path: Path) -> None:
    folder = tmp_path / "nginx"
    folder.mkdir()
    nginx = Nginx(folder, server.port)
    checked = nginx.test()
    assert checked.returncode == 0 and "successful" in checked.stderr, checked.stderr
    trusting = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    token = server.token("ada")
    host = f"localhost:{nginx.port}"
    async with nginx, httpx.AsyncClient(verify=trusting, base_url=f"https://{host}") as http:
        async with connect(f"wss://{host}/webrtc/ws/demo?token={token}", ssl=trusting, proxy=None) as socket:
            state = json.loads(await socket.recv())
            assert state["type"] == "room-state" and state["payload"]["user_id"] == "ada"
            await socket.send(json.dumps({"type": "chat-message", "payload": {"message": "hello"}, "id": "1"}))
            told = json.loads(await socket.recv())
            assert told["type"] == "chat-message"
            # A publisher by WHIP beside it: the signaling through nginx, the media straight to the server.
            peer = Peer.create(server.media_port)
            offer = peer.offer(direction="sendonly", kinds=("audio",))
            encoder = server.token("encoder")
            headers = {"Authorization": f"Bearer {encoder}", "Content-Type": "application/sdp"}
            answer = await http.post("/webrtc/whip/demo", content=offer, headers=headers)
            assert answer.status_code == 201, answer.text
            assert answer.headers["location"].startswith("/webrtc/whip/demo/")
            peer.learn(answer.text)
            await peer.connect()
            joined = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert joined["type"] == "user-joined" and joined["payload"]["username"] == "encoder"
            ended = await http.delete(answer.headers["location"], headers={"Authorization": f"Bearer {encoder}"})
            assert ended.status_code == 200
            peer.close()
        page = await http.get("/")
        assert page.status_code == 200 and "strict-transport-security" in page.headers
        accepted = await http.post("/webrtc/invites/accept", json={"invite": "x", "display_name": "X"})
        assert accepted.status_code == 401
        plain = await http.get(f"http://localhost:{nginx.plain_port}/room")
        assert plain.status_code == 301 and plain.headers["location"].startswith("https://")
        assert (await http.get("/webrtc/metrics")).status_code == 200, "from this machine, Prometheus may read"
    log = nginx.log.read_text()
    assert '"GET /webrtc/ws/demo" 101' in log and token not in log and encoder not in log
