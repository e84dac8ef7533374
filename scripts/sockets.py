"""The listening sockets of HTTP: bound before anything else starts, so that a taken port is told at once."""

from __future__ import annotations

import contextlib
import errno
import socket
from ipaddress import ip_address

from scripts.failures import CommandError, ExitCode

ANY = "*"


def bind(host: str, port: int) -> list[socket.socket]:
    """Bind ``host`` (``*``: IPv4 and IPv6 wildcard; a name: all its addresses) at one TCP port; 0 takes a free one.

    Raises ``CommandError`` that says what is wrong with the host or the port.
    """
    bound: list[socket.socket] = []
    with contextlib.ExitStack() as undo:
        for family, address in _addresses(host):
            try:
                sock = _bind_one(family, address, port)
            except OSError as error:
                if bound and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    continue  # a machine without IPv6 serves IPv4 alone
                raise _explain(error, host, port) from error
            undo.callback(sock.close)
            bound.append(sock)
            port = sock.getsockname()[1]
        undo.pop_all()
    return bound


def is_loopback(host: str) -> bool:
    """Whether ``host`` can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _addresses(host: str) -> list[tuple[int, str]]:
    if host == ANY:
        return [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise CommandError(
            f"{host} is no address or name of this machine", "Check http.host or --host.", ExitCode.CONFIG
        ) from error
    # IPv4 first: if one family fails for want of IPv6, it is the second.
    return sorted({(int(family), str(address[0])) for family, _, _, _, address in found})


def _bind_one(family: int, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _explain(error: OSError, host: str, port: int) -> CommandError:
    where = f"port {port}" if host == ANY else f"{host} port {port}"
    if error.errno == errno.EADDRINUSE:
        return CommandError(
            f"{where} is in use by another program", "Stop that program, or choose another port with --port."
        )
    if error.errno == errno.EACCES:
        return CommandError(
            f"{where} is reserved: ports below 1024 need root or CAP_NET_BIND_SERVICE", "Choose a port above 1023."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return CommandError(f"{host} is not an address of this machine", "Check http.host or --host.", ExitCode.CONFIG)
    return CommandError(f"cannot listen on {where}: {error.strerror or error}")
