"""Sending files from one participant to another. The bytes go between the two; the server knows how far they are."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from signaling.messages.base import Incoming, Outgoing, Username

MAX_NAME_CHARACTERS = 255
MAX_SIZE_BYTES = 2**50
_EXAMPLE: JsonDict = {
    "transfer_id": "Zr0qkXyq8hJ5uKc1vTQe",
    "sender_id": "alice",
    "receiver_id": "bob",
    "file_name": "plan.pdf",
    "file_size": 1_048_576,
    "file_type": "application/pdf",
    "checksum": None,
    "bytes_transferred": 0,
    "progress_percentage": 0.0,
    "status": "offered",
    "offered_at": "2026-11-24T09:00:00.000Z",
    "reason": None,
}
# No way into another folder, no control characters, none that turn the direction of writing (exe.jpg may be gpj.exe).
_bad_in_name = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class TransferStatus(StrEnum):
    """How far a transfer is."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    PROGRESS = "progress"
    COMPLETE = "complete"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"


def _is_file_name(value: str) -> str:
    if _bad_in_name.search(value) is not None or not value.strip(" ."):
        raise ValueError("a plain file name is needed, without folders and invisible characters")
    return value


TransferId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Checksum = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS), AfterValidator(_is_file_name)
]
MediaType = Annotated[
    str,
    StringConstraints(
        max_length=127, to_lower=True, pattern=r"^[A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63}$"
    ),
]
Bytes = Annotated[int, Field(ge=0, le=MAX_SIZE_BYTES)]
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]


class TransferInfo(BaseModel):
    """A transfer, as the two it is between are told of it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    transfer_id: str = Field(description="Identifies the transfer in this room.")
    sender_id: str = Field(description="Who sends the file.")
    receiver_id: str = Field(description="Who gets it.")
    file_name: str = Field(description="Its name.")
    file_size: int = Field(description="Its size in bytes.")
    file_type: str = Field(description="Its media type, as the sender says.")
    checksum: str | None = Field(description="SHA-256 of the whole file in hex, once the sender has told it.")
    bytes_transferred: int = Field(description="How much the receiver has written.")
    progress_percentage: float = Field(description="The same in percent.")
    status: TransferStatus = Field(description="How far it is.")
    offered_at: str = Field(description="When it was offered, ISO 8601 in UTC.")
    reason: str | None = Field(default=None, description="Why it was rejected, cancelled, or has failed.")


class FileOfferRequest(Incoming):
    """A client offers a file to one participant. Needs `can_send_chat` and the setting `enable_chat`, as other ways to
    address somebody. The answer is the same message with the `transfer_id` that the server gave.
    """

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "receiver_id": "bob",
                    "file_name": "plan.pdf",
                    "file_size": 1_048_576,
                    "file_type": "application/pdf",
                }
            ]
        },
    )
    type_name: ClassVar[str] = "file-share-offer"

    receiver_id: Username = Field(description="Who is to get it; must be in the same breakout or main room.")
    file_name: FileName = Field(description="Its name, without folders.")
    file_size: Bytes = Field(description="Its size in bytes.")
    file_type: MediaType = Field(default="application/octet-stream", description="Its media type.")
    checksum: Checksum | None = Field(
        default=None, description="SHA-256 of the file in hex; may follow with the last `file-share-progress`."
    )


class FileAcceptRequest(Incoming):
    """The receiver takes a file, or goes on with one that was interrupted: the sender sends from `offset` on."""

    type_name: ClassVar[str] = "file-share-accept"

    transfer_id: TransferId = Field(description="The transfer.")
    offset: Bytes = Field(default=0, description="How many bytes the receiver has already.")


class FileRejectRequest(Incoming):
    """The receiver declines an offer, or either of the two ends a transfer that is under way."""

    type_name: ClassVar[str] = "file-share-reject"

    transfer_id: TransferId = Field(description="The transfer.")
    reason: Reason | None = Field(
        default=None, description="A code such as `declined`, `cancelled`, `no_space`, `timeout`."
    )


class FileProgressRequest(Incoming):
    """How far it is. What the receiver says counts; the sender tells the checksum with it, at the latest at the end."""

    type_name: ClassVar[str] = "file-share-progress"

    transfer_id: TransferId = Field(description="The transfer.")
    bytes_transferred: Bytes = Field(description="Bytes that were written, or sent.")
    checksum: Checksum | None = Field(default=None, description="SHA-256 of the whole file in hex; from its sender.")


class FileCompleteRequest(Incoming):
    """The receiver has the whole file. It is `complete` if both have the same checksum, else `failed`."""

    type_name: ClassVar[str] = "file-share-complete"

    transfer_id: TransferId = Field(description="The transfer.")
    checksum: Checksum = Field(description="SHA-256 of what was written, in hex.")


class FileOffer(TransferInfo, Outgoing):
    """A file is offered. Goes to the two alone, as all messages on files."""

    model_config = ConfigDict(frozen=True)
    type_name: ClassVar[str] = "file-share-offer"


class FileAccept(TransferInfo, Outgoing):
    """The receiver waits for the bytes from `offset` on: the sender now opens a data channel to it, or sends over the
    relay.
    """

    model_config = ConfigDict(frozen=True)
    type_name: ClassVar[str] = "file-share-accept"

    offset: int = Field(description="How many bytes the receiver has already.")


class FileReject(TransferInfo, Outgoing):
    """A transfer has ended without the file: see `status` and `reason`."""

    model_config = ConfigDict(frozen=True)
    type_name: ClassVar[str] = "file-share-reject"

    rejected_by: str | None = Field(description="Who ended it; null: the server, because one of the two left.")


class FileProgress(TransferInfo, Outgoing):
    """How far a transfer is."""

    model_config = ConfigDict(frozen=True)
    type_name: ClassVar[str] = "file-share-progress"


class FileComplete(TransferInfo, Outgoing):
    """A transfer is over: `complete`, or `failed` with the reason `checksum_mismatch`."""

    model_config = ConfigDict(frozen=True)
    type_name: ClassVar[str] = "file-share-complete"
