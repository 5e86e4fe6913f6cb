"""`make example APP=litestar|fastapi|express`: an example against a running `make run`, in one command.

Registers the app with the `mtas` command the first time; its settings are kept in the data folder, in
`examples/`. Exit codes: the app's own · 1 could not start · 2 wrong usage · 3 the server is away.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "examples"
PORTS: Final = {"litestar": 8000, "fastapi": 8001, "express": 3000}
BIN: Final = Path(sys.executable).parent


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make example",
        description="Run an example app against a running `make run`.",
        epilog="PORT: where it listens. MTAS_DATA: the data folder of `make run` (.mtas).",
    )
    parser.add_argument("app", choices=PORTS, help="APP=… of make")
    name = parser.parse_args().app
    data = Path(os.environ.get("MTAS_DATA") or ROOT / ".mtas")
    port = int(os.environ.get("PORT") or PORTS[name])
    file = settings_file(data, name, port)
    if not file.exists():
        register(file, name, port)
    arguments = command(name, port)
    print(f"\n{name}: http://localhost:{port}   (settings: {file}; Ctrl-C stops it)\n", flush=True)
    os.chdir(FOLDER / name)
    environ = {**os.environ, **read(file), **trust(data), "PORT": str(port)}
    os.execve(arguments[0], arguments, environ)  # noqa: S606 - this process becomes the app


def settings_file(data: Path, name: str, port: int) -> Path:
    """Beside the database that knows the app: they come and go together."""
    return data / "examples" / f"{_app_id(name, port)}.env"


def register(file: Path, name: str, port: int) -> None:
    """Claim an app, and keep what it is configured with."""
    origin = f"http://localhost:{port}"
    made = subprocess.run(  # noqa: S603
        [
            *(BIN / "mtas", "app", "create", "--json"),
            *("--app-id", _app_id(name, port), "--name", f"Notes ({name})"),
            *("--redirect-uri", f"{origin}/auth/callback", "--post-logout-redirect-uri", f"{origin}/"),
        ],
        stdout=subprocess.PIPE,
        check=False,
        env={"MTAS_DATA": str(file.parents[1]), **os.environ},
    )
    if made.returncode != 0:
        sys.exit(made.returncode)
    app = json.loads(made.stdout)
    settings = {
        "MTAS_ISSUER": app["issuer"],
        "MTAS_APP_ID": app["client_id"],
        "MTAS_APP_SECRET": app["client_secret"],
        "MTAS_APP_URL": origin,
        "MTAS_COOKIE_SECRETS": secrets.token_urlsafe(32),
    }
    file.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as private:
        private.writelines(f"{key}={value}\n" for key, value in settings.items())


def read(file: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in file.read_text().splitlines())
    return {key: value for key, _, value in pairs}


def command(name: str, port: int) -> list[str]:
    """What starts it, in its folder, when its settings are in the environment."""
    if name != "express":
        return [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    prepared = subprocess.run([ROOT / "sdk" / "express" / "prepare.sh"], check=False)  # noqa: S603
    if prepared.returncode != 0:
        sys.exit(1)
    link(FOLDER / name / "node_modules")
    return ["/usr/bin/env", "node", "app.js"]


def link(modules: Path) -> None:
    """Its two dependencies as `npm install` would link them, from where the SDK has them."""
    sdk = ROOT / "sdk" / "express"
    for package, source in (("@mtas/express", sdk), ("express", sdk / "node_modules" / "express")):
        place = modules / package
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.unlink(missing_ok=True)
            place.symlink_to(source)


def trust(data: Path) -> dict[str, str]:
    """With `https`, `make run` has a CA of its own."""
    ca = json.loads((data / "run" / "stack.json").read_text()).get("tls_ca")
    return {"SSL_CERT_FILE": ca, "NODE_EXTRA_CA_CERTS": ca} if ca else {}


def _app_id(name: str, port: int) -> str:
    return f"example-{name}" + ("" if port == PORTS[name] else f"-{port}")


if __name__ == "__main__":
    main()
