"""Tokens: which are good, and why the others are not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from signaling.errors import RoomError
from signaling.model import Role
from signaling.options import AuthOptions
from signaling.tokens import Identity, TokenConfigurationError, TokenVerifier

SECRET = "s" * 64
HS256 = TokenVerifier(AuthOptions(secret=SecretStr(SECRET)))
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "alice", "exp": time.time() + 86_400, **more}


def sign(payload: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode({k: v for k, v in payload.items() if v is not None}, key, algorithm=algorithm, headers=header)


def pem(key: Any) -> bytes:
    return key.public_key().public_bytes(  # type: ignore[no-any-return]
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def raw(header: object, payload: object) -> str:
    return f"{encode(json.dumps(header).encode())}.{encode(json.dumps(payload).encode())}."


def test_least_claims() -> None:
    assert HS256.verify(sign(claims())) == Identity("alice", "alice")


def test_all_claims() -> None:
    identity = HS256.verify(
        sign(
            claims(
                name=" Alice\u202e  A. ",
                avatar_url="https://example.org/a.png",
                room="demo",
                role="moderator",
                permissions={"can_record": True},
                unknown=1,
                iat=time.time() + 3600,
            )
        )
    )
    assert identity == Identity(
        "alice", "Alice A.", "https://example.org/a.png", "demo", Role.MODERATOR, {"can_record": True}
    )


REFUSED: list[tuple[str | None, str]] = [
    (None, "is needed"),
    ("", "is needed"),
    ("x" * 9_000, "too long"),
    ("garbage", "not valid"),
    ("a.b.c", "not valid"),
    (sign(claims(), "t" * 64), "not valid"),
    (sign(claims())[:-3], "not valid"),
    (sign(claims(exp=time.time() - 1)), "expired"),
    (sign(claims(exp=None)), "'exp'"),
    (sign(claims(sub=None)), "'sub'"),
    (sign(claims(nbf=time.time() + 3_600)), "not valid"),
    (sign(claims(), algorithm="HS384"), "algorithm"),
    (raw({"alg": "none", "typ": "JWT"}, claims()), "algorithm"),
    (raw({"alg": "None"}, claims()), "algorithm"),
    (raw({"alg": ["HS256"]}, claims()), "algorithm"),
    (raw({"alg": "HS256"}, claims()), "not valid"),
    (raw([], claims()), "not valid"),
    (sign(claims(sub="")), "'sub'"),
    (sign(claims(sub=" a")), "'sub'"),
    (sign(claims(sub="a\nb")), "'sub'"),
    (sign(claims(sub="x" * 129)), "'sub'"),
    (sign(claims(role="king")), "'role'"),
    (sign(claims(room=5)), "'room'"),
    (sign(claims(permissions={"can_fly": True})), "'permissions'"),
    (sign(claims(permissions={"can_record": "yes"})), "'permissions'"),
    (sign(claims(invite=True)), "invite"),
]


@pytest.mark.parametrize(("token", "says"), REFUSED, ids=[f"{i}-{says}" for i, (_, says) in enumerate(REFUSED)])
def test_refused(token: str | None, says: str) -> None:
    with pytest.raises(RoomError, match=says) as caught:
        HS256.verify(token)
    assert (caught.value.code, caught.value.status, caught.value.close_code) == ("unauthorized", 401, 4401)


@given(st.text(max_size=200))
def test_nothing_random_is_a_token_or_a_crash(token: str) -> None:
    with pytest.raises(RoomError):
        HS256.verify(token)


def test_other_room() -> None:
    token = sign(claims(room="demo"))
    assert HS256.verify_for_room(token, "demo").username == "alice"
    with pytest.raises(RoomError) as caught:
        HS256.verify_for_room(token, "other")
    assert (caught.value.status, caught.value.close_code) == (403, 4403)


def test_leeway_issuer_audience() -> None:
    verifier = TokenVerifier(AuthOptions(secret=SecretStr(SECRET), leeway_s=30, issuer="us", audience="plenum"))
    verifier.verify(sign(claims(exp=time.time() - 10, iss="us", aud=["plenum", "x"])))
    for wrong in ({"iss": "them", "aud": "plenum"}, {"iss": "us", "aud": "x"}, {"iss": "us"}):
        with pytest.raises(RoomError):
            verifier.verify(sign(claims(**wrong)))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_public_key_file(algorithm: Any, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(KEYS[algorithm]))
    verifier = TokenVerifier(AuthOptions(algorithms=[algorithm], public_key_file=path))
    assert verifier.verify(sign(claims(), KEYS[algorithm], algorithm)).username == "alice"
    # The classic confusion: an HMAC with the public key as its secret.
    head = raw({"alg": "HS256"}, claims()).removesuffix(".")
    confused = head + "." + encode(hmac.digest(pem(KEYS[algorithm]), head.encode(), "sha256"))
    for bad in (confused, sign(claims())):
        with pytest.raises(RoomError):
            verifier.verify(bad)


def test_jwks_file(tmp_path: Path) -> None:
    def jwk(algorithm: str, kid: str) -> dict[str, Any]:
        entry = jwt.get_algorithm_by_name(algorithm).to_jwk(KEYS[algorithm].public_key())
        return {**json.loads(entry), "kid": kid, "use": "sig"}

    other = ec.generate_private_key(ec.SECP256R1())
    second = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(other.public_key()))
    path = tmp_path / "jwks.json"
    entries = [jwk("RS256", "r"), jwk("ES256", "e1"), {**second, "kid": "e2"}, jwk("EdDSA", "d"), {"kty": "oct"}]
    path.write_text(json.dumps({"keys": entries}))
    verifier = TokenVerifier(AuthOptions(algorithms=["RS256", "ES256", "EdDSA"], jwks_file=path))
    verifier.verify(sign(claims(), KEYS["RS256"], "RS256", kid="r"))
    verifier.verify(sign(claims(), KEYS["RS256"], "RS256"))  # the only RS256 key needs no name
    verifier.verify(sign(claims(), other, "ES256", kid="e2"))
    verifier.verify(sign(claims(), KEYS["EdDSA"], "EdDSA", kid="d"))
    for key, algorithm, kid in ((other, "ES256", "e1"), (other, "ES256", None), (KEYS["RS256"], "RS256", "x")):
        with pytest.raises(RoomError):
            verifier.verify(sign(claims(), key, algorithm, **({"kid": kid} if kid else {})))


def test_unusable_configuration(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(pem(KEYS["RS256"]))
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    for options in (
        AuthOptions(),
        AuthOptions(algorithms=["RS256"]),
        AuthOptions(algorithms=["ES256"], public_key_file=wrong),
        AuthOptions(algorithms=["ES256"], public_key_file=tmp_path / "missing.pem"),
        AuthOptions(algorithms=["ES256"], jwks_file=broken),
    ):
        with pytest.raises(TokenConfigurationError):
            TokenVerifier(options)


def test_short_secret() -> None:
    with pytest.raises(ValidationError, match="at least 32 bytes") as caught:
        AuthOptions(secret=SecretStr("hunter2"))
    assert "hunter2" not in str(caught.value)
