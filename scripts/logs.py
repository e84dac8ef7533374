"""The log: one line an event, coloured on a terminal and JSON elsewhere, and nothing secret in it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

from config.options import LoggingOptions

HIDDEN = "***"
_SECRET_KEYS = re.compile(r"(?i)(^|_)(token|secret|password|credential|authorization|invite|key|pwd|sdp)$")
_SECRET_TEXT = (
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JWT, wherever it stands
    (re.compile(r"(?i)\b(token|access_token|invite|secret|password)=[^&\s\"'\\]+"), rf"\1={HIDDEN}"),
    (re.compile(r"(?i)\bbearer\s+[^\s\"'\\]+"), f"Bearer {HIDDEN}"),
    (re.compile(r"(\w://)[^/@\s\"']*@"), rf"\1{HIDDEN}@"),  # user and password of a URL
    (re.compile(r"(?i)(a=ice-pwd:)\S+"), rf"\1{HIDDEN}"),
)
# Each request to another shard or a receiver of webhooks would be a line.
QUIET = dict.fromkeys(("asyncio", "uvicorn", "aiortc", "httpx", "httpcore"), logging.WARNING)

EventDict = MutableMapping[str, Any]


def configure(options: LoggingOptions, stream: TextIO | None = None) -> None:
    """Send the events of structlog and of the standard library to ``stream`` (default: standard error)."""
    stream = stream or sys.stderr
    as_json = options.format == "json" or (options.format == "auto" and not stream.isatty())
    level = logging.getLevelNamesMapping()[options.level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=as_json),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.UnicodeDecoder(),
        hide_values,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_renderers(as_json, colors=not as_json and stream.isatty()),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
    logging.captureWarnings(True)


def _renderers(as_json: bool, *, colors: bool) -> list[Any]:
    if as_json:
        return [structlog.processors.format_exc_info, scrubbed(structlog.processors.JSONRenderer())]
    console = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    return [scrubbed(console)]


def hide_values(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace the values of fields whose name says that they are secret."""
    for name in event:
        if _SECRET_KEYS.search(name) and event[name] is not None:
            event[name] = HIDDEN
    return event


def scrubbed(render: Callable[..., Any]) -> Callable[[Any, str, EventDict], str]:
    """Wrap a renderer so that tokens and passwords inside of texts and tracebacks are replaced, too."""

    def scrub(logger: Any, method: str, event: EventDict) -> str:
        return scrub_text(str(render(logger, method, event)))

    return scrub


def scrub_text(text: str) -> str:
    """``text`` without anything that looks like a token, a password of a URL or an ICE password."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text
