"""JSON logs (structlog), one object a line, with request and trace ids and never a secret."""

import asyncio
import atexit
import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TextIO, cast

import msgspec
import structlog

FLUSH_WITHIN_S: Final = 0.1


class RequestIds(NamedTuple):
    request_id: str
    trace_id: str | None


request_ids: ContextVar[RequestIds | None] = ContextVar("request_ids", default=None)
"""Of the request under way, in every line logged meanwhile."""

_NEVER_LOGGED = frozenset(
    {
        "authorization", "client_secret", "code", "code_verifier", "cookie", "id_token_hint",
        "password", "refresh_token", "access_token", "id_token", "secret", "set_cookie", "token",
    }
)  # fmt: skip

# Frames without their locals: those are whole requests, credentials included.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure(service: str, level: str) -> None:
    """Send structlog and the standard library's loggers to stdout as JSON."""
    _requests.start(service, _number(level) <= logging.INFO)
    atexit.register(_output.flush)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _add_request_ids,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _redact,
    ]
    structlog.configure(
        processors=[
            *shared,
            _TRACEBACKS,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _output)),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _TRACEBACKS,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(cast(TextIO, _output))
    handler.setFormatter(formatter)
    logging.root.handlers = [handler]
    logging.root.setLevel(max(_number(level), logging.WARNING))
    structlog.contextvars.bind_contextvars(service=service)


class _Output:
    """stdout, a whole line at a time, so that threads do not cut into one another's.

    What is written waits for `flush`, which every line but a request's asks for at once.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, text: str) -> None:
        self._lines.append(text)

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()


class _RequestLine(msgspec.Struct, frozen=True):
    """In the order that a reader's eye wants, and the names that every other line has."""

    service: str
    request_id: str
    trace_id: str | None
    method: str
    path: str
    status: int
    ms: float
    event: str
    level: str
    time: datetime


class _Requests:
    """One line a request, on the way that every other line goes, but written together.

    A line a request through structlog's processors and a flush each would be a tenth of what a token
    costs. These wait for the next line of another kind, or for `FLUSH_WITHIN_S`.
    """

    def __init__(self, output: _Output) -> None:
        self._output = output
        self._service = ""
        self._enabled = False
        self._encode = msgspec.json.Encoder().encode
        self._flush_is_due = False

    def start(self, service: str, enabled: bool) -> None:
        self._service, self._enabled = service, enabled

    def write(self, method: str, path: str, status: int, seconds: float) -> None:
        if not self._enabled:
            return
        ids = request_ids.get() or RequestIds("", None)
        ms, now = round(seconds * 1000, 1), datetime.now(UTC)
        line = _RequestLine(self._service, *ids, method, path, status, ms, "request", "info", now)
        self._output.write(self._encode(line).decode() + "\n")
        if not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_later(FLUSH_WITHIN_S, self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        self._output.flush()


_output: Final = _Output()
_requests: Final = _Requests(_output)
request: Final = _requests.write


def _add_request_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if (ids := request_ids.get()) is not None:
        event["request_id"], event["trace_id"] = ids
    return event


def _number(level: str) -> int:
    return logging.getLevelNamesMapping().get(level.upper(), logging.INFO)


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in _NEVER_LOGGED & event.keys():
        event[name] = "[redacted]"
    return event
