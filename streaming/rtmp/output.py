"""A stream to one RTMP server, over whatever becomes of the connection: the only socket of this package's client."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from streaming.encoded import AudioPacket, AudioTrack, VideoPacket, VideoTrack
from streaming.rtmp import flv
from streaming.rtmp.address import Address
from streaming.rtmp.backoff import Backoff
from streaming.rtmp.errors import RtmpError
from streaming.rtmp.publisher import Publisher, Refused, State
from streaming.rtmp.queue import SendQueue, Timestamps
from streaming.rtmp.uplink import UplinkControl

_CONNECT_TIMEOUT_S = 10.0
_STALLED_S = 15.0
_UNSENT_BYTES = 65_536
_TICK_S = 1.0


class OutputState(StrEnum):
    """How a target is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class OutputStatus:
    """What is told of a target; ``reason`` of the latest failure, without any secret."""

    state: OutputState
    reason: str | None
    uplink_bps: int
    target_bps: int
    dropped_frames: int
    reconnects: int
    waiting_ms: int


@dataclass(frozen=True, slots=True)
class Source:
    """What is sent."""

    video: VideoTrack
    audio: AudioTrack | None
    video_bps: int
    audio_bps: int


class RtmpOutput:
    """Give packets to ``add`` as they are made and let ``run`` run; it ends when ``stop`` is called or it gives up.

    ``wanted_bps`` of ``status`` is the bitrate the uplink carries. ``on_change`` is called when the state changes.
    """

    def __init__(
        self,
        address: Address,
        source: Source,
        *,
        on_change: Callable[[], None] = lambda: None,
        tls_context: ssl.SSLContext | None = None,
        allow_private: bool = False,
    ) -> None:
        self._address = address
        self._source = source
        self._on_change = on_change
        self._tls_context = tls_context
        self._allow_private = allow_private
        self._queue = SendQueue()
        self._uplink = UplinkControl(source.video_bps, source.audio_bps)
        self._news = asyncio.Event()
        self._state = OutputState.CONNECTING
        self._reason: str | None = None
        self._reconnects = 0
        self._sent_bytes = 0
        self._uplink_bps = 0.0
        self._stopping = False

    @property
    def status(self) -> OutputStatus:
        """How it is doing now."""
        live = self._state is OutputState.LIVE
        return OutputStatus(
            self._state,
            self._reason,
            round(self._uplink_bps) if live else 0,
            self._uplink.target_bps,
            self._queue.dropped_frames,
            self._reconnects,
            self._queue.span_ms,
        )

    def add(self, packet: VideoPacket | AudioPacket) -> None:
        """Send a packet, if there is a connection and it keeps up."""
        if self._state is not OutputState.LIVE:
            return
        if isinstance(packet, VideoPacket):
            self._queue.add_video(packet)
        elif self._source.audio is not None:
            self._queue.add_audio(packet, self._source.audio.sample_rate)
        self._news.set()

    def stop(self) -> None:
        """End the stream in good order; ``run`` returns."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Connect, send, and connect again."""
        backoff = Backoff()
        while not self._stopping:
            began = time.monotonic()
            refused = False
            try:
                await self._session()
                break
            except Refused as error:
                refused, reason = True, error.reason
            except RtmpError as error:
                reason = error.reason
            except ssl.SSLCertVerificationError as error:
                refused, reason = True, f"the server's certificate is not valid: {error.verify_message}"
            except _NotPublic as error:
                self._set_state(OutputState.FAILED, str(error))
                return
            except TimeoutError:
                reason = "the server does not answer"
            except (OSError, EOFError) as error:
                reason = _words(error)
            wait_s = backoff.failed(refused=refused, lasted_s=time.monotonic() - began)
            if wait_s is None:
                self._set_state(OutputState.FAILED, reason)
                return
            self._set_state(OutputState.RECONNECTING, reason)
            await self._pause(wait_s)
        self._set_state(OutputState.STOPPED, None)

    # -- one connection --------------------------------------------------------------------------------------------

    async def _session(self) -> None:
        """One connection, until the stream is stopped; raises what ends it."""
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            reader, writer = await self._connect()
        publisher = Publisher(self._address.target, os.urandom(1528))
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                while publisher.state is not State.PUBLISHING:
                    await _exchange(publisher, reader, writer)
            await self._publish(publisher, reader, writer)
        finally:
            writer.transport.abort() if not self._stopping else writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 2)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = self._address
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        if not self._allow_private:
            found = [info for info in found if _is_public(str(info[4][0]))]
            if not found:
                raise _NotPublic("the server's address is not a public one")
        connection = await _connect_first(found)
        # What is not yet on its way stays with us, where it can be dropped.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        context = (self._tls_context or ssl.create_default_context()) if address.tls else None
        reader, writer = await asyncio.open_connection(
            sock=connection, ssl=context, server_hostname=address.host if context is not None else None
        )
        writer.transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        return reader, writer

    async def _publish(self, publisher: Publisher, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._announce(publisher)
        self._queue.restart()
        self._set_state(OutputState.LIVE, None)
        listening = asyncio.create_task(_listen(publisher, reader))
        measuring = asyncio.create_task(self._measure())
        sending = asyncio.create_task(self._send_all(publisher, writer))
        tasks = {listening, measuring, sending}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # While nothing is connected, nothing is queued.
            self._reconnects += not self._stopping
            self._state = OutputState.RECONNECTING
        for task in done:
            task.result()

    def _announce(self, publisher: Publisher) -> None:
        source = self._source
        publisher.data(flv.metadata(source.video, source.audio, source.video_bps, source.audio_bps))
        publisher.video(0, flv.video_header(source.video))
        if source.audio is not None:
            publisher.audio(0, flv.audio_header(source.audio))

    async def _send_all(self, publisher: Publisher, writer: asyncio.StreamWriter) -> None:
        timestamps = Timestamps()
        while not self._stopping:
            await self._news.wait()
            self._news.clear()
            while (item := self._queue.pop()) is not None:
                time_ms = timestamps.of(item)
                if time_ms is None:
                    continue
                if isinstance(item.packet, VideoPacket):
                    publisher.video(time_ms, flv.video_body(item.packet))
                else:
                    publisher.audio(time_ms, flv.audio_body(item.packet))
                await self._write(publisher, writer)
        publisher.close()
        await self._write(publisher, writer)

    async def _write(self, publisher: Publisher, writer: asyncio.StreamWriter) -> None:
        data = publisher.to_send()
        writer.write(data)
        async with asyncio.timeout(_STALLED_S):
            await writer.drain()
        self._sent_bytes += len(data)

    async def _measure(self) -> None:
        """What the uplink carries, once a second."""
        before, at = self._sent_bytes, time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            sent_bps = (self._sent_bytes - before) * 8 / (now - at)
            before, at = self._sent_bytes, now
            self._uplink_bps += 0.4 * (sent_bps - self._uplink_bps)
            target_bps = self._uplink.target_bps
            if self._uplink.update(now, self._queue.span_ms, sent_bps) != target_bps:
                self._on_change()

    async def _pause(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while not self._stopping and (left_s := deadline - time.monotonic()) > 0:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left_s)

    def _set_state(self, state: OutputState, reason: str | None) -> None:
        self._state, self._reason = state, reason
        self._on_change()


class _NotPublic(Exception):
    """The server is within a network that streams are not sent to."""


def _is_public(ip: str) -> bool:
    return ipaddress.ip_address(ip.partition("%")[0]).is_global


async def _connect_first(found: Sequence[tuple[int, int, int, str, tuple[object, ...]]]) -> socket.socket:
    """A connection to the first address that takes one; raises the last failure."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("the server has no address")
    for family, kind, protocol, _, where in found:
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        try:
            await loop.sock_connect(connection, where)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


async def _exchange(publisher: Publisher, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(publisher.to_send())
    await writer.drain()
    data = await reader.read(65_536)
    if not data:
        raise EOFError
    publisher.receive(data)


async def _listen(publisher: Publisher, reader: asyncio.StreamReader) -> None:
    """Take what the server says; its answers go out with the next packet."""
    while data := await reader.read(65_536):
        publisher.receive(data)
    raise EOFError


def _words(error: OSError | EOFError) -> str:
    if isinstance(error, EOFError):
        return "the server closed the connection"
    if isinstance(error, ssl.SSLError):
        return "the server does not speak TLS as it should"
    if isinstance(error, socket.gaierror):
        return "the server's name is not known"
    return {
        "ConnectionRefusedError": "the server takes no connections",
        "ConnectionResetError": "the server broke the connection",
        "BrokenPipeError": "the server broke the connection",
    }.get(type(error).__name__, f"the network failed: {os.strerror(error.errno) if error.errno else 'unknown'}")
