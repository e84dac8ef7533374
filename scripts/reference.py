"""docs/messages.md from the models: messages, errors and close codes as the server knows them.

``python -m scripts.reference`` writes it anew; a test holds it current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from signaling.catalogue import CATALOGUE, MessageType
from signaling.errors import CLOSE_CODES, ERRORS, ErrorBody
from signaling.rest.examples import example

TARGET = Path(__file__).resolve().parent.parent / "docs" / "messages.md"
_HEADER = """\
# Message reference

Written from the server's own models by `python -m scripts.reference`. How the messages play together is in
[protocol.md](protocol.md), the REST calls are in [rest.md](rest.md), TypeScript types in
[messages.d.ts](../web/static/sdk/messages.d.ts).

S→C goes from the server to a client, C→S the other way. Fields without a default are required."""


def reference() -> str:
    """The whole document."""
    schemas: dict[str, dict[str, Any]] = {}
    messages = [line for message in CATALOGUE.values() for line in _message(message, schemas)]
    parts = [_HEADER, "## Messages", *messages, *types(schemas), *_errors()]
    return "\n\n".join(parts) + "\n"


def _message(message: MessageType, schemas: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield f"### `{message.name}` ({message.direction})"
    if message.receives is not None:
        yield from _payload(message.receives, "C→S", schemas)
    if message.sends is not None:
        yield from _payload(message.sends, "S→C", schemas)
    if message.relays is not None:
        yield from _payload(message.relays, "S→C, from another participant", schemas)


def _payload(model: type[BaseModel], direction: str, schemas: dict[str, dict[str, Any]]) -> Iterator[str]:
    schema = model.model_json_schema(mode="validation" if direction == "C→S" else "serialization")
    schemas.update(schema.get("$defs", {}))
    yield f"{direction}: {schema.get('description', '')}"
    if schema.get("properties"):
        yield table(schema)
        yield f"```json\n{json.dumps(example(schema, schema.get('$defs', {})), ensure_ascii=False)}\n```"


def types(schemas: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A section for each type that others refer to."""
    yield "## Types"
    for name in sorted(schemas):
        schema = schemas[name]
        yield f"### {name}"
        yield str(schema.get("description", ""))
        if "enum" in schema:
            yield f"One of: {', '.join(f'`{value}`' for value in schema['enum'])}."
        elif schema.get("properties"):
            yield table(schema)


def table(schema: dict[str, Any]) -> str:
    """The fields of an object."""
    required = schema.get("required", [])
    lines = ["| field | type | default | what |", "|---|---|---|---|"]
    for name, field in schema["properties"].items():
        default = (
            ""
            if name in required or "default" not in field
            else f"`{json.dumps(field['default'], ensure_ascii=False)}`"
        )
        lines.append(f"| `{name}` | {_type(field)} | {default} | {cell(field.get('description', ''))} |")
    return "\n".join(lines)


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"object of {_type(field['additionalProperties'])}"
    return str(field.get("type", "any"))


def _errors() -> Iterator[str]:
    yield "## Errors"
    yield "The body of a refused REST call and the payload of an `error` message are the same:"
    yield table(ErrorBody.model_json_schema(mode="serialization"))
    lines = ["| code | status | means | what a client does |", "|---|---|---|---|"]
    lines += [f"| `{code}` | {kind.status} | {kind.meaning} | {kind.advice} |" for code, kind in ERRORS.items()]
    yield "\n".join(lines)
    yield "## Close codes of the WebSocket"
    lines = ["| code | means |", "|---|---|", *(f"| {code} | {meaning} |" for code, meaning in CLOSE_CODES.items())]
    yield "\n".join(lines)


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
