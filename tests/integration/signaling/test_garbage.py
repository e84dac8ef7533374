"""Who has left is gone at once: nothing waits for the garbage collector, whose walk would hold all packets up."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.integration.signaling.conftest import House
from tests.integration.signaling.peer import Peer
from tests.integration.signaling.test_media import flows, peers, publish, receive

__all__ = ["peers"]

OURS = ("sfu.", "signaling.", "streaming.", "scripts.")


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is collected, and what was there before is not looked at."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()
    gc.unfreeze()
    gc.collect()


def garbage() -> Counter[str]:
    """What only the collector would free, by type."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
    gc.garbage.clear()
    return found


async def test_a_call_leaves_nothing_to_the_collector(house: House, peers: list[Peer], uncollected: None) -> None:
    alice, _ = await house.join("alice")
    bob, _ = await house.join("bob")
    await publish(alice, peers[0])
    await receive(bob, peers[1])
    assert await flows(peers[0], peers[1])
    router = house.engine.routers["demo"]
    assert sum(len(one.sending.consumers) for one in router.transports.values()) == 1
    for member in (alice, bob):
        await member.say("leave")
    for _ in range(50):
        if not house.engine.routers:
            break
        await asyncio.sleep(0.1)
    assert not house.engine.routers
    await asyncio.sleep(0.2)  # the sockets' tasks end
    del router
    left = garbage()
    assert {kind: count for kind, count in left.items() if kind.startswith(OURS)} == {}, left
