"""What the kernel grants: socket buffers and open files."""

from __future__ import annotations

import contextlib
import resource
import socket
import sys

from scripts.doctor.findings import Finding, fail, ok, warn

WANTED_BUFFER_BYTES = 4 << 20
WANTED_FILES = 4_096
LEAST_FILES = 256
_SYSCTLS = {"receive": "net.core.rmem_max", "send": "net.core.wmem_max"}
_FILES = "LimitNOFILE=65536  # in the systemd unit, or: ulimit -n 65536"


def check_system() -> list[Finding]:
    """Buffers of the media port, then files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = granted_buffers()
    return [*(judge_buffer(kind, size) for kind, size in granted.items()), judge_files(soft)]


def granted_buffers() -> dict[str, int]:
    """What a socket gets that asks as the media port does, in bytes. Linux answers with twice of it."""
    share = 2 if sys.platform == "linux" else 1
    granted = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for kind, option in (("receive", socket.SO_RCVBUF), ("send", socket.SO_SNDBUF)):
            # Some systems refuse what is too much; what there is, is told all the same.
            with contextlib.suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, option, WANTED_BUFFER_BYTES)
            granted[kind] = probe.getsockopt(socket.SOL_SOCKET, option) // share
    return granted


def judge_buffer(kind: str, granted_bytes: int) -> Finding:
    """``kind`` is ``receive`` or ``send``."""
    have = f"{granted_bytes // 1024} KiB"
    if granted_bytes >= WANTED_BUFFER_BYTES:
        return ok("udp-buffer", f"The kernel grants UDP {kind} buffers of {have}.")
    return warn(
        "udp-buffer",
        f"The kernel grants UDP {kind} buffers of {have} where {WANTED_BUFFER_BYTES // 1024} KiB are wanted: "
        "bursts such as key frames get lost.",
        f"{_SYSCTLS[kind]} = {2 * WANTED_BUFFER_BYTES}  # in /etc/sysctl.d/60-plenum.conf, then: sysctl --system",
    )


def judge_files(soft_limit: int) -> Finding:
    """Each WebSocket and each ICE-TCP connection is an open file."""
    if soft_limit == resource.RLIM_INFINITY or soft_limit >= WANTED_FILES:
        limit = "any number of" if soft_limit == resource.RLIM_INFINITY else f"{soft_limit}"
        return ok("files", f"The process may have {limit} open files.")
    text = f"The process may have {soft_limit} open files: about as many participants, and no more."
    return (fail if soft_limit < LEAST_FILES else warn)("files", text, _FILES)
