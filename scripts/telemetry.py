"""Spans for OpenTelemetry, sent as OTLP over HTTP. Needs the packages of ``plenum[tracing]``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from config.options import TracingOptions
from scripts.failures import CommandError, ExitCode
from signaling.tracing import Attributes, OpenSpan, Tracer
from signaling.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as OtelTracer

_PATH = "/v1/traces"
_CLOSE_MS = 1_500


def start_tracing(options: TracingOptions, shard_id: str) -> tuple[Tracer, Callable[[], Awaitable[None]]] | None:
    """What takes spans, and what sends the last of them at the end; None if none are wanted. Raises CommandError."""
    endpoint = options.endpoint
    if endpoint is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
    except ImportError as error:
        raise CommandError(
            "tracing.endpoint is set, but the packages that send traces are not installed",
            "Install them: pip install 'plenum[tracing]'.",
            ExitCode.CONFIG,
        ) from error
    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "plenum"),
            "service.version": VERSION,
            "service.instance.id": shard_id,
        }
    )
    provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(options.sample_ratio))
    url = endpoint if endpoint.endswith(_PATH) else endpoint.rstrip("/") + _PATH
    # It has a thread of its own, and drops spans when its queue is full: nothing here ever waits for the receiver.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=2)))

    async def close() -> None:
        await asyncio.to_thread(_close, provider)

    return _Spans(provider.get_tracer("plenum", VERSION)), close


def _close(provider: TracerProvider) -> None:
    provider.force_flush(_CLOSE_MS)
    provider.shutdown()


class _Spans:
    """``signaling.tracing.Tracer`` by OpenTelemetry."""

    def __init__(self, tracer: OtelTracer) -> None:
        self._tracer = tracer

    def start(self, name: str, parent: str, start_ns: int, attributes: Attributes) -> OpenSpan:
        """Begin a span."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
        span = self._tracer.start_span(
            name, context=context, kind=SpanKind.SERVER, start_time=start_ns, attributes=dict(attributes)
        )
        return _OpenSpan(self._tracer, span)


class _OpenSpan:
    """``signaling.tracing.OpenSpan`` by OpenTelemetry."""

    def __init__(self, tracer: OtelTracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def traceparent(self) -> str:
        """For another process."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def child(self, name: str, start_ns: int, end_ns: int, attributes: Attributes, error: str = "") -> None:
        """Write down a step."""
        from opentelemetry.trace import set_span_in_context

        span = self._tracer.start_span(
            name, context=set_span_in_context(self._span), start_time=start_ns, attributes=dict(attributes)
        )
        _finish(span, end_ns, error)

    def end(self, end_ns: int, attributes: Attributes, error: str = "") -> None:
        """Write down the span."""
        self._span.set_attributes(dict(attributes))
        _finish(self._span, end_ns, error)


def _finish(span: Span, end_ns: int, error: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    if error:
        span.set_status(Status(StatusCode.ERROR, error))
    span.end(end_time=end_ns)
