"""Questions about the settings tree: which keys exist where, of which type, and which is nearest to a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Path = tuple[str, ...]


def branch(annotation: Any) -> type[BaseModel] | None:
    """The model that ``annotation`` stands for, also inside ``X | None``; None for a leaf."""
    for candidate in _alternatives(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def list_item(annotation: Any) -> Any | None:
    """The type of the items if ``annotation`` is a list (or list or None), else None."""
    for candidate in _alternatives(annotation):
        if get_origin(candidate) is list:
            return get_args(candidate)[0]
    return None


def find(model: type[BaseModel], path: Path) -> FieldInfo | None:
    """The field at ``path`` below ``model``, also inside the items of a list; None if there is none."""
    field: FieldInfo | None = None
    here: type[BaseModel] | None = model
    for name in path:
        field = here.model_fields.get(name) if here else None
        if field is None:
            return None
        here = branch(field.annotation) or branch(list_item(field.annotation))
    return field


def leaves(model: type[BaseModel], above: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """Every leaf below ``model`` with its path, in the order in which they are declared."""
    for name, field in model.model_fields.items():
        inner = branch(field.annotation)
        if inner is None:
            yield (*above, name), field
        else:
            yield from leaves(inner, (*above, name))


def nearest(model: type[BaseModel], path: Path) -> Path | None:
    """The existing path that a reader of the unknown ``path`` would most probably have meant.

    A sibling wins; else the path that is similar as a whole; else one that ends in a very similar name.
    """
    known = [leaf for leaf, _ in leaves(model)] + list(_branches(model))
    parent = find(model, path[:-1])
    here = model if len(path) == 1 else parent and (branch(parent.annotation) or branch(list_item(parent.annotation)))
    siblings = here.model_fields if here else {}
    # PLENUM_MEDIA_PORT: the right words, with one underscore where two are needed.
    same_words = (p for p in known if "_".join(p) == "_".join(path))
    if words := next(same_words, None):
        return words
    if sibling := similar(path[-1], siblings):
        return (*path[:-1], sibling)
    whole = {".".join(p): p for p in known if len(p) == len(path)}
    if found := similar(".".join(path), whole):
        return whole[found]
    elsewhere = {p[-1]: p for p in reversed(known)}
    if found := similar(path[-1], elsewhere, cutoff=0.8):
        return elsewhere[found]
    return None


def similar(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of ``known`` that ``word`` is most probably a misspelling of."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def _branches(model: type[BaseModel], above: Path = ()) -> Iterator[Path]:
    for name, field in model.model_fields.items():
        if inner := branch(field.annotation):
            yield (*above, name)
            yield from _branches(inner, (*above, name))


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, UnionType):
        return get_args(annotation)
    return (annotation,)
