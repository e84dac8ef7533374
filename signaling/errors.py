"""Every failure a client can be told: its code, its one HTTP status, its meaning and what a client should do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class ErrorCode(StrEnum):
    """Stable codes of the error model, in REST bodies and in ``error`` messages alike."""

    UNAUTHORIZED = "unauthorized"
    PERMISSION_DENIED = "permission_denied"
    RATE_LIMITED = "rate_limited"
    ROOM_FULL = "room_full"
    ROOM_LOCKED = "room_locked"
    ROOM_NOT_FOUND = "room_not_found"
    ROOM_CLOSED = "room_closed"
    USER_NOT_FOUND = "user_not_found"
    SESSION_NOT_FOUND = "session_not_found"
    MESSAGE_NOT_FOUND = "message_not_found"
    TRANSFER_NOT_FOUND = "transfer_not_found"
    STREAM_NOT_FOUND = "stream_not_found"
    RECORDING_NOT_FOUND = "recording_not_found"
    DUPLICATE_SESSION = "duplicate_session"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    REJECTED = "rejected"
    INVALID_MESSAGE = "invalid_message"
    INVALID_STATE = "invalid_state"
    NOT_SUPPORTED = "not_supported"
    MEDIA_FAILED = "media_failed"
    STORAGE_FAILED = "storage_failed"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_LARGE = "too_large"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"


class ErrorKind(NamedTuple):
    """One line of the reference: HTTP status, meaning, advice."""

    status: int
    meaning: str
    advice: str


ERRORS: dict[ErrorCode, ErrorKind] = {
    ErrorCode.UNAUTHORIZED: ErrorKind(
        401, "The token is missing, malformed, expired or wrongly signed.", "Get a new token."
    ),
    ErrorCode.PERMISSION_DENIED: ErrorKind(
        403, "The token is good, the right is missing.", "Do not repeat it; ask a host for the right."
    ),
    ErrorCode.RATE_LIMITED: ErrorKind(429, "A limit of this user is used up.", "Wait `retry_after` seconds."),
    ErrorCode.ROOM_FULL: ErrorKind(409, "The room holds as many as it may.", "Try again when somebody has left."),
    ErrorCode.ROOM_LOCKED: ErrorKind(423, "The host has locked the room.", "Ask the host to unlock it."),
    ErrorCode.ROOM_NOT_FOUND: ErrorKind(404, "No such room is open.", "Check the name, or open it by joining."),
    ErrorCode.ROOM_CLOSED: ErrorKind(410, "The room has ended.", "Leave the page of the room."),
    ErrorCode.USER_NOT_FOUND: ErrorKind(404, "That participant is not in the room.", "Refresh the participants."),
    ErrorCode.SESSION_NOT_FOUND: ErrorKind(404, "That WHIP or WHEP session has ended.", "Start a new one."),
    ErrorCode.MESSAGE_NOT_FOUND: ErrorKind(
        404, "There is no such chat message, or it is not for this user.", "Take it from the screen."
    ),
    ErrorCode.TRANSFER_NOT_FOUND: ErrorKind(
        404, "There is no such file transfer, or it is not this user's.", "Take it from the screen."
    ),
    ErrorCode.STREAM_NOT_FOUND: ErrorKind(404, "No such live stream runs.", "Refresh the live streams."),
    ErrorCode.RECORDING_NOT_FOUND: ErrorKind(404, "There is no such recording.", "Refresh the list."),
    ErrorCode.DUPLICATE_SESSION: ErrorKind(
        409, "This user is in the room already, from another window or device.", "Leave there first."
    ),
    ErrorCode.WAITING_FOR_APPROVAL: ErrorKind(403, "A host has to admit this user first.", "Wait to be admitted."),
    ErrorCode.REJECTED: ErrorKind(403, "A host has refused this user.", "Do not try again by yourself."),
    ErrorCode.INVALID_MESSAGE: ErrorKind(400, "The message follows no known form.", "Correct the client."),
    ErrorCode.INVALID_STATE: ErrorKind(
        409, "It cannot be done now: something has to happen first.", "Try again later or refresh the state."
    ),
    ErrorCode.NOT_SUPPORTED: ErrorKind(422, "Well-formed, but nothing here can do it.", "Offer something else."),
    ErrorCode.MEDIA_FAILED: ErrorKind(502, "A media connection has failed.", "Restart ICE, or join again."),
    ErrorCode.STORAGE_FAILED: ErrorKind(507, "A file could not be stored.", "Tell the operator."),
    ErrorCode.UNAVAILABLE: ErrorKind(503, "The server cannot serve this now.", "Try again after `retry_after`."),
    ErrorCode.INTERNAL: ErrorKind(500, "A fault of the server.", "Tell the operator; it is in the log."),
    ErrorCode.NOT_FOUND: ErrorKind(404, "No such address.", "Correct the client."),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorKind(405, "The address knows no such method.", "Correct the client."),
    ErrorCode.NOT_ACCEPTABLE: ErrorKind(406, "The client accepts no form this has.", "Correct `Accept`."),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: ErrorKind(415, "The body has the wrong type.", "Correct `Content-Type`."),
    ErrorCode.TOO_LARGE: ErrorKind(413, "The body is too large.", "Send less."),
    ErrorCode.PRECONDITION_FAILED: ErrorKind(
        412, "The ICE session named by `If-Match` is not the current one.", "Use the newest `ETag`."
    ),
    ErrorCode.PRECONDITION_REQUIRED: ErrorKind(428, "`If-Match` is missing.", "Send the `ETag` of the session."),
}


class CloseCode:
    """Close codes of the WebSocket beyond those of RFC 6455."""

    NORMAL: ClassVar[int] = 1000
    GOING_AWAY: ClassVar[int] = 1001
    INTERNAL: ClassVar[int] = 1011
    RESTART: ClassVar[int] = 1012
    TRY_LATER: ClassVar[int] = 1013
    BAD_REQUEST: ClassVar[int] = 4400
    UNAUTHORIZED: ClassVar[int] = 4401
    FORBIDDEN: ClassVar[int] = 4403
    TIMEOUT: ClassVar[int] = 4408
    ROOM_CLOSED: ClassVar[int] = 4404
    REPLACED: ClassVar[int] = 4409
    KICKED: ClassVar[int] = 4410
    FLOODED: ClassVar[int] = 4429


CLOSE_CODES: dict[int, str] = {
    CloseCode.NORMAL: "The client left.",
    CloseCode.GOING_AWAY: "The client's page was closed.",
    CloseCode.INTERNAL: "A fault of the server; join again.",
    CloseCode.RESTART: "The server restarts; join again.",
    CloseCode.TRY_LATER: "The client reads too slowly, or the server cannot serve it now; join again later.",
    CloseCode.BAD_REQUEST: "The room's name is not valid.",
    CloseCode.UNAUTHORIZED: "The token is missing, malformed, expired or wrongly signed; get a new one.",
    CloseCode.FORBIDDEN: "The token is good, but this room refuses it; the reason is the error code.",
    CloseCode.TIMEOUT: "Nothing was heard from the client for the time of a session; join again.",
    CloseCode.ROOM_CLOSED: "The room ended before the client, which waited, was admitted; joining opens it anew.",
    CloseCode.KICKED: "A host or moderator took the client out of the room; do not join again by yourself.",
    CloseCode.FLOODED: "The client sent far more than any client does (`rooms.flood_burst`); correct it.",
    CloseCode.REPLACED: "The same user joined elsewhere, or the session goes on elsewhere; do not join again.",
}


class ErrorBody(BaseModel):
    """The one error model: body of refused REST calls and payload of ``error`` messages."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error_code": "room_full",
                    "message": "The room holds 100 participants already.",
                    "details": {"max_participants": 100},
                    "retry_after": None,
                }
            ]
        }
    )

    error_code: ErrorCode = Field(description="What went wrong, stable for programs.")
    message: str = Field(description="What went wrong, for people.")
    details: dict[str, Any] = Field(default={}, description="What helps to correct it.")
    retry_after: int | None = Field(default=None, description="Seconds to wait before another try.")


class RoomError(Exception):
    """A user's failure: goes to that user with a stable code and is no fault of the server."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details or {}
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status of this failure."""
        return ERRORS[self.code].status

    @property
    def close_code(self) -> int:
        """The WebSocket close code of a join that fails with this."""
        if self.code is ErrorCode.UNAUTHORIZED:
            return CloseCode.UNAUTHORIZED
        if self.code is ErrorCode.INVALID_MESSAGE:
            return CloseCode.BAD_REQUEST
        if self.code in (ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED):
            return CloseCode.TRY_LATER
        if self.code is ErrorCode.INTERNAL:
            return CloseCode.INTERNAL
        return CloseCode.FORBIDDEN

    def body(self) -> ErrorBody:
        """The error model of this failure."""
        return ErrorBody(error_code=self.code, message=self.message, details=self.details, retry_after=self.retry_after)
