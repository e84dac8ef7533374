"""Debian's nginx with its RTMP module, and TLS in front of it: the servers that streams are pushed to."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

from tests.support.certificates import write_certificate
from tests.support.ports import free_tcp_port

_MODULES = Path("/usr/lib/nginx/modules")
_CONFIG = """
load_module {modules}/ngx_stream_module.so;
load_module {modules}/ngx_rtmp_module.so;
daemon off; master_process off; worker_processes 1;
pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 64; }}
rtmp {{ access_log off; server {{ listen 127.0.0.1:{port}; chunk_size 4096;
  application live {{ live on; record all; record_path {folder}/recorded; record_unique on; hls_path {folder}/hls; }}
}} }}
stream {{ server {{ listen 127.0.0.1:{tls_port} ssl; ssl_certificate {folder}/certificate.pem;
  ssl_certificate_key {folder}/key.pem; proxy_pass 127.0.0.1:{port}; }} }}
"""


class RtmpServer:
    """``async with`` runs it; ``stop`` and ``start`` take it down and up again on the same ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port = free_tcp_port(), free_tcp_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"rtmp://127.0.0.1:{self.port}/live"

    @property
    def tls_url(self) -> str:
        return f"rtmps://127.0.0.1:{self.tls_port}/live"

    def tls_context(self) -> ssl.SSLContext:
        """Trusts this server's certificate."""
        return ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))

    async def __aenter__(self) -> RtmpServer:
        (self.folder / "recorded").mkdir(parents=True)
        (self.folder / "hls").mkdir()
        write_certificate(self.folder)
        config = _CONFIG.format(modules=_MODULES, folder=self.folder, port=self.port, tls_port=self.tls_port)
        (self.folder / "nginx.conf").write_text(config)
        await self.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "/usr/sbin/nginx",
            "-c",
            str(self.folder / "nginx.conf"),
            "-p",
            str(self.folder),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
        raise RuntimeError((self.folder / "error.log").read_text())

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()

    async def probe(self, key: str, timeout_s: float = 20) -> dict[str, Any]:
        """What ffprobe reads of a stream that is live."""
        options = ("-rw_timeout", "5000000", "-analyzeduration", "1500000")
        return await ffprobe(f"{self.url}/{key}", *options, timeout_s=timeout_s)

    def recorded(self) -> list[Path]:
        """FLV files of what was published, the oldest first."""
        return sorted((self.folder / "recorded").glob("*.flv"), key=lambda path: path.stat().st_mtime)


async def ffprobe(source: str | Path, *options: str, timeout_s: float = 20) -> dict[str, Any]:
    """Streams and format of a source, as JSON; raises AssertionError with ffprobe's words."""
    process = await asyncio.create_subprocess_exec(
        "ffprobe",
        *("-v", "error", "-of", "json", "-show_streams", "-show_format", *options, str(source)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout_s)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    return found | {"words": err.decode()}
