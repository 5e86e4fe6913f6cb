"""Write the gateway's configuration: `python -m gateway > envoy.yaml`, then `envoy -c envoy.yaml`."""

from pathlib import Path

import click

from gateway.certificate import fault_of
from gateway.render import TLS, Address, Traces, render, render_secret

# Where the services listen when nobody says otherwise.
_PORTS = {"authorize": 8101, "token": 8102, "jwks": 8103, "admin": 8104}
_FOR_ENVOY = click.Path(path_type=Path, readable=False)
"""Whether we could read it says nothing."""


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter(f"expected host:port, got {text!r}")
    return host.strip("[]"), int(port)


@click.command(help=__doc__)
@click.option("--public-url", envvar="MTAS_PUBLIC_URL", default="http://localhost:8080", show_default=True)
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT")
@click.option("--upstream", multiple=True, metavar="SERVICE=HOST:PORT", help="Once an endpoint.")
@click.option("--admin", metavar="HOST:PORT|FILE", help="Loopback or a socket file.")
@click.option("--tls-certificate", envvar="MTAS_TLS_CERTIFICATE", type=_FOR_ENVOY)
@click.option("--tls-private-key", envvar="MTAS_TLS_PRIVATE_KEY", type=_FOR_ENVOY)
@click.option(
    "--trusted-proxies",
    envvar="MTAS_TRUSTED_PROXIES",
    default=0,
    show_default=True,
    help="Proxies in front of this one, each of which appends to X-Forwarded-For.",
)
@click.option("--otlp-endpoint", envvar="MTAS_OTLP_ENDPOINT", metavar="ORIGIN", help="Collector of traces.")
@click.option("--trace-ratio", envvar="MTAS_TRACE_RATIO", default=0.01, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A file, rather than standard output; with TLS, one beside it, by which renewals are seen.",
)
def main(
    public_url: str,
    listen: str,
    upstream: tuple[str, ...],
    admin: str | None,
    tls_certificate: Path | None,
    tls_private_key: Path | None,
    trusted_proxies: int,
    otlp_endpoint: str | None,
    trace_ratio: float,
    output: Path | None,
) -> None:
    given = [text.partition("=") for text in upstream]
    upstreams = {
        service: [_address(address) for name, _, address in given if name == service] or [("127.0.0.1", port)]
        for service, port in _PORTS.items()
    }
    tls = None
    if tls_certificate and tls_private_key:
        secret = output.absolute().with_name("certificate.json") if output else None
        tls = TLS(tls_certificate, tls_private_key, secret)
    rendered = render(
        public_url=public_url,
        upstreams=upstreams,
        listen=_address(listen),
        tls=tls,
        admin=(Path(admin) if "/" in admin else _address(admin)) if admin else None,
        trusted_proxies=trusted_proxies,
        traces=Traces(endpoint=otlp_endpoint, ratio=trace_ratio) if otlp_endpoint else None,
    )
    if output is None:
        click.echo(rendered, nl=False)
        return
    if tls and tls.secret:
        if fault := fault_of(tls):
            raise click.ClickException(fault)
        tls.secret.write_text(render_secret(tls))
    output.write_text(rendered)


if __name__ == "__main__":
    main()
