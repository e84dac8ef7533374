"""End-to-end encryption: public keys pass through the server, which can open nothing with them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from signaling.messages.base import Incoming, Outgoing, Username

MIN_KEY_BYTES = 32
MAX_KEY_BYTES = 512
MAX_CHAIN_INDEX = 2**32 - 1


def _is_key(value: str) -> str:
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("Base64 (RFC 4648 section 4) with its padding is needed") from None
    if not MIN_KEY_BYTES <= len(decoded) <= MAX_KEY_BYTES:
        raise ValueError(f"a key has {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes")
    return value


Key = Annotated[str, StringConstraints(min_length=1, max_length=4 * MAX_KEY_BYTES // 3 + 4), AfterValidator(_is_key)]
KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:=+/-]{1,64}$")]
CipherName = Literal["AES-GCM-256"]


class KeyExchangeRequest(Incoming):
    """A client publishes a public key, or gives it to one participant."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
                    "key_id": "2026-11-24.1",
                    "algorithm": "AES-GCM-256",
                }
            ]
        },
    )
    type_name: ClassVar[str] = "e2ee-key-exchange"

    public_key: Key = Field(description="The public key, Base64, 32 to 512 bytes. Never a secret one.")
    key_id: KeyId = Field(description="Names the key among those of its owner.")
    algorithm: CipherName = Field(default="AES-GCM-256", description="What media are encrypted with.")
    target_user_id: Username | None = Field(
        default=None,
        description="Only for this participant; absent: for everybody, and kept for 24 hours for those who come later.",
    )


class KeyExchange(Outgoing):
    """A participant's public key. Goes to the others, or to the one it is for; after `room-state` come those that are
    kept of the participants who are there.
    """

    type_name: ClassVar[str] = "e2ee-key-exchange"

    user_id: str = Field(description="Whose key.")
    public_key: str = Field(description="The public key, Base64.")
    key_id: str = Field(description="Names the key among those of its owner.")
    algorithm: CipherName = Field(description="What media are encrypted with.")
    target_user_id: str | None = Field(default=None, description="Whom it is for; null: everybody.")


class RatchetUpdateRequest(Incoming):
    """A client has gone on to its next key. What it sends is for its receivers alone to use: a public ratchet key, or a
    key that is encrypted for them.
    """

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={
            "examples": [{"ratchet_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=", "chain_index": 7}]
        },
    )
    type_name: ClassVar[str] = "e2ee-ratchet-update"

    ratchet_key: Key = Field(description="Base64, 32 to 512 bytes.")
    chain_index: int = Field(ge=0, le=MAX_CHAIN_INDEX, description="How many steps the ratchet has gone.")
    target_user_id: Username | None = Field(default=None, description="Only for this participant; absent: everybody.")


class RatchetUpdate(Outgoing):
    """A participant has gone on to its next key. Goes to the others, or to the one it is for; nothing of it is kept."""

    type_name: ClassVar[str] = "e2ee-ratchet-update"

    user_id: str = Field(description="Who.")
    ratchet_key: str = Field(description="Base64.")
    chain_index: int = Field(description="How many steps the ratchet has gone.")
    timestamp: str = Field(description="When, by the server's clock, ISO 8601 in UTC.")
    target_user_id: str | None = Field(default=None, description="Whom it is for; null: everybody.")


class KeptKey(BaseModel):
    """A public key as it is kept."""

    model_config = ConfigDict(frozen=True)

    public_key: str
    key_id: str
    algorithm: CipherName
    kept_unix: float
