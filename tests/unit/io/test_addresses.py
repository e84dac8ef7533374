"""Which addresses are bound and announced."""

from __future__ import annotations

import pytest

from sfu.io import addresses
from sfu.io.addresses import announced_addresses, bind_plan, interface_addresses


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ["192.0.2.5", "2001:db8::5", "127.0.0.1", "::1"]
    monkeypatch.setattr(addresses, "interface_addresses", lambda: found)


@pytest.mark.parametrize(
    ("hosts", "plan"),
    [
        (["0.0.0.0"], [("0.0.0.0", False), ("192.0.2.5", True), ("127.0.0.1", True)]),
        (["::"], [("::", False), ("2001:db8::5", True), ("::1", True)]),
        (["127.0.0.1"], [("127.0.0.1", False)]),
        (["127.0.0.1", "::1", "127.0.0.1"], [("127.0.0.1", False), ("::1", False)]),
        (["0.0.0.0", "127.0.0.1"], [("0.0.0.0", False), ("127.0.0.1", True), ("192.0.2.5", True)]),
    ],
)
def test_bind_plan(machine: None, hosts: list[str], plan: list[tuple[str, bool]]) -> None:
    assert [(step.host, step.shared) for step in bind_plan(hosts)] == plan


@pytest.mark.parametrize(
    ("configured", "bound", "announced"),
    [
        (["203.0.113.9", "sfu.example", "203.0.113.9"], ["0.0.0.0", "192.0.2.5"], ["203.0.113.9", "sfu.example"]),
        ([], ["0.0.0.0", "::", "192.0.2.5", "127.0.0.1"], ["192.0.2.5", "127.0.0.1"]),
        ([], ["127.0.0.1"], ["127.0.0.1"]),
    ],
)
def test_announced(configured: list[str], bound: list[str], announced: list[str]) -> None:
    assert announced_addresses(configured, bound) == announced


def test_this_machine() -> None:
    found = interface_addresses()
    assert "127.0.0.1" in found
    assert not any(address.startswith(("fe80", "169.254", "0.")) for address in found)
