"""TypeScript types of all messages, from the server's models; ``python -m scripts.typescript`` writes them anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from signaling.catalogue import CATALOGUE
from signaling.errors import ErrorBody

TARGET = Path(__file__).resolve().parent.parent / "web" / "static" / "sdk" / "messages.d.ts"
Mode = Literal["validation", "serialization"]
_REF = "#/$defs/"
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_HEADER = """\
// Types of all messages. Written from the server's own models by `make docs`: do not edit.
// What they mean is in docs/messages.md; how they play together, in docs/protocol.md."""
_ENVELOPES = """\
/** What a client sends. With an `id`, the answer carries it as `reply_to`. */
export type ClientMessage = {
  [T in keyof ClientPayloads]: { type: T; payload: ClientPayloads[T]; id?: string };
}[keyof ClientPayloads];

/** What the server sends. */
export type ServerMessage = {
  [T in keyof ServerPayloads]: {
    type: T;
    payload: ServerPayloads[T];
    /** Username of who caused it; null: the server. */
    sender: string | null;
    /** ISO 8601 in UTC. */
    timestamp: string;
    /** One more with each message of a session. */
    seq: number;
    /** The `id` of the message that this answers. */
    reply_to?: string;
  };
}[keyof ServerPayloads];"""


def typescript() -> str:
    """The whole file."""
    sent = {name: [line.receives] for name, line in CATALOGUE.items() if line.receives is not None}
    got = {
        name: [model for model in (line.sends, line.relays) if model is not None]
        for name, line in CATALOGUE.items()
        if line.sends is not None or line.relays is not None
    }
    inputs: list[tuple[type[BaseModel], Mode]] = [
        *((model, "validation") for models in sent.values() for model in models),
        *((model, "serialization") for models in got.values() for model in models),
        (ErrorBody, "serialization"),
    ]
    names, document = models_json_schema(inputs)
    schemas = document["$defs"]
    optional = _reached([names[model, "validation"] for models in sent.values() for model in models], schemas)
    parts = [_HEADER, *(_declaration(name, schemas[name], whole=name not in optional) for name in sorted(schemas))]
    parts.append(_table("ClientPayloads", "Payloads that a client sends, by type.", sent, names, "validation"))
    parts.append(_table("ServerPayloads", "Payloads that the server sends, by type.", got, names, "serialization"))
    return "\n\n".join([*parts, _ENVELOPES]) + "\n"


def _reached(schema: Any, schemas: dict[str, Any]) -> set[str]:
    """The names of all types that a client writes. Of the others every field is there: the server sends them whole."""
    waiting, found = [schema], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            reference = item.get("$ref")
            if isinstance(reference, str) and reference not in found:
                found.add(reference)
                waiting.append(schemas[reference.removeprefix(_REF)])
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return {reference.removeprefix(_REF) for reference in found}


def _table(name: str, about: str, models: Mapping[str, Sequence[type[BaseModel]]], names: Any, mode: Mode) -> str:
    lines = [f"/** {about} */", f"export interface {name} {{"]
    for message_type, options in models.items():
        found = " | ".join(_type(names[model, mode]) for model in options)
        lines.append(f'  "{message_type}": {found};')
    return "\n".join([*lines, "}"])


def _declaration(name: str, schema: dict[str, Any], *, whole: bool) -> str:
    comment = "\n".join(_comment(schema.get("description", ""), ""))
    if schema.get("properties"):
        body = "\n".join(_fields(schema, whole=whole))
        return f"{comment}\nexport interface {_name(name)} {{\n{body}\n}}"
    if "properties" in schema or schema == {"type": "object"}:
        # A payload without fields.
        return f"{comment}\nexport type {_name(name)} = Record<string, unknown>;"
    return f"{comment}\nexport type {_name(name)} = {_type(schema)};"


def _fields(schema: dict[str, Any], *, whole: bool) -> Iterator[str]:
    space = "  "
    required = schema["properties"] if whole else schema.get("required", [])
    for name, field in schema["properties"].items():
        yield from _comment(field.get("description", ""), space)
        key = name if _IDENTIFIER.fullmatch(name) else json.dumps(name)
        yield f"{space}{key}{'' if name in required else '?'}: {_type(field)};"
    if schema.get("additionalProperties") is True:
        yield f"{space}[further: string]: unknown;"


def _type(schema: Any) -> str:
    if schema is True or schema == {}:
        return "unknown"
    if "$ref" in schema:
        return _name(schema["$ref"].removeprefix(_REF))
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " | ".join(dict.fromkeys(_type(option) for option in options))
    kind = schema.get("type")
    if kind == "array":
        return f"Array<{_type(schema.get('items', {}))}>"
    if kind == "object":
        return f"Record<string, {_type(schema.get('additionalProperties', {}))}>"
    return _SCALARS.get(str(kind), "unknown")


def _name(name: str) -> str:
    return re.sub(r"\W", "", name)


def _comment(text: str, space: str) -> list[str]:
    words = " ".join(text.split()).replace("*/", "*\\/")
    return [f"{space}/** {words} */"] if words else []


if __name__ == "__main__":
    TARGET.write_text(typescript(), encoding="utf-8")
