"""Transfer: one file on its way from one participant to another, and all transfers of a room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from signaling.envelope import iso_utc
from signaling.errors import ErrorCode, RoomError
from signaling.messages.files import TransferInfo, TransferStatus

_S = TransferStatus
_OVER = frozenset({_S.COMPLETE, _S.REJECTED, _S.CANCELLED, _S.FAILED})
# What may follow what. Accepting anew is how an interrupted transfer goes on.
_NEXT: dict[TransferStatus, frozenset[TransferStatus]] = {
    _S.OFFERED: frozenset({_S.ACCEPTED, _S.REJECTED, _S.CANCELLED}),
    _S.ACCEPTED: frozenset({_S.ACCEPTED, _S.PROGRESS, _S.COMPLETE, _S.FAILED, _S.CANCELLED}),
    _S.PROGRESS: frozenset({_S.ACCEPTED, _S.PROGRESS, _S.COMPLETE, _S.FAILED, _S.CANCELLED}),
    **{over: frozenset() for over in _OVER},
}


class _Saved(BaseModel):
    """A transfer as it is kept in Redis."""

    transfer_id: str
    sender_id: str
    receiver_id: str
    file_name: str
    file_size: int
    file_type: str
    offered_unix: float
    checksum: str | None = None
    bytes_transferred: int = 0
    status: TransferStatus = TransferStatus.OFFERED
    reason: str | None = None


@dataclass(slots=True)
class Transfer:
    """One file. ``bytes_transferred``: what the receiver has written."""

    transfer_id: str
    sender_id: str
    receiver_id: str
    file_name: str
    file_size: int
    file_type: str
    offered_unix: float
    checksum: str | None = None
    bytes_transferred: int = 0
    status: TransferStatus = TransferStatus.OFFERED
    reason: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing can follow any more."""
        return self.status in _OVER

    def other(self, username: str) -> str:
        """The other one of the two."""
        return self.receiver_id if username == self.sender_id else self.sender_id

    def check(self, status: TransferStatus) -> None:
        """Raises RoomError ``invalid_state`` when that cannot follow now."""
        if status not in _NEXT[self.status]:
            raise RoomError(
                ErrorCode.INVALID_STATE,
                f"The transfer is {self.status.value}.",
                details={"transfer_id": self.transfer_id, "status": self.status.value},
            )

    def become(self, status: TransferStatus) -> None:
        """Go on to ``status``; raises RoomError ``invalid_state``."""
        self.check(status)
        self.status = status

    def info(self) -> TransferInfo:
        """What the two are told."""
        percent = 100.0 * self.bytes_transferred / self.file_size if self.file_size else 100.0 * self.is_over
        return TransferInfo(
            transfer_id=self.transfer_id,
            sender_id=self.sender_id,
            receiver_id=self.receiver_id,
            file_name=self.file_name,
            file_size=self.file_size,
            file_type=self.file_type,
            checksum=self.checksum,
            bytes_transferred=self.bytes_transferred,
            progress_percentage=round(percent, 2),
            status=self.status,
            offered_at=iso_utc(self.offered_unix),
            reason=self.reason,
        )

    def saved(self) -> str:
        """As it is kept."""
        return _Saved(**{name: getattr(self, name) for name in _Saved.model_fields}).model_dump_json()


def restored(text: str) -> Transfer | None:
    """A transfer as it was kept; None for what another version has written."""
    try:
        return Transfer(**dict(_Saved.model_validate_json(text)))
    except ValidationError:
        return None


class TransferBook:
    """All transfers of a room, the oldest first; what is over is forgotten when there are too many."""

    def __init__(self) -> None:
        self._transfers: dict[str, Transfer] = {}

    def __len__(self) -> int:
        return len(self._transfers)

    def __iter__(self) -> Iterator[Transfer]:
        return iter(self._transfers.values())

    def get(self, transfer_id: str) -> Transfer | None:
        """The transfer of that id."""
        return self._transfers.get(transfer_id)

    def open_of(self, username: str) -> list[Transfer]:
        """What is under way from or to a user."""
        return [t for t in self._transfers.values() if not t.is_over and username in (t.sender_id, t.receiver_id)]

    def completed(self) -> int:
        """How many files have arrived, of those that are remembered."""
        return sum(t.status is TransferStatus.COMPLETE for t in self._transfers.values())

    def add(self, transfer: Transfer) -> None:
        """Remember one more."""
        self._transfers[transfer.transfer_id] = transfer

    def trim(self, most: int) -> list[str]:
        """Forget the oldest that are over until ``most`` are left; their ids."""
        excess = len(self._transfers) - most
        gone = [t.transfer_id for t in self._transfers.values() if t.is_over][: max(0, excess)]
        for transfer_id in gone:
            del self._transfers[transfer_id]
        return gone
