"""Whether the ports are free, or held by this very server, and whether the announced addresses lead to them."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter

from config.settings import Settings
from scripts import sockets
from scripts.doctor.findings import Finding, fail, ok, reason, warn
from scripts.doctor.wire import Transport, ask, open_wire
from scripts.failures import CommandError
from sfu.errors import MalformedPacket, PortUnavailable
from sfu.ice import stun
from sfu.io.addresses import interface_addresses
from sfu.io.link import IceLink
from sfu.io.nobody import NOBODY
from sfu.io.ports import MediaPorts
from sfu.options import MediaOptions

TIMEOUT_S = 2.0


async def check_ports(settings: Settings) -> list[Finding]:
    """The HTTP port, the media ports, and a connectivity check to every announced address."""
    running = await _is_running(settings)
    return [_http(settings, running), *await _media(settings.media, running)]


def _http(settings: Settings, running: bool) -> Finding:
    http = settings.http
    if running:
        return ok("http-port", f"Plenum answers on port {http.port}.")
    try:
        listeners = sockets.bind(http.host, http.port)
    except CommandError as error:
        return fail("http-port", f"{error.message}.", "http.port = …  # a free port, or stop the other program")
    for listener in listeners:
        listener.close()
    return ok("http-port", f"Port {http.port} is free.")


async def _media(media: MediaOptions, running: bool) -> list[Finding]:
    ports = MediaPorts(Counter())
    tcp_port = None if not media.tcp else (media.port if media.tcp_port is None else media.tcp_port)
    try:
        await ports.start(media.hosts, media.port, tcp_port, media.announced_addresses)
    except PortUnavailable as error:
        if running:
            note = "The media ports are in use by the running server. Stop it to have them checked from outside."
            return [ok("media-port", note)]
        return [fail("media-port", f"{error.message}.", "media.port = …  # a free port, or stop the other program")]
    try:
        return [_free(media, ports), *await _reachable(ports)]
    finally:
        await ports.close()


def _free(media: MediaOptions, ports: MediaPorts) -> Finding:
    if media.port == 0:
        return warn("media-port", "The media port is another one at each start: no firewall can let it through.", _PORT)
    tcp = f" and TCP port {ports.tcp_port}" if ports.tcp_port is not None else ""
    return ok("media-port", f"UDP port {ports.udp_port}{tcp} can be bound.")


_PORT = "media.port = 10478"


# -- connectivity checks to ourselves ----------------------------------------------------------------------------------


async def _reachable(ports: MediaPorts) -> list[Finding]:
    link = IceLink(ports, NOBODY)
    try:
        found = await asyncio.gather(*(_check(link, c.address, c.port, c.protocol) for c in ports.candidates))
    finally:
        link.close()
    troubles = [finding for finding in found if finding is not None]
    if found and not troubles:
        return [ok("hairpin", f"Connectivity checks to all {len(found)} announced candidates come back.")]
    return troubles


async def _check(link: IceLink, address: str, port: int, protocol: str) -> Finding | None:
    """One ICE check as a browser sends it, to the announced address; our own agent answers it if it arrives."""
    where = f"{protocol.upper()} {address}:{port}"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await _ice_check(link, address, port, "udp" if protocol == "udp" else "ice-tcp")
    except (OSError, MalformedPacket) as error:
        if address in interface_addresses():
            return fail(
                "hairpin",
                f"A check to {where}, an address of this machine, does not come back: {reason(error)}.",
                f"{protocol} dport {port} accept  # in the firewall (nftables)",
            )
        return warn(
            "hairpin",
            f"A check to the announced {where} does not come back: {reason(error)}. Either nothing forwards the port "
            "to this machine, or the router cannot send to itself; only a test from outside can tell.",
            f"forward {protocol.upper()} {port} of {address} to this machine, or set media.announced_addresses",
        )
    return None


async def _ice_check(link: IceLink, address: str, port: int, transport: Transport) -> None:
    wire = await open_wire(address, port, transport)
    try:
        body = stun.attribute(stun.USERNAME, f"{link.local_ufrag}:doctor".encode())
        body += stun.attribute(stun.PRIORITY, (1).to_bytes(4, "big")) + stun.attribute(stun.ICE_CONTROLLING, bytes(8))
        answer = await ask(wire, stun.BINDING_REQUEST, body, link.local_pwd.encode())
        if answer.kind != stun.BINDING_RESPONSE:
            raise MalformedPacket(f"error_{stun.read_error_code(answer)}")
    finally:
        wire.close()
        await asyncio.sleep(0)


# -- a running server --------------------------------------------------------------------------------------------------


async def _is_running(settings: Settings) -> bool:
    """Whether Plenum answers at the HTTP port of these settings."""
    http = settings.http
    host = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)
    context: ssl.SSLContext | None = None
    if http.tls:
        # Whose certificate it is, is looked at elsewhere.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, http.port, ssl=context)
            try:
                writer.write(b"GET /webrtc/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = await reader.read(65_536)
            finally:
                writer.transport.abort()
                await asyncio.sleep(0)
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200")
