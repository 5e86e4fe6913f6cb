"""Render Envoy's configuration from `envoy.yaml` and the route table.

Every placeholder is printed as JSON, which YAML contains: no value can break out of its place.
Raises: ValueError when the public URL, an upstream or a limit makes no sense.
"""

import ipaddress
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.replies import header, replies
from gateway.routes import BY_TENANT, ROUTES, SERVICES, TENANT_OF_PATH, allowed_methods, any_of

Address = tuple[str, int]
Json = Mapping[str, Any]

HSTS_S = 365 * 24 * 3600

# What a sender might claim about itself, in every spelling some framework believes; `x-envoy-*` goes too.
_CLAIMS = (
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-user",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-http-method-override",
    "x-request-id",
    "traceparent",
    "tracestate",
    "baggage",
    "x-client-trace-id",
)


@dataclass(frozen=True, slots=True)
class TLS:
    """PEM files: the certificate with its chain, and its key.

    `secret` is where Envoy finds what `render_secret` wrote: then a certificate that is renewed is served
    from then on. Without it, from the next start on.
    """

    certificate: Path
    private_key: Path
    secret: Path | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket for one address: `burst` at once, refilled at `per_minute`."""

    burst: int
    per_minute: int

    @property
    def retry_after_s(self) -> int:
        """Seconds until one more request can pass (RFC 9110 §10.2.3)."""
        return math.ceil(60 / self.per_minute)

    @property
    def envoy(self) -> Json:
        """Envoy's TokenBucket. It refills in steps of at least 50 ms."""
        step_s = max(60 / self.per_minute, 0.05)
        return {
            "max_tokens": self.burst,
            "tokens_per_fill": max(1, round(self.per_minute * step_s / 60)),
            "fill_interval": f"{step_s:.3f}s",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one gateway process grants. Addresses are IPv4 /32 and IPv6 /64."""

    password: Bucket = Bucket(burst=30, per_minute=60)
    token: Bucket = Bucket(burst=20_000, per_minute=1_200_000)
    addresses: int = 16_384
    connections: int = 10_000
    heap_mib: int = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long headers and a whole request may take to arrive, an answer to come, and silence to last."""

    headers_s: float = 10
    request_s: float = 30
    response_s: float = 15
    idle_s: float = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """A collector's origin (OTLP over HTTP, in the clear), and the share of requests that are traced."""

    endpoint: str
    ratio: float

    def __post_init__(self) -> None:
        if _origin("the collector's endpoint", self.endpoint).scheme != "http":
            raise ValueError("traces go by plain http to a collector nearby, which speaks TLS to others")
        if not 0 <= self.ratio <= 1:
            raise ValueError(f"the share of requests that are traced is from 0 to 1, not {self.ratio}")

    @property
    def address(self) -> Address:
        url = urlsplit(self.endpoint)
        return url.hostname or "", url.port or 80


def render(
    *,
    public_url: str,
    upstreams: Mapping[str, Address | Sequence[Address]],
    listen: Address | Sequence[Address] = ("127.0.0.1", 8080),
    tls: TLS | None = None,
    admin: Path | Address | None = None,
    trusted_proxies: int = 0,
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
    traces: Traces | None = None,
) -> str:
    """Envoy's bootstrap as YAML.

    `upstreams` names each service's endpoints, addresses or DNS names. `admin` is a socket file or a
    loopback address; without it there is no admin interface, and so no graceful drain.
    `trusted_proxies` counts the proxies in front that append to X-Forwarded-For.
    """
    if set(upstreams) != set(SERVICES):
        raise ValueError(f"upstreams must name exactly {', '.join(SERVICES)}, got {', '.join(upstreams)}")
    url = _origin("public_url", public_url)
    limits = limits or Limits()
    security = {"strict-transport-security": _hsts(url.hostname or "")} if url.scheme == "https" else {}
    claims = _CLAIMS if trusted_proxies else (*_CLAIMS, "x-forwarded-for")
    sockets = [_socket(address) for address in _addresses(listen)]
    return _TEMPLATES.get_template("envoy.yaml").render(
        admin=_admin(admin),
        listen=sockets[0],
        listen_too=[{"address": socket} for socket in sockets[1:]],
        tls=tls,
        trusted_proxies=trusted_proxies,
        claims=claims,
        authority=url.netloc.lower(),
        request_headers=[
            header("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
            header("x-forwarded-proto", url.scheme),
        ],
        response_headers=[header(*pair) for pair in security.items()],
        replies=replies(security),
        limits=limits,
        timeouts=timeouts or Timeouts(),
        buckets={"password": limits.password, "token": limits.token},
        routes=ROUTES,
        by_tenant=BY_TENANT,
        tenant_of_path=TENANT_OF_PATH,
        refused_methods=[(any_of(paths), ", ".join(methods)) for paths, methods in allowed_methods().items()],
        clusters=[_cluster(name, _addresses(upstreams[name])) for name in SERVICES],
        traces=traces and _collector(traces),
    )


def render_secret(tls: TLS) -> str:
    """The certificate as a secret (Envoy's SDS): looked at anew when something is moved into its folder."""
    folder = tls.certificate.parent
    watched = {"watched_directory": {"path": str(folder)}} if folder == tls.private_key.parent else {}
    secret = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "certificate",
        "tls_certificate": {
            "certificate_chain": {"filename": str(tls.certificate)},
            "private_key": {"filename": str(tls.private_key)},
            **watched,
        },
    }
    return json.dumps({"resources": [secret]}, indent=2) + "\n"


def _origin(what: str, text: str) -> SplitResult:
    """Raises: ValueError unless it is a scheme, a host and perhaps a port."""
    url = urlsplit(text)
    plain = url.hostname and "@" not in url.netloc and not url.path.strip("/") and not url.query
    if url.scheme not in ("http", "https") or not plain:
        raise ValueError(f"{what} must be an http or https origin, got {text!r}")
    return url


def _hsts(host: str) -> str:
    """HSTS (RFC 6797 §6.1.1) for a year; on this machine none, for it would reach every other local port."""
    local = host == "localhost" or host.endswith(".localhost") or _is_loopback(host)
    return f"max-age={0 if local else HSTS_S}"


def _admin(admin: Path | Address | None) -> Json | None:
    if isinstance(admin, Path):
        return {"pipe": {"path": str(admin), "mode": 0o600}}
    if admin and not _is_loopback(admin[0]):
        raise ValueError(f"the admin interface can stop the gateway: loopback only, got {admin[0]}")
    return _socket(admin) if admin else None


def _cluster(name: str, addresses: Sequence[Address]) -> Json:
    static = all(_is_ip(host) for host, _ in addresses)
    return {
        "name": name,
        "type": "STATIC" if static else "STRICT_DNS",
        "endpoints": [{"endpoint": {"address": _socket(address)}} for address in addresses],
    }


def _collector(traces: Traces) -> Json:
    return {
        "uri": traces.endpoint.rstrip("/") + "/v1/traces",
        "percent": traces.ratio * 100,
        "cluster": _cluster("traces", [traces.address]),
    }


def _addresses(value: Address | Sequence[Address]) -> list[Address]:
    match value:
        case (str() as host, int() as port):
            return [(host, port)]
        case [_, *_]:
            return [(host, port) for host, port in value]
        case _:
            raise ValueError("at least one address is needed")


def _socket(address: Address) -> Json:
    return {"socket_address": {"address": address[0], "port_value": address[1]}}


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_ip(host) and ipaddress.ip_address(host).is_loopback


# The output is YAML, not HTML: `finalize` is what escapes.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701
    finalize=json.dumps,
    trim_blocks=True,
    lstrip_blocks=True,
)
