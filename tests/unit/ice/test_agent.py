"""The ICE-lite agent in virtual time."""

from __future__ import annotations

from random import Random

import pytest

from sfu.ice import stun
from sfu.ice.agent import MAX_PATHS, Credentials, IceLiteAgent, IceResult, LinkState

SOURCE = ("198.51.100.7", 5000)
REMOTE = Credentials("peer", "p" * 24)


def check(
    local: Credentials,
    *,
    nominate: bool = True,
    priority: int = 100,
    pwd: str | None = None,
    username: str | None = None,
    role: int = stun.ICE_CONTROLLING,
    extra: bytes = b"",
) -> bytes:
    """A connectivity check as a browser sends it."""
    name = f"{local.ufrag}:peer" if username is None else username
    body = stun.attribute(stun.USERNAME, name.encode()) + stun.attribute(stun.PRIORITY, priority.to_bytes(4, "big"))
    body += stun.attribute(role, bytes(8)) + extra
    if nominate:
        body += stun.attribute(stun.USE_CANDIDATE, b"")
    return stun.build_message(stun.BINDING_REQUEST, b"transaction!", body, (pwd or local.pwd).encode())


def take(agent: IceLiteAgent, data: bytes, key: str = "a", now: float = 0.0) -> IceResult:
    return agent.handle(stun.parse_stun(data), data, key, SOURCE, now)


@pytest.fixture
def agent() -> IceLiteAgent:
    return IceLiteAgent(Random(1))


def code_of(result: IceResult) -> int:
    assert result.response is not None
    return stun.read_error_code(stun.parse_stun(result.response))


def test_credentials_are_long_enough(agent: IceLiteAgent) -> None:
    """RFC 8445 section 5.3: at least 24 and 128 bits."""
    assert len(agent.local.ufrag) >= 4
    assert len(agent.local.pwd) >= 22
    assert IceLiteAgent().local != IceLiteAgent().local


def test_first_check_before_the_peer_is_known(agent: IceLiteAgent) -> None:
    assert agent.state(0) is LinkState.NEW
    result = take(agent, check(agent.local))
    assert result.response is not None
    answer = stun.parse_stun(result.response)
    assert answer.kind == stun.BINDING_RESPONSE
    assert stun.read_xor_mapped_address(answer) == SOURCE
    assert stun.integrity_matches(answer, result.response, agent.local.pwd.encode())
    assert (result.validated, result.selected_changed, agent.selected) == (True, True, "a")
    assert agent.state(0) is LinkState.CONNECTED


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"pwd": "wrong"}, 401, "stun_integrity"),
        ({"username": "other:peer"}, 401, "stun_username"),
        ({"username": "nocolon"}, 401, "stun_username"),
        ({"role": stun.ICE_CONTROLLED}, 487, "ice_role_conflict"),
        ({"extra": stun.attribute(0x7ABC, b"")}, 420, "stun_unknown_attribute"),
    ],
)
def test_refused(agent: IceLiteAgent, changes: dict[str, object], code: int, reason: str) -> None:
    result = take(agent, check(agent.local, **changes))  # type: ignore[arg-type]
    assert (code_of(result), result.reason) == (code, reason)
    assert not result.validated
    assert agent.selected is None
    assert not agent.paths


@pytest.mark.parametrize("body", [b"", stun.attribute(stun.USERNAME, b"x:y")])
def test_unsigned_is_a_bad_request(agent: IceLiteAgent, body: bytes) -> None:
    result = take(agent, stun.build_message(stun.BINDING_REQUEST, b"transaction!", body, None))
    assert code_of(result) == 400


@pytest.mark.parametrize("kind", [stun.BINDING_INDICATION, stun.BINDING_RESPONSE, stun.BINDING_ERROR, 0x0003])
def test_other_messages_get_no_answer(agent: IceLiteAgent, kind: int) -> None:
    result = take(agent, stun.build_message(kind, b"transaction!", b"", agent.local.pwd.encode()))
    assert result.response is None
    assert not result.validated


# Each step: path, nominated, priority → the selected path afterwards.
Step = tuple[str, bool, int, str]
NOMINATION: dict[str, list[Step]] = {
    "valid path serves before nomination": [("a", False, 9, "a"), ("b", True, 1, "b")],
    "not nominated never takes over": [("a", True, 1, "a"), ("b", False, 9, "a")],
    "newest nominated wins": [("a", True, 9, "a"), ("b", True, 1, "b"), ("b", True, 1, "b")],
    "and back": [("a", True, 9, "a"), ("b", True, 1, "b"), ("a", True, 9, "a")],
    "back to a worse one when it is the only one nominated": [
        ("a", True, 1, "a"),
        ("b", True, 9, "b"),
        ("a", True, 1, "b"),
        ("a", True, 1, "a"),
    ],
    "aggressive nomination settles on the best": [
        *[("a", True, 9, "a"), ("b", True, 1, "b")],
        *[("a", True, 9, "a"), ("b", True, 1, "a")] * 5,
    ],
}


@pytest.mark.parametrize("name", NOMINATION)
def test_nomination(agent: IceLiteAgent, name: str) -> None:
    for now, (key, nominate, priority, selected) in enumerate(NOMINATION[name]):
        take(agent, check(agent.local, nominate=nominate, priority=priority), key, float(now))
        assert agent.selected == selected, now


def test_losing_the_selected_path_falls_back(agent: IceLiteAgent) -> None:
    take(agent, check(agent.local), "a", 0.0)
    take(agent, check(agent.local, nominate=False), "b", 1.0)
    assert agent.remove_path("a")
    assert agent.selected == "b"
    assert not agent.remove_path("unknown")
    assert agent.remove_path("b")
    assert agent.selected is None


def test_paths_are_bounded(agent: IceLiteAgent) -> None:
    evicted = [
        take(agent, check(agent.local, nominate=index == 0), f"path{index}", float(index)).evicted
        for index in range(3 * MAX_PATHS)
    ]
    assert len(agent.paths) == MAX_PATHS
    assert agent.selected == "path0"  # the oldest, and yet kept
    assert [key for key in evicted if key is not None] == [f"path{index}" for index in range(1, 2 * MAX_PATHS + 1)]


def test_restart_keeps_the_old_until_the_new_is_used(agent: IceLiteAgent) -> None:
    old = agent.local
    take(agent, check(old), "a", 0.0)
    new = agent.restart()
    assert new == agent.local != old
    assert agent.ufrags == [old.ufrag, new.ufrag]
    assert take(agent, check(old), "a", 1.0).validated
    result = take(agent, check(new, nominate=False), "b", 2.0)
    assert (result.validated, result.restarted) == (True, True)
    kept: object = agent.selected
    assert kept == "a"  # until the peer nominates in the new generation
    assert agent.ufrags == [new.ufrag]
    assert code_of(take(agent, check(old), "a", 3.0)) == 401
    take(agent, check(new), "b", 4.0)
    assert agent.selected == "b"


def test_unanswered_restarts_do_not_pile_up(agent: IceLiteAgent) -> None:
    for _ in range(10):
        agent.restart()
    assert len(agent.ufrags) == 3
    assert take(agent, check(agent.local)).validated
    assert agent.ufrags == [agent.local.ufrag]


def test_a_wrong_check_does_not_complete_a_restart(agent: IceLiteAgent) -> None:
    agent.restart()
    take(agent, check(agent.local, pwd="wrong"))
    assert len(agent.ufrags) == 2


def test_connect_timeout(agent: IceLiteAgent) -> None:
    agent.set_remote(REMOTE, 10.0)
    assert [agent.state(now) for now in (10.0, 39.0, 41.0)] == [
        LinkState.CHECKING,
        LinkState.CHECKING,
        LinkState.FAILED,
    ]


@pytest.mark.parametrize(
    ("silence_s", "state"),
    [(0.0, "connected"), (6.5, "connected"), (7.5, "disconnected"), (29.0, "disconnected"), (30.5, "failed")],
)
def test_consent_ages(agent: IceLiteAgent, silence_s: float, state: str) -> None:
    take(agent, check(agent.local), now=100.0)
    assert agent.state(100.0 + silence_s) == state


def test_media_does_not_stand_for_the_consent_of_a_peer_that_checks(agent: IceLiteAgent) -> None:
    """RFC 7675 section 5.1: who sends checks and stops has withdrawn consent, whatever else comes."""
    take(agent, check(agent.local), now=0.0)
    take(agent, check(agent.local), now=15.0)
    agent.last_activity = 44.0
    assert agent.state(44.0) is LinkState.CONNECTED
    agent.last_activity = 46.0
    assert agent.state(46.0) is LinkState.FAILED
    take(agent, check(agent.local), now=47.0)
    assert agent.state(47.0) is LinkState.CONNECTED


def test_a_peer_without_consent_checks_is_judged_by_its_media(agent: IceLiteAgent) -> None:
    take(agent, check(agent.local), now=0.0)
    agent.last_activity = 500.0
    assert agent.state(501.0) is LinkState.CONNECTED
    assert agent.state(508.0) is LinkState.DISCONNECTED
    assert agent.state(531.0) is LinkState.FAILED
