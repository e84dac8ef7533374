"""Traces of joins: what it took from the first byte of a client's socket until its media flowed, step by step.

What makes spans of it for OpenTelemetry is behind a port: without it nothing is written down.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Protocol

from starlette.types import Scope

from signaling.scopes import header_of, with_header

HEADER = b"traceparent"
"""W3C Trace Context: a caller's trace goes on in ours."""
MAX_HEADER_BYTES = 256
SETTLED_S = 3.0
"""A join is over when all that was begun is connected, and nothing has happened for so long."""
LONGEST_S = 30.0
_NS = 1_000_000_000

Attributes = Mapping[str, str | int | float | bool]


class OpenSpan(Protocol):
    """A span that has begun. Times are Unix times in nanoseconds."""

    @property
    def traceparent(self) -> str:
        """What another process needs to go on below it."""
        ...

    def child(self, name: str, start_ns: int, end_ns: int, attributes: Attributes, error: str = "") -> None:
        """Write down a step that is over."""
        ...

    def end(self, end_ns: int, attributes: Attributes, error: str = "") -> None:
        """Write down the span itself."""
        ...


class Tracer(Protocol):
    """Where spans go."""

    def start(self, name: str, parent: str, start_ns: int, attributes: Attributes) -> OpenSpan:
        """Begin a span below ``parent``, a header's value (may be empty or nonsense)."""
        ...


class JoinTrace:
    """One join. Steps are written down as they end; the whole ends with the last of them."""

    def __init__(self, span: OpenSpan, now_ns: int) -> None:
        self.span = span
        self.began_ns = self.last_ns = now_ns
        self._connecting: dict[str, int] = {}
        self._attributes: dict[str, str | int | float | bool] = {}
        self._error = ""

    def step(self, name: str, start_ns: int, end_ns: int, error: str = "", **attributes: str) -> None:
        """Something was done."""
        self.last_ns = max(self.last_ns, end_ns)
        self.span.child(name, start_ns, end_ns, attributes, error)

    def note(self, error: str = "", **attributes: str | bool) -> None:
        """Something to know of the whole."""
        self._attributes |= attributes
        self._error = self._error or error

    def on_transport(self, leg: str, state: str, now_ns: int) -> None:
        """A Transport connects, is connected, or has failed."""
        if state == "connecting":
            self._connecting.setdefault(leg, now_ns)
            self.last_ns = max(self.last_ns, now_ns)
        elif leg in self._connecting:
            error = "" if state == "connected" else state
            self.step(f"connect {leg} transport", self._connecting.pop(leg), now_ns, error, leg=leg)

    def is_settled(self, now_ns: int) -> bool:
        """Whether nothing more is to come."""
        quiet = not self._connecting and now_ns - self.last_ns > SETTLED_S * _NS
        return quiet or now_ns - self.began_ns > LONGEST_S * _NS

    def end(self) -> None:
        """Write the whole down."""
        for leg, start_ns in self._connecting.items():
            self.step(f"connect {leg} transport", start_ns, max(start_ns, self.last_ns), "never connected", leg=leg)
        self._connecting.clear()
        self.span.end(self.last_ns, self._attributes, self._error)


current: ContextVar[JoinTrace | None] = ContextVar("join trace", default=None)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Write the block down as a step of the join that this task is about, if it is about one that is traced."""
    trace = current.get()
    if trace is None:
        yield
        return
    start_ns = time.time_ns()
    error = ""
    try:
        yield
    except BaseException as failure:
        error = type(failure).__name__
        raise
    finally:
        trace.step(name, start_ns, time.time_ns(), error)


class JoinTraces:
    """The joins of this process that are under way."""

    def __init__(self, tracer: Tracer, shard_id: str = "", clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._tracer = tracer
        self._shard_id = shard_id
        self._clock_ns = clock_ns
        self._going: dict[tuple[str, str], JoinTrace] = {}

    def begin(self, room_id: str, parent: bytes | None, request_id: str) -> JoinTrace:
        """A client is at the door."""
        now_ns = self._clock_ns()
        attributes = {"plenum.room": room_id, "plenum.shard": self._shard_id, "plenum.request": request_id}
        trace = JoinTrace(self._tracer.start("join", header_text(parent), now_ns, attributes), now_ns)
        current.set(trace)
        return trace

    def refused(self, trace: JoinTrace, code: str) -> None:
        """It does not come in."""
        trace.note(code, **{"plenum.outcome": "refused"})
        trace.last_ns = self._clock_ns()
        trace.end()
        current.set(None)

    def entered(self, trace: JoinTrace, room_id: str, username: str, outcome: str) -> None:
        """It is in the room, or waits before it: what it does next belongs to its join."""
        trace.note(**{"plenum.participant": username, "plenum.outcome": outcome})
        trace.last_ns = self._clock_ns()
        current.set(None)
        earlier = self._going.pop((room_id, username), None)
        if earlier is not None:
            earlier.end()
        self._going[(room_id, username)] = trace

    def find(self, room_id: str, username: str) -> JoinTrace | None:
        """The join of a participant, while it goes on."""
        return self._going.get((room_id, username)) if self._going else None

    def on_message(self, room_id: str, username: str, kind: str, since: float) -> None:
        """A participant's message has been handled, since that monotonic time."""
        trace = self.find(room_id, username)
        if trace is not None:
            now_ns = self._clock_ns()
            trace.step(kind, now_ns - int((time.monotonic() - since) * _NS), now_ns)

    def on_transport(self, room_id: str, username: str, leg: str, state: str) -> None:
        """A participant's Transport has another state."""
        trace = self.find(room_id, username)
        if trace is not None:
            trace.on_transport(leg, state, self._clock_ns())

    def sweep(self, _now: float) -> None:
        """Write down the joins that are complete."""
        now_ns = self._clock_ns()
        for key, trace in list(self._going.items()):
            if trace.is_settled(now_ns):
                del self._going[key]
                trace.end()

    def close(self) -> None:
        """Write down all of them as they are."""
        going, self._going = self._going, {}
        for trace in going.values():
            trace.end()


def header_text(value: bytes | None) -> str:
    """A header as text; nothing of one that nobody could use."""
    if value is None or len(value) > MAX_HEADER_BYTES:
        return ""
    return value.decode("latin-1")


def start_span(tracer: Tracer, scope: Scope, room_id: str, now_ns: int) -> tuple[OpenSpan, Scope]:
    """A span for a socket that is passed on to another shard; and the scope by which the join there lies below it."""
    span = tracer.start("pass on", header_text(header_of(scope, HEADER)), now_ns, {"plenum.room": room_id})
    return span, with_header(scope, HEADER, span.traceparent.encode())
