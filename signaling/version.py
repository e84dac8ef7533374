"""The version of the server."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("plenum")
except PackageNotFoundError:  # run from a tree that was never installed
    VERSION = "0.0.0"
