"""Spans by OpenTelemetry, sent to a collector by OTLP over HTTP, in the background.

A span holds names of ours, ids and numbers: no path, no query, no value of a statement, and of an error
its type, never its words, for these may repeat what was sent. Spans that the collector does not take in
time are dropped.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared import tracing
from shared.queries import statement_name
from shared.version import this_build

EXPORT_WITHIN_S: Final = 3.0
FAREWELL_S: Final = 2.0
Attributes: TypeAlias = Mapping[str, str | int]


def start(service: str, endpoint: str) -> "OtlpTracer":
    """Trace from now on. Call before anything connects."""
    # That a batch was lost is said once a batch; every retry of it is not.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    tracer = OtlpTracer(service, endpoint)
    tracing.in_use = tracer
    return tracer


class OtlpTracer:
    """Of what the gateway has decided to trace; nothing here begins a trace."""

    def __init__(self, service: str, endpoint: str) -> None:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_WITHIN_S)
        self._processor: Final = BatchSpanProcessor(exporter)
        resource = {
            "service.namespace": "mtas",
            "service.name": f"mtas-{service}",
            "service.version": this_build().version,
        }
        provider = TracerProvider(
            sampler=ParentBased(ALWAYS_OFF),
            resource=Resource.create(resource),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._processor)
        self._tracer: Final = provider.get_tracer("mtas")
        self._propagator: Final = TraceContextTextMapPropagator()

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent")

    def watch(self, connection: Any) -> None:
        connection.add_query_logger(self._statement)

    def step(self, system: str, name: str) -> AbstractContextManager[object]:
        if not _is_traced():
            return nullcontext()
        attributes = {"db.system.name": system, "db.operation.name": name}
        return self._span(name, SpanKind.CLIENT, attributes)

    @contextmanager
    def publishing(self, event_type: str, cause: str | None) -> Iterator[str | None]:
        if cause is None:
            yield None
            return
        attributes = _messaging("send", event_type)
        with self._span(f"send {event_type}", SpanKind.PRODUCER, attributes, self._context(cause)):
            yield self.traceparent()

    def consuming(self, event_type: str, cause: str | None) -> AbstractContextManager[object]:
        if cause is None:
            return nullcontext()
        attributes = _messaging("process", event_type)
        return self._span(f"process {event_type}", SpanKind.CONSUMER, attributes, self._context(cause))

    def request(self, method: str, cause: str) -> AbstractContextManager[Span]:
        """The span of a request, which `shared.http.traced` fills."""
        return self._span(method, SpanKind.SERVER, {"http.request.method": method}, self._context(cause))

    def close(self) -> None:
        """In a thread, for the processor waits half a minute for a collector that is away."""
        farewell = threading.Thread(target=self._processor.shutdown, daemon=True)
        farewell.start()
        farewell.join(FAREWELL_S)

    def _context(self, traceparent: str) -> Context:
        """Of one that is malformed, nothing is traced."""
        return self._propagator.extract({"traceparent": traceparent}, Context())

    @contextmanager
    def _span(
        self, name: str, kind: SpanKind, attributes: Attributes, context: Context | None = None
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            context,
            kind,
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                _fail(span, error)
                raise

    def _statement(self, record: Any) -> None:
        """asyncpg's LoggedQuery, in the context of who asked; its arguments are not looked at."""
        if not _is_traced():
            return
        ended, name = time.time_ns(), statement_name(record.query)
        attributes = {"db.system.name": "postgresql", "db.operation.name": name}
        started = ended - int(record.elapsed * 1e9)
        span = self._tracer.start_span(name, None, SpanKind.CLIENT, attributes, start_time=started)
        if record.exception is not None:
            _fail(span, record.exception)
        span.end(ended)


def _is_traced() -> bool:
    """Also when the span itself has just ended: what it led to may be heard of a moment later."""
    return trace.get_current_span().get_span_context().trace_flags.sampled


def _fail(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)


def _messaging(operation: str, event_type: str) -> Attributes:
    return {
        "messaging.system": "nats",
        "messaging.operation.type": operation,
        "messaging.destination.template": f"mtas.v1.{{tenant}}.{event_type}",
    }
