"""What a log line says of an exception: where it came from, and nothing of what was at hand there."""

import json
import subprocess
import sys

FAILING = """
import logging
import structlog
from shared.log import configure

configure("token", "info")

def redeem(code, authorization):
    request = {"body": f"code={code}", "headers": [("authorization", authorization)]}
    raise RuntimeError("it broke")

for log in (structlog.get_logger(), logging.getLogger("library")):
    try:
        redeem("canary-of-a-code", "Basic canary-of-a-secret")
    except RuntimeError as error:
        log.error("unexpected error", exc_info=error)
"""


def test_a_traceback_holds_no_locals() -> None:
    output = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, check=True
    ).stdout
    lines = [json.loads(line) for line in output.splitlines()]
    assert len(lines) == 2
    for line in lines:
        (exception,) = line["exception"]
        assert (exception["exc_type"], exception["exc_value"]) == ("RuntimeError", "it broke")
        assert [frame["name"] for frame in exception["frames"]] == ["<module>", "redeem"]
    assert "canary" not in output


NAMED = """
import structlog
from shared.log import configure

configure("token", "info")
structlog.get_logger().info("x", password="canary-1", code="canary-2", client_secret="canary-3", kept="kept")
"""


def test_what_is_named_like_a_secret_is_not_logged() -> None:
    """A last net under the rule that nobody logs a secret: by the name of the field."""
    output = subprocess.run([sys.executable, "-c", NAMED], capture_output=True, text=True, check=True).stdout
    assert "canary" not in output
    assert json.loads(output)["kept"] == "kept"
