"""What Flask and Django give of a request, as the core reads it: from the WSGI environment (PEP 3333)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mtas.core.requests import Request


def read_request(environ: Mapping[str, Any]) -> Request:
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    }
    raw_path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    path = raw_path.encode("latin-1").decode("utf-8", "replace")
    query = environ.get("QUERY_STRING", "")
    target = quote(path, safe="/!$&'()*+,;=:@~")
    return Request(
        environ.get("REQUEST_METHOD", "GET"), path, f"{target}?{query}" if query else target, headers
    )
