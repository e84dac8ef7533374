"""Callbacks that do not keep alive whom they call."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")


def weakly(method: Callable[P, None]) -> Callable[P, None]:
    """``method`` of an object, for what belongs to that object; once it is gone the call does nothing.

    A plain bound method would tie both together until the garbage collector finds them.
    """
    found = weakref.WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        alive = found()
        if alive is not None:
            alive(*args, **kwargs)

    return call
