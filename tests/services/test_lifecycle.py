"""A service alone: it comes up without its stores, says what it misses, and drains on SIGTERM."""

import json
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from deploy.local.ports import spare
from deploy.local.stack import Stack
from tests.support.eventually import eventually

ROOT = Path(__file__).parents[2]
LEAVING = "x-envoy-immediate-health-check-fail"
SERVICES = ("authorize", "token", "jwks", "admin")


def start(stores: Stack, service: str, **changes: str) -> tuple[subprocess.Popen[bytes], str]:
    port = spare(())
    environment = stores.environment(service, MTAS_LISTEN_PORT=str(port), **changes)
    process = subprocess.Popen(
        [sys.executable, "-m", f"services.{service}"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return process, f"http://127.0.0.1:{port}"


def until_answers(url: str) -> httpx2.Response:
    deadline = time.monotonic() + 15
    while True:
        try:
            return httpx2.get(url)
        except httpx2.TransportError:
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> str:
    process.send_signal(signal.SIGTERM)
    return finish(process)


def finish(process: subprocess.Popen[bytes]) -> str:
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.parametrize("service", SERVICES)
def test_without_any_store_it_waits_instead_of_crashing(stores: Stack, service: str) -> None:
    nowhere = {
        "MTAS_DATABASE_URL": "postgresql://u:p@127.0.0.1:1/mtas",
        "MTAS_VALKEY_URL": "redis://u:p@127.0.0.1:1/0",
        "MTAS_NATS_URL": "nats://u:p@127.0.0.1:1",
    }
    process, url = start(stores, service, **nowhere)
    try:
        assert until_answers(f"{url}/livez").status_code == 200
        if sys.platform == "linux":
            assert resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0), "a crash leaves no secret"
        ready = httpx2.get(f"{url}/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["postgres"] is False
        away = httpx2.get(f"{url}/t/acme/userinfo" if service == "token" else f"{url}/t/acme/jwks.json")
        assert away.status_code in (503, 404)
    finally:
        output = end(process)
    assert "Traceback" not in output


@pytest.mark.parametrize("service", SERVICES)
def test_with_its_stores_it_is_ready_and_logs_json(stores: Stack, service: str) -> None:
    process, url = start(stores, service)
    try:
        until_answers(f"{url}/livez")
        deadline = time.monotonic() + 10
        while (ready := httpx2.get(f"{url}/readyz")).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ready.status_code == 200, ready.text
        given = {
            "X-Request-Id": "11111111-2222-3333-4444-555555555555",
            "traceparent": f"00-{'a' * 32}-{'b' * 16}-00",
        }
        httpx2.get(f"{url}/t/nobody-here/nothing?code=canary", headers=given)
    finally:
        lines = [json.loads(line) for line in end(process).splitlines()]
    (request,) = [line for line in lines if line["event"] == "request"]
    assert request["request_id"] == given["X-Request-Id"]
    assert request["trace_id"] == "a" * 32
    assert "canary" not in str(lines)


def test_on_sigterm_it_finishes_what_is_under_way(stores: Stack) -> None:
    process, url = start(stores, "token")
    until_answers(f"{url}/livez")
    port = int(url.rpartition(":")[2])
    body = b"grant_type=client_credentials&client_id=nobody"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"POST /t/nobody-here/token HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body[:10]
        )
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: refuses(port))
        connection.sendall(body[10:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 404")
    finish(process)


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


def test_while_it_leaves_it_answers_and_sends_the_gateway_elsewhere(stores: Stack) -> None:
    process, url = start(stores, "token")
    until_answers(f"{url}/livez")
    with httpx2.Client() as client:
        before = client.get(f"{url}/livez").headers
        process.send_signal(signal.SIGTERM)
        answer = eventually(
            lambda: found if LEAVING in (found := client.get(f"{url}/livez")).headers else None
        )
        assert client.get(f"{url}/readyz").status_code == 503
    assert LEAVING not in before
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"
    finish(process)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("MTAS_DATABASE_URL", None, "MTAS_DATABASE_URL is not set", id="missing"),
        pytest.param("MTAS_REFRESH_TOKEN_KEYS", "1:short", "32 bytes", id="a short key"),
        pytest.param("MTAS_PUBLIC_URL", "http://auth.example", "MTAS_PUBLIC_URL", id="plain http"),
    ],
)
def test_a_bad_setting_is_one_line(stores: Stack, name: str, value: str | None, says: str) -> None:
    environment = stores.environment("token")
    environment.pop(name, None)
    environment.pop(f"{name}_FILE", None)
    if value is not None:
        environment[name] = value
    result = subprocess.run(
        [sys.executable, "-m", "services.token"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 1
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
