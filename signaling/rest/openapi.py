"""The OpenAPI document, true to how failures are answered."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from signaling.errors import ErrorBody
from signaling.rest import examples

_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
_UNUSED = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Serve the document of ``app`` at ``/openapi.json``, corrected.

    What is not valid is answered by 400 and the error model, never by 422.
    """
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.setdefault("ErrorBody", ErrorBody.model_json_schema(ref_template="#/components/schemas/{model}"))
            schemas.update(schemas["ErrorBody"].pop("$defs", {}))
            for name in _UNUSED:
                schemas.pop(name, None)
            examples.complete(schemas)
            for path in document["paths"].values():
                for operation in path.values():
                    _correct(operation["responses"])
                    examples.add_to(operation, schemas)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    lock, written = Lock(), b""

    # Not async: it takes a quarter of a second at first, in which packets would wait.
    @app.get("/openapi.json", include_in_schema=False)
    def openapi_json() -> Response:
        nonlocal written
        with lock:
            written = written or json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()
        return Response(written, media_type="application/json")


def _correct(responses: dict[str, Any]) -> None:
    invalid = responses.get("422", {})
    # FastAPI's own entry, not one of ours.
    if invalid.get("description") == "Validation Error":
        del responses["422"]
    for status, response in responses.items():
        if status >= "400":
            response["content"] = _ERROR
