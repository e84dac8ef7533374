"""Which stream keys open which rooms."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from scripts.ingest_gate import TokenGate
from signaling.options import AuthOptions
from signaling.tokens import TokenVerifier
from tests.support.tokens import SECRET, mint_token


@pytest.fixture
def gate() -> TokenGate:
    return TokenGate(TokenVerifier(AuthOptions(secret=SecretStr(SECRET))), "http://127.0.0.1:8080")


@pytest.mark.parametrize(
    ("app", "room", "admitted"),
    [
        ("live", "hall", ("hall", "obs")),
        ("hall", "hall", ("hall", "obs")),
        ("/live/", "hall", ("hall", "obs")),
        ("hall", None, ("hall", "obs")),
        ("other", "hall", None),
        ("../hall", None, ("hall", "obs")),
        ("", None, None),
    ],
)
def test_the_key_is_a_token(gate: TokenGate, app: str, room: str | None, admitted: tuple[str, str] | None) -> None:
    assert gate.admit(app, mint_token("obs", room)) == admitted


@pytest.mark.parametrize("key", ["", "x", "live_123", mint_token("obs", "hall")[:-2]])
def test_other_keys_open_nothing(gate: TokenGate, key: str) -> None:
    assert gate.admit("live", key) is None


def test_where_it_is_published(gate: TokenGate) -> None:
    assert gate.whip_url("hall") == "http://127.0.0.1:8080/webrtc/whip/hall"
