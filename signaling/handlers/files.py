"""File transfers: what the two say to each other goes through here; the bytes do not."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Effects, ForgetEntry, SaveEntry, Send, Table
from signaling.errors import ErrorCode, RoomError
from signaling.files.rules import check_file
from signaling.files.transfer import Transfer
from signaling.messages.base import Outgoing
from signaling.messages.files import (
    FileAccept,
    FileAcceptRequest,
    FileComplete,
    FileCompleteRequest,
    FileOffer,
    FileOfferRequest,
    FileProgress,
    FileProgressRequest,
    FileReject,
    FileRejectRequest,
    TransferStatus,
)
from signaling.room import Participant, Room
from signaling.rules import find, require

_S = TransferStatus


def offer(room: Room, participant: Participant, message: FileOfferRequest, context: Context) -> Effects:
    """Offer a file to another participant."""
    options = context.options.files
    _check_allowed(room, participant, enabled=options.enabled)
    receiver = find(room, message.receiver_id)
    if receiver.username == participant.username:
        raise RoomError(ErrorCode.INVALID_MESSAGE, "That is you.", details={"field": "receiver_id"})
    if receiver.by_whip:
        raise RoomError(ErrorCode.NOT_SUPPORTED, "An encoder takes no files.", details={"user_id": receiver.username})
    if receiver.breakout_room_id != participant.breakout_room_id:
        raise RoomError(
            ErrorCode.INVALID_STATE,
            "That participant is in another breakout room.",
            details={"user_id": receiver.username},
        )
    check_file(message.file_name, message.file_size, message.file_type, options)
    for username in (participant.username, receiver.username):
        if len(room.files.open_of(username)) >= options.max_open:
            raise RoomError(
                ErrorCode.INVALID_STATE,
                "Too many transfers are under way.",
                details={"max_open": options.max_open, "user_id": username},
            )
    transfer = Transfer(
        transfer_id=context.new_id(),
        sender_id=participant.username,
        receiver_id=receiver.username,
        file_name=message.file_name,
        file_size=message.file_size,
        file_type=message.file_type,
        offered_unix=context.now_unix,
        checksum=message.checksum,
    )
    room.files.add(transfer)
    forgotten: Effects = [ForgetEntry(Table.FILES, gone) for gone in room.files.trim(options.max_remembered)]
    return [*_tell(transfer, participant, FileOffer(**transfer.info().model_dump())), *forgotten]


def accept(room: Room, participant: Participant, message: FileAcceptRequest, context: Context) -> Effects:
    """Take a file, or go on with it."""
    transfer = _find(room, participant, message.transfer_id)
    _only(participant, transfer.receiver_id, "Only its receiver accepts a file.")
    transfer.check(_S.ACCEPTED)
    find(room, transfer.sender_id)
    _check_size(transfer, message.offset, "offset")
    transfer.become(_S.ACCEPTED)
    transfer.bytes_transferred = message.offset
    return _tell(transfer, participant, FileAccept(**transfer.info().model_dump(), offset=message.offset))


def reject(room: Room, participant: Participant, message: FileRejectRequest, context: Context) -> Effects:
    """Decline an offer, or end what is under way."""
    transfer = _find(room, participant, message.transfer_id)
    declined = transfer.status is _S.OFFERED and participant.username == transfer.receiver_id
    return _end(transfer, participant.username, declined=declined, reason=message.reason)


def progress(room: Room, participant: Participant, message: FileProgressRequest, context: Context) -> Effects:
    """Tell how far it is."""
    transfer = _find(room, participant, message.transfer_id)
    _check_size(transfer, message.bytes_transferred, "bytes_transferred")
    transfer.check(_S.PROGRESS)
    if message.checksum is not None:
        _take_checksum(transfer, participant, message.checksum)
    transfer.become(_S.PROGRESS)
    if participant.username == transfer.receiver_id:
        transfer.bytes_transferred = message.bytes_transferred
    return _tell(transfer, participant, FileProgress(**transfer.info().model_dump()))


def complete(room: Room, participant: Participant, message: FileCompleteRequest, context: Context) -> Effects:
    """The receiver has everything: compare the checksums."""
    transfer = _find(room, participant, message.transfer_id)
    _only(participant, transfer.receiver_id, "Only its receiver completes a transfer.")
    transfer.check(_S.COMPLETE)
    if transfer.checksum is None:
        raise RoomError(
            ErrorCode.INVALID_STATE,
            "The sender has not told the checksum yet.",
            details={"transfer_id": transfer.transfer_id},
        )
    if message.checksum == transfer.checksum:
        transfer.become(_S.COMPLETE)
        transfer.bytes_transferred = transfer.file_size
    else:
        transfer.become(_S.FAILED)
        transfer.reason = "checksum_mismatch"
    return _tell(transfer, participant, FileComplete(**transfer.info().model_dump()))


def end_of(room: Room, username: str) -> Effects:
    """Somebody left for good: its transfers end, and the others are told."""
    effects: Effects = []
    for transfer in room.files.open_of(username):
        effects += _end(transfer, None, declined=False, reason="left")
    return effects


def _end(transfer: Transfer, by: str | None, *, declined: bool, reason: str | None) -> Effects:
    transfer.become(_S.REJECTED if declined else _S.CANCELLED)
    transfer.reason = reason or ("declined" if declined else "cancelled")
    told = FileReject(**transfer.info().model_dump(), rejected_by=by)
    return [
        *(
            Send(username, told, sender=by, reply=username == by)
            for username in (transfer.sender_id, transfer.receiver_id)
        ),
        SaveEntry(Table.FILES, transfer.transfer_id, transfer.saved()),
    ]


def _check_allowed(room: Room, participant: Participant, *, enabled: bool) -> None:
    if not enabled:
        raise RoomError(ErrorCode.NOT_SUPPORTED, "Files are not sent here.", details={"setting": "files.enabled"})
    require(participant, "can_send_chat")
    if not room.settings.enable_chat:
        raise RoomError(
            ErrorCode.PERMISSION_DENIED,
            "Chat and files are switched off in this room.",
            details={"setting": "enable_chat"},
        )


def _find(room: Room, participant: Participant, transfer_id: str) -> Transfer:
    """Their transfer; to everybody else it does not exist."""
    transfer = room.files.get(transfer_id)
    if transfer is None or participant.username not in (transfer.sender_id, transfer.receiver_id):
        raise RoomError(
            ErrorCode.TRANSFER_NOT_FOUND, "There is no such transfer.", details={"transfer_id": transfer_id}
        )
    return transfer


def _only(participant: Participant, username: str, sentence: str) -> None:
    if participant.username != username:
        raise RoomError(ErrorCode.PERMISSION_DENIED, sentence)


def _check_size(transfer: Transfer, figure: int, field: str) -> None:
    if figure > transfer.file_size:
        raise RoomError(
            ErrorCode.INVALID_MESSAGE,
            "The file is not so large.",
            details={"field": field, "file_size": transfer.file_size},
        )


def _take_checksum(transfer: Transfer, participant: Participant, checksum: str) -> None:
    _only(participant, transfer.sender_id, "Only its sender tells the checksum of a file.")
    if transfer.checksum not in (None, checksum):
        raise RoomError(ErrorCode.INVALID_STATE, "The sender has told another checksum.", details={"field": "checksum"})
    transfer.checksum = checksum


def _tell(transfer: Transfer, by: Participant, told: Outgoing) -> Effects:
    """To the two, and to nobody else."""
    other = transfer.other(by.username)
    return [
        Send(other, told, sender=by.username),
        Send(by.username, told, sender=by.username, reply=True),
        SaveEntry(Table.FILES, transfer.transfer_id, transfer.saved()),
    ]
