"""A TCP connection's path that can be made narrow."""

from __future__ import annotations

import asyncio
import socket

from tests.support.ports import free_tcp_port

BUFFER_BYTES = 32_768


class TcpRelay:
    """Passes on to a port of this machine at ``rate_bps`` (None: as fast as it can), with little buffer of its own."""

    def __init__(self, target_port: int) -> None:
        self.port = free_tcp_port()
        self.rate_bps: float | None = None
        self._target_port = target_port
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> TcpRelay:
        # The kernel would take in megabytes, and a narrow path would show after a minute.
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        listener.bind(("127.0.0.1", self.port))
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=16_384)
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self._pump(reader, far_writer, shaped=True), self._pump(far_reader, writer, shaped=False))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, shaped: bool) -> None:
        try:
            while data := await reader.read(4_096):
                writer.write(data)
                await writer.drain()
                if shaped and self.rate_bps is not None:
                    await asyncio.sleep(len(data) * 8 / self.rate_bps)
        except OSError:
            pass
        writer.transport.abort()
