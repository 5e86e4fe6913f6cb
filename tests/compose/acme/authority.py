"""An ACME server as Let's Encrypt tests clients with (Pebble), in the project and known to this machine."""

import datetime as dt
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

import httpx2
from cryptography import x509

from deploy.local import tls
from tests.compose.project import HERE, Machine, Project

FOLDER: Final = HERE / "acme"
HOST: Final = "auth.mtas.test"
"""The public name; on the project's network it is the container that answers challenges."""


def build(machine: Machine) -> None:
    machine.build("localhost/mtas-test-acme", FOLDER)


def settings(it: Project, port: int) -> Mapping[str, str]:
    """What pebble.yaml asks for. Its own API has a certificate from an authority of its own."""
    folder = it.folder / "pebble"
    folder.mkdir()
    made = tls.ensure(folder, "pebble", dt.datetime.now(dt.UTC))
    made.ca.rename(folder / "ca.pem")
    made.certificate.rename(folder / "cert.pem")
    made.key.rename(folder / "key.pem")
    return {"MTAS_TEST_PEBBLE": str(folder), "MTAS_TEST_PEBBLE_PORT": str(port)}


def trusting(it: Project, port: int) -> httpx2.Client:
    """A client that finds the public name on this machine, and trusts that one authority alone."""
    context = ssl.create_default_context(cadata=_root(it, port))
    return httpx2.Client(verify=context, headers={"Host": HOST}, event_hooks=_under(HOST), timeout=10)


def _root(it: Project, port: int) -> str:
    """Under which the server issues, made anew at each of its starts."""
    context = ssl.create_default_context(cafile=str(it.folder / "pebble" / "ca.pem"))
    deadline = time.monotonic() + 30
    with closing(httpx2.Client(verify=context, event_hooks=_under("pebble"))) as http:
        while True:
            try:
                return http.get(f"https://127.0.0.1:{port}/roots/0").text
            except httpx2.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def _under(name: str) -> Any:
    return {"request": [lambda request: request.extensions.update(sni_hostname=name)]}


def serial(http: httpx2.Client, url: str) -> int:
    """Of the certificate that a new connection is shown."""
    with http.stream("GET", url + "/dashboard/sign-in", headers={"Connection": "close"}) as answer:
        shown = answer.extensions["network_stream"].get_extra_info("ssl_object").getpeercert(True)
    return x509.load_der_x509_certificate(shown).serial_number


def assert_followed(http: httpx2.Client, url: str, first: int, within_s: float) -> None:
    """Another certificate than `first` is served in time, and until then every request is answered."""
    deadline = time.monotonic() + within_s
    while (now := serial(http, url)) == first:
        assert time.monotonic() < deadline, f"certificate {first:x} is still served"
        answer = http.get(url + "/dashboard/sign-in")
        assert answer.status_code < 400, answer
        time.sleep(0.2)
    print(f"certificate {first:x} was followed by {now:x}", flush=True)
