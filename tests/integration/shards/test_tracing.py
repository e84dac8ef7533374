"""Traces of joins as an OpenTelemetry collector gets them, over the wire, from two shards."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from scripts.embedded_redis import EmbeddedRedis
from scripts.load.clip import make_clip
from scripts.load.running import Plan, run
from tests.integration.shards.service import service, token

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.instances: dict[bytes, str] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        for found in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = attributes(found.resource)
            assert resource["service.name"] == "plenum"
            for scope in found.scope_spans:
                self.spans += scope.spans
                self.instances |= {span.span_id: resource["service.instance.id"] for span in scope.spans}

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    def below(self, span: Any) -> dict[str, Any]:
        return {child.name: child for child in self.spans if child.parent_span_id == span.span_id}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def attributes(of: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in of.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


async def test_a_join_through_another_door_is_one_trace_from_the_door_to_media(
    redis_server: EmbeddedRedis, collector: Collector
) -> None:
    async with service(redis_server.url, "one", "two", tracing={"endpoint": collector.url}) as house:
        await house.join("one", "load-0", "zoe")
        owner, door = house.owner_of("load-0"), house.others("load-0")[0]
        plan = Plan(
            url=f"ws://127.0.0.1:{house.shards[door].http_port}",
            rooms=1,
            publishers=1,
            receivers=1,
            seconds=0.5,
            joins_per_s=2,
            clip=make_clip(160, 90, 10, 50_000, 1.0),
            settle_s=0.5,
        )
        outcome = await run(plan, lambda user, room: token(user, room=room), lambda *_: None)
        assert not outcome.trouble
    joins = {attributes(span)["plenum.participant"]: span for span in collector.named("join")}
    assert set(joins) == {"zoe", "load-0-pub0", "load-0-sub1"}
    assert {"take the room", "read the room's state"} <= set(collector.below(joins["zoe"]))
    steps = {name: collector.below(joins[name]) for name in ("load-0-pub0", "load-0-sub1")}
    assert {"publish offer", "connect publish transport"} <= set(steps["load-0-pub0"])
    assert {"subscribe answer", "connect subscribe transport"} <= set(steps["load-0-sub1"])
    passed = {span.span_id: span for span in collector.named("pass on")}
    for name in ("load-0-pub0", "load-0-sub1"):
        join = joins[name]
        above = passed[join.parent_span_id]
        assert above.trace_id == join.trace_id
        assert collector.instances[above.span_id] == door and collector.instances[join.span_id] == owner
        assert attributes(join)["plenum.outcome"] == "joined" and attributes(join)["plenum.room"] == "load-0"
        for step in steps[name].values():
            assert join.start_time_unix_nano <= step.start_time_unix_nano <= step.end_time_unix_nano
            assert step.end_time_unix_nano <= join.end_time_unix_nano


async def test_a_callers_trace_goes_on_and_a_refusal_says_why(
    redis_server: EmbeddedRedis, collector: Collector
) -> None:
    async with service(redis_server.url, "one", tracing={"endpoint": collector.url}) as house:
        url = house.url("one", "/webrtc/ws/demo").replace("http", "ws", 1)
        for query in (f"?token={token('ann')}", "?token=nonsense"):
            headers = {"traceparent": CALLER, "x-request-id": "from-the-caller"}
            async with connect(url + query, additional_headers=headers) as socket:
                await socket.recv()
                if "nonsense" in query:
                    with pytest.raises(ConnectionClosed):
                        await socket.recv()
        async with connect(url + "?token=nonsense", additional_headers={"traceparent": "no trace at all"}) as socket:
            await socket.recv()
        await asyncio.sleep(0.1)
    joined, refused, alone = collector.named("join")
    if attributes(joined)["plenum.outcome"] != "joined":
        joined, refused, alone = sorted(collector.named("join"), key=lambda s: attributes(s)["plenum.outcome"])
    for span in (joined, refused):
        assert span.trace_id.hex() == CALLER.split("-")[1] and span.parent_span_id.hex() == CALLER.split("-")[2]
        assert attributes(span)["plenum.request"] == "from-the-caller"
    assert attributes(refused)["plenum.outcome"] == "refused" and refused.status.message == "unauthorized"
    assert alone.parent_span_id == b"" and alone.trace_id != joined.trace_id


async def test_a_receiver_that_is_away_disturbs_nobody(redis_server: EmbeddedRedis) -> None:
    async with service(redis_server.url, "one", tracing={"endpoint": "http://127.0.0.1:9"}) as house:
        ann = await house.join("one", "demo", "ann")
        assert (await ann.say("heartbeat"))["type"] == "heartbeat"
