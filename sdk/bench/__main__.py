"""`make bench-sdk`: measure both SDKs beside their peers, and write docs/sdk/benchmarks.md.

The Python SDK and its peer are installed in an environment that is thrown away; Express has its peer among
the packages that it is developed with. On a machine that does nothing else.
"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.bench import machine

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "sdk" / "benchmarks.md"
PEERS: Final = {"FastAPI": "auth0-fastapi", "Express": "express-openid-connect"}
_DOCUMENT: Final = """\
# What a signed-in request costs

Written by `make bench-sdk`. The same small app three times in one process, the variants taking turns: one
that asks nobody, one that lets in who is signed in, and the same with another SDK, which keeps its session in
an encrypted cookie too. What counts is the difference to the first, at the median: finding the cookies,
opening the session, checking it, and what the framework does for it.

| | plain | with MTAS | MTAS costs | at most | cookies | the peer costs | peer |
|---|---|---|---|---|---|---|---|
{rows}

Opening the session's cookie alone: {python_opening:.0f} µs in Python, {node_opening:.0f} µs in Node the first
time; a session that was opened before is read from memory there, and that is what the table shows.

{processor}; {languages}.
Python is called as a server calls it (ASGI), Express over HTTP on one connection. As it comes,
`express-openid-connect` seals its cookie anew in each response; `auth0-fastapi` derives its key anew in each
request.
"""
LIMIT: Final = {"FastAPI": 150, "Litestar": 150, "Express": 100}
"""Microseconds that a signed-in request may cost more than one that asks nobody."""


def main() -> int:
    python, version = measure_python()
    express = measure_express()
    results = python | {"Express": express}
    DOCUMENT.write_text(document(results, version, express["node"]))
    print(DOCUMENT.read_text())
    return 0 if all(over(results[name], "ours") < limit for name, limit in LIMIT.items()) else 1


def measure_python() -> tuple[dict[str, Any], str]:
    """What sdk/bench/python.py prints, and the peer's version."""
    with tempfile.TemporaryDirectory(prefix="mtas-bench-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603
        pip = [f"{folder}/bin/pip", "install", "-q"]
        subprocess.run([*pip, f"{ROOT / 'sdk' / 'python'}[fastapi,litestar]"], check=True)  # noqa: S603
        peer = subprocess.run([*pip, "auth0-fastapi>=1.0.0b1"], check=False)  # noqa: S603
        print("measuring Python", file=sys.stderr)
        script = str(ROOT / "sdk" / "bench" / "python.py")
        measured = _output([f"{folder}/bin/python", script])
        if peer.returncode != 0:
            return json.loads(measured), "not installed"
        shown = _output([f"{folder}/bin/pip", "show", "auth0-fastapi"])
        return json.loads(measured), shown.partition("Version: ")[2].partition("\n")[0]


def measure_express() -> dict[str, Any]:
    folder = ROOT / "sdk" / "express"
    subprocess.run([folder / "prepare.sh"], check=True)  # noqa: S603
    print("measuring Express", file=sys.stderr)
    measured: dict[str, Any] = json.loads(_output(["node", str(folder / "bench" / "run.mjs"), "--json"]))
    installed = folder / "node_modules" / "express-openid-connect" / "package.json"
    measured["peer_version"] = json.loads(installed.read_text())["version"]
    return measured


def over(row: dict[str, Any], name: str) -> float:
    """How much a request costs more than one that asks nobody."""
    return float(row[name]["median"] - row["plain"]["median"])


def document(results: dict[str, Any], version: str, node: str) -> str:
    known = machine.describe()
    versions = {"FastAPI": version, "Express": results["Express"]["peer_version"]}
    return _DOCUMENT.format(
        rows="\n".join(_row(name, limit, results[name], versions.get(name)) for name, limit in LIMIT.items()),
        python_opening=results["FastAPI"]["opening"],
        node_opening=results["Express"]["opening"],
        processor=f"{known['processor']}, {known['cores']} cores, {known['system']}",
        languages=f"Python {platform.python_version()}, Node {node.removeprefix('v')}",
    )


def _row(name: str, limit: int, row: dict[str, Any], version: str | None) -> str:
    ours = over(row, "ours")
    cells = [
        name,
        f"{row['plain']['median']:.0f} µs",
        f"{row['ours']['median']:.0f} µs",
        f"**{ours:.0f} µs**",
        f"{limit} µs {'✓' if ours < limit else '✗'}",
        f"{row['ours']['cookies']:,} B",
        f"{over(row, 'peer'):.0f} µs" if "peer" in row else "",
        f"`{PEERS[name]}` {version}" if name in PEERS else "",
    ]
    return f"| {' | '.join(cells)} |"


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
