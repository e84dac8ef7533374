"""docs/rest.md from the OpenAPI document: every REST call with what it takes, gives and refuses.

``python -m scripts.rest_reference`` writes it anew; a test holds it current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from scripts.app import build_app
from scripts.reference import cell, types
from sfu.engine import Engine
from sfu.options import MediaOptions
from signaling.options import AuthOptions, SignalingOptions
from signaling.redis_client import connect

TARGET = Path(__file__).resolve().parent.parent / "docs" / "rest.md"
_METHODS = ("get", "post", "patch", "delete", "options")
_HEADER = """\
# REST reference

Written from the server's own models by `python -m scripts.rest_reference`. A running server shows the same at `/docs`
(Swagger UI) and `/redoc`, and gives it to programs at `/openapi.json`.

Calls carry a participant's token: `Authorization: Bearer …`. What a call changes, it changes by the handler of a
message: rules, limits and effects are those of the [message reference](messages.md). Refusals have the one error model
that is described [there](messages.md#errors); what counts for a limit tells of it by `RateLimit-*` headers, and a 429
by `Retry-After`."""


def rest_reference() -> str:
    """The whole document."""
    document = openapi()
    schemas = document["components"]["schemas"]
    parts = [_HEADER]
    for tag in document["tags"]:
        parts += [f"## {tag['name'].capitalize()}", tag["description"]]
        for path, operations in document["paths"].items():
            for method in _METHODS:
                if method in operations and tag["name"] in operations[method]["tags"]:
                    parts += _operation(method, path, operations[method])
    shown = {name: schema for name, schema in schemas.items() if not name.startswith("Body_")}
    return "\n\n".join([*parts, *types(shown)]) + "\n"


def openapi() -> dict[str, Any]:
    """The OpenAPI document; nothing is started for it."""
    options = SignalingOptions(auth=AuthOptions(secret=SecretStr("only-to-read-the-routes-of-the-server")))
    app = build_app(options, Engine(MediaOptions()), connect("redis://localhost", options.redis))
    document: dict[str, Any] = app.openapi()
    return document


def _operation(method: str, path: str, about: dict[str, Any]) -> Iterator[str]:
    yield f"### {method.upper()} `{path}`"
    yield (
        ". ".join(
            part.rstrip(".") for part in (about["summary"], " ".join(about.get("description", "").split())) if part
        )
        + "."
    )
    if about.get("parameters"):
        lines = ["| parameter | in | what |", "|---|---|---|"]
        for parameter in about["parameters"]:
            what = cell(parameter.get("description") or parameter["schema"].get("description", ""))
            lines.append(f"| `{parameter['name']}` | {parameter['in']} | {what} |")
        yield "\n".join(lines)
    body = about.get("requestBody")
    if body is not None:
        yield from _content("Body" if body.get("required") else "Body, which may be absent", body["content"])
    for status, response in about["responses"].items():
        if status < "400":
            yield from _content(f"Answer {status}", response.get("content", {}))
    yield (
        "Refusals: "
        + ", ".join(
            f"{status} ({cell(response['description']).rstrip('.')})"
            for status, response in about["responses"].items()
            if status >= "400"
        )
        + "."
        if any(status >= "400" for status in about["responses"])
        else "It refuses nobody."
    )


def _content(title: str, content: dict[str, Any]) -> Iterator[str]:
    if not content:
        yield f"{title}, without a body."
    for media_type, entry in content.items():
        name = _named(entry.get("schema", {}))
        of_type = f": [{name}](#{name.lower()})" if name else ""
        yield f"{title}, `{media_type}`{of_type}"
        if media_type == "application/json" and "example" in entry:
            yield f"```json\n{json.dumps(entry['example'], ensure_ascii=False)}\n```"


def _named(schema: dict[str, Any]) -> str:
    for option in (schema, *schema.get("anyOf", ())):
        if "$ref" in option:
            return str(option["$ref"]).rpartition("/")[2]
    return ""


if __name__ == "__main__":
    TARGET.write_text(rest_reference(), encoding="utf-8")
