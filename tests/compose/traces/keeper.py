"""In Jaeger's place: takes OTLP over HTTP on 4318, and shows at Jaeger's own port what came, as it came."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Final

CAME: Final[list[tuple[str, str]]] = []
"""Content type, and body in base64."""


class Taking(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = b"".join(self._chunks()) if self.headers["transfer-encoding"] else self._sized()
        if self.path == "/v1/traces":
            CAME.append((self.headers["content-type"], base64.b64encode(body).decode()))
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(json.dumps(CAME).encode())

    def _sized(self) -> bytes:
        return self.rfile.read(int(self.headers["content-length"]))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


threading.Thread(
    target=http.server.ThreadingHTTPServer(("", 4318), Taking).serve_forever, daemon=True
).start()
http.server.ThreadingHTTPServer(("", 16686), Taking).serve_forever()
