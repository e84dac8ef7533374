"""Participants' tokens: JSON Web Tokens (RFC 7519) checked against the configured keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from pydantic import BaseModel, ConfigDict, ValidationError

from signaling.errors import ErrorCode, RoomError
from signaling.model import Permissions, Role
from signaling.names import MAX_DISPLAY_NAME_CHARACTERS, clean_display_name, is_avatar_url, is_username
from signaling.options import AuthOptions

MAX_TOKEN_CHARACTERS = 8_192


class TokenConfigurationError(Exception):
    """The keys that the options name cannot be used."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for. ``permissions`` holds only those the token sets itself. ``admin``: may see and steer all
    rooms as the operator."""

    username: str
    display_name: str
    avatar_url: str | None = None
    room: str | None = None
    role: Role | None = None
    permissions: Mapping[str, bool] | None = None
    admin: bool = False

    def may_open(self, room_id: str) -> bool:
        """Whether the token opens ``room_id``."""
        return self.room is None or self.room == room_id


class _Claims(BaseModel):
    """The optional claims, as strict as a signed statement deserves."""

    model_config = ConfigDict(strict=True, extra="ignore")

    sub: str
    name: str | None = None
    avatar_url: str | None = None
    room: str | None = None
    role: str | None = None
    permissions: dict[str, bool] | None = None
    admin: bool = False


class TokenVerifier:
    """Checks tokens. ``alg: none``, algorithms that are not configured and keys of another kind never pass."""

    def __init__(self, options: AuthOptions) -> None:
        """Raises TokenConfigurationError when a key is missing or unusable."""
        self._options = options
        self._algorithms: list[str] = list(options.algorithms)
        self._keys = _load_keys(options)

    def verify(self, token: str | None) -> Identity:
        """The identity of ``token``; raises RoomError ``unauthorized``."""
        claims = self._decode(token)
        if claims.get("invite") is not None:
            raise _unauthorized("An invite is not a token; exchange it first.")
        return _identity(claims)

    def verify_for_room(self, token: str | None, room_id: str) -> Identity:
        """The identity of ``token`` for ``room_id``; raises RoomError ``unauthorized`` or ``permission_denied``."""
        identity = self.verify(token)
        if not identity.may_open(room_id):
            raise RoomError(ErrorCode.PERMISSION_DENIED, "This token is for another room.")
        return identity

    def verify_admin(self, token: str | None) -> Identity:
        """The identity of an operator's ``token``; raises RoomError ``unauthorized`` or ``permission_denied``."""
        identity = self.verify(token)
        if not identity.admin or identity.room is not None:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "This token has no admin grant.")
        return identity

    def _decode(self, token: str | None) -> dict[str, Any]:
        if not token:
            raise _unauthorized("A token is needed.")
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise _unauthorized("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in self._algorithms:
                raise _unauthorized("The token's algorithm is not accepted.")
            return self._check(token, algorithm, header.get("kid"))
        except jwt.ExpiredSignatureError:
            raise _unauthorized("The token has expired.") from None
        except jwt.MissingRequiredClaimError as missing:
            raise _unauthorized(f"The token lacks the claim {missing.claim!r}.") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise _unauthorized("The token is not valid.") from None

    def _check(self, token: str, algorithm: str, key_id: object) -> dict[str, Any]:
        options = self._options
        claims: dict[str, Any] = jwt.decode(
            token,
            key=self._key(algorithm, key_id),
            algorithms=[algorithm],
            audience=options.audience,
            issuer=options.issuer,
            leeway=options.leeway_s,
            # Clocks of token servers run ahead: "iat" decides nothing. "aud" counts only where it is configured.
            options={"require": ["sub", "exp"], "verify_iat": False, "verify_aud": options.audience is not None},
        )
        return claims

    def _key(self, algorithm: str, key_id: object) -> Any:
        found = [key for key in self._keys if key.algorithm == algorithm and (key.key_id in (None, key_id))]
        if not found and key_id is None:
            found = [key for key in self._keys if key.algorithm == algorithm]
            found = found if len(found) == 1 else []
        if not found:
            raise _unauthorized("The token's key is not known.")
        return found[0].key


@dataclass(frozen=True, slots=True)
class _Key:
    algorithm: str
    key_id: str | None
    key: Any


def _load_keys(options: AuthOptions) -> list[_Key]:
    keys: list[_Key] = []
    wanted: set[str] = set(options.algorithms)
    if "HS256" in wanted:
        if options.secret is None:
            raise TokenConfigurationError("auth.secret is needed for HS256 tokens")
        keys.append(_Key("HS256", None, options.secret.get_secret_value().encode()))
    public = wanted - {"HS256"}
    try:
        if options.public_key_file is not None:
            keys += _from_pem(options.public_key_file.read_bytes(), public)
        if options.jwks_file is not None:
            keys += _from_jwks(options.jwks_file.read_text(), public)
    except (OSError, ValueError, KeyError, jwt.PyJWTError) as error:
        raise TokenConfigurationError(f"a key file cannot be used: {error}") from error
    for algorithm in sorted(wanted - {key.algorithm for key in keys}):
        raise TokenConfigurationError(f"no key for {algorithm}: set auth.public_key_file or auth.jwks_file")
    return keys


def _from_pem(pem: bytes, wanted: set[str]) -> list[_Key]:
    found = []
    for algorithm in sorted(wanted):
        try:
            found.append(_Key(algorithm, None, jwt.get_algorithm_by_name(algorithm).prepare_key(pem)))
        except (jwt.InvalidKeyError, ValueError, TypeError):
            continue  # a key of another kind
    if not found:
        raise ValueError("the public key fits none of the accepted algorithms")
    return found


_JWK_ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}


def _from_jwks(text: str, wanted: set[str]) -> list[_Key]:
    found = []
    for entry in json.loads(text)["keys"]:
        kind = _JWK_ALGORITHMS.get((entry.get("kty"), entry.get("crv")))
        algorithm = entry.get("alg", kind)
        if algorithm != kind or algorithm not in wanted or entry.get("use", "sig") != "sig":
            continue
        found.append(_Key(algorithm, entry.get("kid"), jwt.PyJWK(entry, algorithm=algorithm).key))
    return found


def _identity(raw: dict[str, Any]) -> Identity:
    try:
        claims = _Claims.model_validate(raw)
        role = Role(claims.role) if claims.role is not None else None
    except ValueError as error:
        named = error.errors()[0]["loc"][0] if isinstance(error, ValidationError) else "role"
        raise _unauthorized(f"The token's claim {named!r} is not valid.") from None
    if not is_username(claims.sub):
        raise _unauthorized("The token's claim 'sub' is no username.")
    permissions = claims.permissions
    if permissions is not None and not permissions.keys() <= Permissions.model_fields.keys():
        raise _unauthorized("The token's claim 'permissions' names an unknown permission.")
    name = clean_display_name(claims.name or "") or claims.sub[:MAX_DISPLAY_NAME_CHARACTERS]
    return Identity(claims.sub, name, _avatar(claims.avatar_url), claims.room, role, permissions, claims.admin)


def _avatar(url: str | None) -> str | None:
    return url if url is not None and is_avatar_url(url) else None


def _unauthorized(message: str) -> RoomError:
    return RoomError(ErrorCode.UNAUTHORIZED, message)
