"""Hundreds who wait for one thing: each gets what it waits for, and the loop has turns for others meanwhile."""

from __future__ import annotations

import asyncio
import itertools

from streaming.hls.waiters import AT_ONCE, Waiters


async def test_each_waits_for_its_own() -> None:
    waiters, have = Waiters(), {1}
    assert await waiters.wait(lambda: 1 in have, 5)
    two = asyncio.create_task(waiters.wait(lambda: 2 in have, 5))
    three = asyncio.create_task(waiters.wait(lambda: 3 in have, 0.05))
    await asyncio.sleep(0)
    waiters.ring()
    await asyncio.sleep(0.01)
    assert not two.done() and not three.done()
    have.add(2)
    waiters.ring()
    assert await two and not await three, "the third gave up after its time"


async def test_who_gives_up_is_forgotten() -> None:
    waiters = Waiters()
    tasks = [asyncio.create_task(waiters.wait(lambda: False, 60)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    waiters.ring(all_of_them=True)
    tasks[1].cancel()  # it was let go, but did not have its turn yet
    await asyncio.wait(tasks, timeout=5)
    assert [task.cancelled() for task in tasks] == [True, True, False]
    assert tasks[2].result() is False
    waiters.ring()


async def test_hundreds_are_let_go_a_few_in_a_turn() -> None:
    waiters, done, turns = Waiters(), 0, list[int]()

    async def one() -> None:
        nonlocal done
        await waiters.wait(lambda: bool(turns), 60)
        done += 1

    tasks = [asyncio.create_task(one()) for _ in range(500)]
    await asyncio.sleep(0)
    turns.append(0)
    waiters.ring()
    while done < len(tasks):
        await asyncio.sleep(0)
        turns.append(done)
    assert max(after - before for before, after in itertools.pairwise(turns)) <= AT_ONCE
    assert len(turns) < 2 * 500 / AT_ONCE, "and no turn is wasted"
