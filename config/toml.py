"""Settings as TOML text: the annotated example from the models, and the settings in force with secrets left out."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from config.settings import Settings
from config.tree import Path as KeyPath
from config.tree import branch, list_item

EXAMPLE_FILE = Path(__file__).with_name("plenum.example.toml")
HIDDEN = "***"
_WIDTH = 116
_HEADER = """\
Every setting of Plenum with its default. A setting without a default is commented out.

Read from --config FILE, else from the file that PLENUM_CONFIG names, else from ./plenum.toml.
Each one can be an environment variable too, which wins over the file: [auth] secret is PLENUM_AUTH__SECRET,
a list is written with commas. The command line wins over both.
"""


def example() -> str:
    """The annotated example file: every setting, its default, what it is for and what it may be."""
    lines = [*_comment(_HEADER), *_section(Settings(), (), annotated=True)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def render(settings: Settings) -> str:
    """The settings in force; secrets are replaced by asterisks."""
    return "\n".join(_section(settings, (), annotated=False)).strip() + "\n"


def as_json_values(settings: BaseModel) -> dict[str, Any]:
    """The settings in force as JSON has them; secrets are replaced by asterisks."""
    found: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            found[name] = as_json_values(value)
        else:
            found[name] = HIDDEN if isinstance(value, SecretStr) else TypeAdapter(Any).dump_python(value, mode="json")
    return found


def _section(values: BaseModel, path: KeyPath, *, annotated: bool) -> Iterator[str]:
    fields = type(values).model_fields
    for name, field in fields.items():
        if branch(field.annotation) is None:
            yield from _entry(name, field, getattr(values, name), annotated=annotated)
    for name, field in fields.items():
        if branch(field.annotation) is None:
            continue
        below = (*path, name)
        yield ""
        if annotated:
            yield from _comment(field.description or "")
        yield f"[{'.'.join(below)}]"
        yield from _section(getattr(values, name), below, annotated=annotated)


def _entry(name: str, field: FieldInfo, value: Any, *, annotated: bool) -> Iterator[str]:
    if annotated:
        yield from _comment(_about(field))
        yield f"{name} = {_value(value)}" if value is not None else f"# {name} = ..."
        yield ""
    elif value is not None:
        yield f"{name} = {_value(value if field.repr else HIDDEN)}"


def _about(field: FieldInfo) -> str:
    """Description, and the values that are possible where they are few."""
    text = field.description or ""
    item = list_item(field.annotation)
    if choices := _choices(item if item is not None else field.annotation):
        text += f" {'Any' if item is not None else 'One'} of: {', '.join(choices)}."
    if limits := _limits(field):
        text += f" {limits}."
    if item is not None and (model := branch(item)):
        keys = "; ".join(f"{key}: {inner.description}" for key, inner in model.model_fields.items())
        text += f" Each item is a table with {keys}"
    return text


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(choice.value) for choice in annotation]
    return []


def _limits(field: FieldInfo) -> str:
    least = next((m.ge for m in field.metadata if hasattr(m, "ge")), None)
    above = next((m.gt for m in field.metadata if hasattr(m, "gt")), None)
    most = next((m.le for m in field.metadata if hasattr(m, "le")), None)
    words = [
        f"at least {least}" if least is not None else "",
        f"more than {above}" if above is not None else "",
        f"at most {most}" if most is not None else "",
    ]
    said = ", ".join(word for word in words if word)
    return said[:1].upper() + said[1:]


def _comment(text: str) -> Iterator[str]:
    for paragraph in text.splitlines():
        for line in textwrap.wrap(paragraph, _WIDTH) or [""]:
            yield f"# {line}".rstrip()


def _value(value: Any) -> str:
    """A TOML value; JSON's strings, numbers and arrays are TOML's too, a table in an array is not."""
    match value:
        case SecretStr():
            return json.dumps(HIDDEN)
        case Enum():
            return _value(value.value)
        case bool() | int() | float():
            return json.dumps(value)
        case list() | tuple():
            return f"[{', '.join(_value(item) for item in value)}]"
        case BaseModel():
            pairs = ((k, v) for k, v in value if v is not None)
            return f"{{ {', '.join(f'{k} = {_value(v)}' for k, v in pairs)} }}"
        case Path():
            return json.dumps(str(value), ensure_ascii=False)
        case _:
            return json.dumps(value, ensure_ascii=False)
