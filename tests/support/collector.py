"""A collector of traces: OTLP over HTTP, in JSON as the services send it and in protobuf as Envoy does."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_IDS: Final = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True)
class Span:
    """Ids in hexadecimal, whoever sent it."""

    service: str
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    """`status` is what it answers."""

    port: int = 0
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def take(self, content_type: str, body: bytes) -> None:
        self.bodies.append(body)
        request = ExportTraceServiceRequest()
        if content_type == "application/json":
            json_format.Parse(_ids_as_base64(body), request, ignore_unknown_fields=True)
        else:
            request.ParseFromString(body)
        for resource in request.resource_spans:
            service = _attributes(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_span(service, span) for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """On a port of its own."""
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = _body(self)
            if self.path == "/v1/traces" and collector.status == 200:
                collector.take(self.headers["content-type"], body)
            self.send_response(collector.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _body(request: http.server.BaseHTTPRequestHandler) -> bytes:
    """With its length, or in chunks (RFC 9112 §7.1), as Envoy sends it."""
    if length := request.headers["content-length"]:
        return request.rfile.read(int(length))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def _span(service: str, span: Any) -> Span:
    return Span(
        service=service,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        failed=span.status.code == 2,
        attributes=_attributes(span.attributes),
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def _ids_as_base64(body: bytes) -> str:
    """OTLP's JSON has ids in hexadecimal; protobuf's own JSON, which reads it here, has base64."""

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(each) for each in node]
        if not isinstance(node, dict):
            return node
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode() if key in _IDS else walk(value)
            for key, value in node.items()
        }

    return json.dumps(walk(json.loads(body)))
