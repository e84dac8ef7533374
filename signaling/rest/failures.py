"""Every refused HTTP request gets the one error model."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from signaling.errors import ERRORS, ErrorCode, RoomError

log = structlog.get_logger("plenum.http")

_CODE_OF_STATUS = {
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    406: ErrorCode.NOT_ACCEPTABLE,
    413: ErrorCode.TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
}
_MAX_REPORTED_ERRORS = 5
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def install(app: FastAPI) -> None:
    """Answer all failures of ``app`` by the error model."""
    app.add_exception_handler(RoomError, _room_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def answer(error: RoomError) -> JSONResponse:
    """The response of a failure."""
    headers: dict[str, str] = {}
    if error.code is ErrorCode.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.code is ErrorCode.RATE_LIMITED and "limit" in error.details:
        headers["RateLimit-Limit"] = str(error.details["limit"])
        headers["RateLimit-Remaining"] = "0"
        headers["RateLimit-Reset"] = str(error.retry_after)
    return JSONResponse(error.body().model_dump(mode="json"), status_code=error.status, headers=headers)


async def _room_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RoomError)
    return answer(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found: list[dict[str, Any]] = [
        {"field": ".".join(str(part) for part in item["loc"]), "problem": item["msg"]}
        for item in error.errors()[:_MAX_REPORTED_ERRORS]
    ]
    return answer(RoomError(ErrorCode.INVALID_MESSAGE, "The request is not valid.", details={"errors": found}))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODE_OF_STATUS.get(error.status_code, ErrorCode.INVALID_MESSAGE)
    response = answer(RoomError(code, ERRORS[code].meaning))
    response.status_code = error.status_code
    response.headers.update(error.headers or {})
    if error.status_code == 405:
        response.headers["Allow"] = ", ".join(_allowed(request))
    return response


def _allowed(request: Request) -> list[str]:
    """The methods of an address (RFC 9110 section 15.5.6). The framework names those of one of its routes only."""

    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)

    return [method for method in _METHODS if is_served(method)]


async def _bug(request: Request, error: Exception) -> Response:
    # The path has no token in it; the query may have.
    log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return answer(RoomError(ErrorCode.INTERNAL, "The server failed to do this."))
