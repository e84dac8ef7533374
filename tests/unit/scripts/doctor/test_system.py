"""What the kernel grants."""

from __future__ import annotations

import resource

import pytest

from scripts.doctor.findings import Verdict
from scripts.doctor.system import WANTED_BUFFER_BYTES, check_system, granted_buffers, judge_buffer, judge_files
from sfu.io import ports


def test_the_doctor_wants_what_the_server_asks_for() -> None:
    assert WANTED_BUFFER_BYTES == ports._BUFFER_BYTES


@pytest.mark.parametrize(
    ("kind", "granted", "verdict", "change"),
    [
        ("receive", 4 << 20, Verdict.OK, ""),
        ("send", 8 << 20, Verdict.OK, ""),
        ("receive", 212_992, Verdict.WARN, "net.core.rmem_max = 8388608"),
        ("send", 212_992, Verdict.WARN, "net.core.wmem_max = 8388608"),
    ],
)
def test_buffers(kind: str, granted: int, verdict: Verdict, change: str) -> None:
    finding = judge_buffer(kind, granted)
    assert finding.verdict is verdict
    assert finding.change.startswith(change) and bool(finding.change) == bool(change)


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        (resource.RLIM_INFINITY, Verdict.OK),
        (65_536, Verdict.OK),
        (4_096, Verdict.OK),
        (1_024, Verdict.WARN),
        (255, Verdict.FAIL),
    ],
)
def test_files(limit: int, verdict: Verdict) -> None:
    finding = judge_files(limit)
    assert finding.verdict is verdict
    assert ("LimitNOFILE" in finding.change) is (verdict is not Verdict.OK)


def test_this_machine() -> None:
    assert [finding.check for finding in check_system()] == ["udp-buffer", "udp-buffer", "files"]
    assert all(size > 0 for size in granted_buffers().values())
