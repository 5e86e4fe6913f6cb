"""A sign-in is one trace from the gateway into the audit log, and `compose.traces.yaml` collects it."""

import base64
import time
from typing import Final, cast

import httpx2

from deploy.local.stack import Stack
from tests.compose.project import DEPLOY, HERE, Machine, project, spare_ports
from tests.support.collector import Collector, Span
from tests.support.deployed import Deployed, wait_ready
from tests.support.product import Product

FILES: Final = (DEPLOY / "compose.yaml", DEPLOY / "compose.traces.yaml", HERE / "traces" / "overlay.yaml")
COLLECTED_WITHIN_S: Final = 30.0
SIGN_IN: Final = {"mtas-gateway", "mtas-authorize", "mtas-admin"}
"""Who has a part in it: admin writes the audit log."""
EXCHANGE: Final = {"mtas-gateway", "mtas-token"}


def run(machine: Machine) -> None:
    """Raises: AssertionError, TimeoutError, subprocess.CalledProcessError."""
    public, shown = spare_ports(2)
    url = f"http://localhost:{public}"
    with project(machine, FILES) as it:
        it.init(url, MTAS_TRACE_RATIO="1", MTAS_JAEGER_PORT=str(shown))
        it.up()
        with httpx2.Client() as http:
            wait_ready(url, http)
        product = Product(cast(Stack, Deployed(url, str(it.env_file), it.command)))
        product.tokens(product.register_app())
        product.close()
        _assert_collected(f"http://127.0.0.1:{shown}/")


def _assert_collected(shown: str) -> None:
    deadline = time.monotonic() + COLLECTED_WITHIN_S
    while True:
        traces = _traces(shown)
        parts = [{span.service for span in trace} for trace in traces.values() if _is_whole(trace)]
        if SIGN_IN in parts and EXCHANGE in parts:
            spans = sum(len(trace) for trace in traces.values())
            print(f"{spans} spans in {len(traces)} traces, a sign-in among them", flush=True)
            return
        assert time.monotonic() < deadline, parts
        time.sleep(0.5)


def _traces(shown: str) -> dict[str, list[Span]]:
    collector = Collector()
    for content_type, body in httpx2.get(shown).json():
        collector.take(content_type, base64.b64decode(body))
    return {span.trace_id: collector.trace(span.trace_id) for span in collector.spans}


def _is_whole(trace: list[Span]) -> bool:
    """One span is the first, and each other one's parent is there."""
    ids = {span.span_id for span in trace}
    return [span.service for span in trace if span.parent_id not in ids] == ["mtas-gateway"]
