"""The OpenAPI document is whole and true."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import jsonschema_rs
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


def test_every_body_and_every_answer_has_an_example_that_its_schema_allows() -> None:
    openapi = document()
    seen = 0
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (method, path, parameter["name"])
            contents = [
                r["content"] for status, r in operation["responses"].items() if status < "400" and "content" in r
            ]
            if "requestBody" in operation:
                contents.append(operation["requestBody"]["content"])
            for content in contents:
                entry = content.get("application/json")
                if entry is None:
                    continue
                validator = jsonschema_rs.validator_for({**entry["schema"], "components": openapi["components"]})
                wrong = [(error.message, error.instance_path) for error in validator.iter_errors(entry["example"])]
                assert wrong == [], (method, path)
                seen += 1
    assert seen > 60
    for name, schema in openapi["components"]["schemas"].items():
        validator = jsonschema_rs.validator_for({**schema, "components": openapi["components"]})
        for given in schema.get("examples", []):
            assert [(error.message, error.instance_path) for error in validator.iter_errors(given)] == [], name
