"""KeyFrameRequester: at once, seldom, until it comes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sfu.streams.keyframes import MAX_REPEAT_S, KeyFrameRequester

TICK_S = 0.02


def run(script: list[tuple[float, str]], until: float) -> list[float]:
    """Play requests ("ask") and key frames ("key") with a tick each 20 ms; the times at which a PLI was sent."""
    requester = KeyFrameRequester()
    sent = []
    steps = sorted(
        [(at, 1, what) for at, what in script] + [(i * TICK_S, 0, "tick") for i in range(int(until / TICK_S))]
    )
    for at, _, what in steps:
        if what == "key":
            requester.on_key_frame(at)
        elif requester.request(at) if what == "ask" else requester.due(at):
            sent.append(round(at, 2))
    return sent


@pytest.mark.parametrize(
    ("name", "script", "expected"),
    [
        ("nobody asks", [(0.1, "key")], []),
        ("asked and answered", [(0.1, "ask"), (0.2, "key")], [0.1]),
        ("a second wish rides on the first", [(0.1, "ask"), (0.15, "ask"), (0.2, "key")], [0.1]),
        (
            "a wish after the answer waits for the throttle",
            [(0.1, "ask"), (0.2, "key"), (0.25, "ask"), (0.5, "key")],
            [0.1, 0.4],
        ),
        (
            "a held-back wish is served by any key frame",
            [(0.1, "ask"), (0.2, "key"), (0.25, "ask"), (0.3, "key")],
            [0.1],
        ),
        ("an unanswered one is repeated", [(0.1, "ask"), (0.9, "key")], [0.1, 0.6]),
        ("after the throttle a new wish repeats at once", [(0.1, "ask"), (0.45, "ask"), (0.5, "key")], [0.1, 0.45]),
        ("well apart", [(0.1, "ask"), (0.2, "key"), (1.1, "ask"), (1.2, "key")], [0.1, 1.1]),
    ],
)
def test_when_requests_are_sent(name: str, script: list[tuple[float, str]], expected: list[float]) -> None:
    assert run(script, 2.0) == pytest.approx(expected, abs=TICK_S), name


def test_repeats_grow_and_never_stop() -> None:
    sent = run([(0.1, "ask")], 30.0)
    gaps = [b - a for a, b in pairwise(sent)]
    assert gaps[0] == pytest.approx(0.5, abs=TICK_S)
    assert all(late >= early - 2 * TICK_S for early, late in pairwise(gaps))
    assert gaps[-1] == pytest.approx(MAX_REPEAT_S, abs=2 * TICK_S)


def test_a_hundred_joiners_cost_two_requests() -> None:
    joiners = [(0.1 + i * 0.002, "ask") for i in range(100)]
    sent = run([*joiners, (0.2, "key"), (0.5, "key")], 1.0)
    assert len(sent) <= 2


def test_pending() -> None:
    requester = KeyFrameRequester()
    assert not requester.pending
    assert requester.request(1.0)
    assert requester.pending
    requester.on_key_frame(1.1)
    assert not requester.pending
    assert not requester.request(1.2)
    assert requester.pending
    assert requester.asked == 1
