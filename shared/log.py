"""JSON logs (structlog), one object a line, with request and trace ids and never a secret."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

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
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
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
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
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
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.root.handlers = [handler]
    logging.root.setLevel(max(_number(level), logging.WARNING))
    structlog.contextvars.bind_contextvars(service=service)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping().get(level.upper(), logging.INFO)


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in _NEVER_LOGGED & event.keys():
        event[name] = "[redacted]"
    return event
