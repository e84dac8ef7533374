"""The OpenAPI document is whole and true."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr
from redis.asyncio import Redis

from sfu.engine import Engine
from signaling.app import create_app
from signaling.options import AuthOptions, SignalingOptions
from streaming import whep, whip
from tests.unit.signaling.engine_double import EngineDouble


def document() -> dict[str, Any]:
    app = create_app(
        options=SignalingOptions(auth=AuthOptions(secret=SecretStr("s" * 32))),
        engine=cast(Engine, EngineDouble()),
        redis=Redis(),
        web_root=Path("/nowhere"),
        media_routers=(whip.create_router, whep.create_router),
    )
    return app.openapi()


def test_openapi_is_whole() -> None:
    openapi = document()
    text = str(openapi)
    assert "HTTPValidationError" not in text
    ids = []
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            ids.append(operation["operationId"])
            assert operation.get("summary"), (method, path)
            assert operation.get("tags"), (method, path)
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert "ErrorBody" in str(response["content"]), (method, path, status)
    assert len(ids) == len(set(ids))
    references = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= openapi["components"]["schemas"].keys()
