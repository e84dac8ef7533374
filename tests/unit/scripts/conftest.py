"""Commands configure the log of the whole process; a test that runs one within itself must not leave that behind."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from scripts import logs


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    root.handlers, level = before
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)
    logging.captureWarnings(False)
    structlog.reset_defaults()
