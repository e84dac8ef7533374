"""Traces of joins: what is written down of them, and when they are over."""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.tracing import Attributes, JoinTraces, header_text, step

S = 1_000_000_000


@dataclass
class Span:
    name: str
    parent: str
    start_ns: int
    attributes: dict[str, object]
    children: list[tuple[str, int, int, str]] = field(default_factory=list)
    ended: tuple[int, str] | None = None
    traceparent: str = ""

    def child(self, name: str, start_ns: int, end_ns: int, attributes: Attributes, error: str = "") -> None:
        self.children.append((name, start_ns, end_ns, error))

    def end(self, end_ns: int, attributes: Attributes, error: str = "") -> None:
        assert self.ended is None, "ended twice"
        self.attributes |= attributes
        self.ended = (end_ns, error)


class Desk:
    """A tracer and a clock."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.spans: list[Span] = []
        self.traces = JoinTraces(self, "one", lambda: self.now_ns)

    def start(self, name: str, parent: str, start_ns: int, attributes: Attributes) -> Span:
        self.spans.append(Span(name, parent, start_ns, dict(attributes)))
        return self.spans[-1]

    def at(self, seconds: float) -> None:
        self.now_ns = int(seconds * S)
        self.traces.sweep(seconds)

    def join(self) -> Span:
        trace = self.traces.begin("room", None, "r1")
        self.traces.entered(trace, "room", "ann", "joined")
        return self.spans[-1]


def test_a_join_ends_when_its_transports_are_connected_and_lasts_until_then() -> None:
    desk = Desk()
    span = desk.join()
    desk.at(1)
    desk.traces.on_transport("room", "ann", "publish", "connecting")
    desk.at(5)
    assert span.ended is None, "it still connects"
    desk.traces.on_transport("room", "ann", "publish", "connected")
    desk.at(7)
    assert span.ended is None, "more may come"
    desk.at(9)
    assert span.ended == (5 * S, "")
    assert span.children == [("connect publish transport", 1 * S, 5 * S, "")]
    assert span.attributes["plenum.participant"] == "ann" and span.attributes["plenum.request"] == "r1"
    desk.traces.on_transport("room", "ann", "publish", "disconnected")
    assert len(span.children) == 1, "what comes later is no part of it"


def test_a_transport_that_never_connects_is_an_error_and_ends_it_at_last() -> None:
    desk = Desk()
    span = desk.join()
    desk.traces.on_transport("room", "ann", "subscribe", "connecting")
    desk.at(29)
    assert span.ended is None
    desk.at(31)
    assert span.ended is not None
    assert span.children == [("connect subscribe transport", 0, 0, "never connected")]


def test_a_failed_transport_says_so() -> None:
    desk = Desk()
    span = desk.join()
    desk.traces.on_transport("room", "ann", "publish", "connecting")
    desk.at(2)
    desk.traces.on_transport("room", "ann", "publish", "failed")
    assert span.children == [("connect publish transport", 0, 2 * S, "failed")]


def test_a_new_join_ends_the_one_before_and_the_end_of_the_server_all() -> None:
    desk = Desk()
    first, second = desk.join(), desk.join()
    assert first.ended is not None and second.ended is None
    desk.traces.close()
    assert second.ended is not None


def test_steps_belong_to_the_join_of_their_task_only() -> None:
    desk = Desk()
    with step("before"):
        pass
    trace = desk.traces.begin("room", None, "")
    with step("take"):
        pass
    desk.traces.refused(trace, "room_full")
    with step("after"):
        pass
    span = desk.spans[0]
    assert [name for name, *_ in span.children] == ["take"]
    assert span.ended is not None and span.ended[1] == "room_full"


def test_headers_that_cannot_be_used_are_none() -> None:
    assert header_text(None) == header_text(b"x" * 300) == ""
    assert header_text(b"00-ab") == "00-ab"
