"""Frameworks that a developer may choose from: what to install, what to write, how to run it.

The code is in `pages/snippets`, one file each; a test runs every one of them against the SDK.
"""

from pathlib import Path
from typing import Final, NamedTuple

_SNIPPETS: Final = Path(__file__).parents[2] / "pages" / "snippets"
_WITH_ENV: Final = "set -a; . ./.env; set +a"


class Framework(NamedTuple):
    """`key` is in forms and addresses. Without code it is any OpenID Connect library."""

    key: str
    label: str
    about: str
    port: int
    file: str = ""
    install: str = ""
    run: str = ""

    @property
    def code(self) -> str:
        return _CODE.get(self.key, "")

    @property
    def callback(self) -> str:
        """Where the SDK takes the answer, on a developer's machine."""
        return f"http://localhost:{self.port}/auth/callback"


def _python(package: str, command: str) -> dict[str, str]:
    return {"install": f'pip install "{package}"', "run": f"{_WITH_ENV}\n{command}"}


FRAMEWORKS: Final = (
    Framework(
        "litestar",
        "Litestar",
        "Python",
        8000,
        "app.py",
        **_python("mtas[litestar]", "litestar run"),
    ),
    Framework(
        "fastapi",
        "FastAPI",
        "Python, and Starlette",
        8000,
        "app.py",
        **_python("mtas[fastapi]", "fastapi run app.py"),
    ),
    Framework(
        "express",
        "Express",
        "Node",
        3000,
        "app.mjs",
        "npm install express @mtas/express",
        "node --env-file=.env app.mjs",
    ),
    Framework("flask", "Flask", "Python", 5000, "app.py", **_python("mtas[flask]", "flask run")),
    Framework(
        "django",
        "Django",
        "Python",
        8000,
        "settings.py, views.py",
        **_python("mtas[django]", "python manage.py runserver"),
    ),
    Framework("asgi", "Any ASGI app", "Python", 8000, "app.py", **_python("mtas", "uvicorn app:app")),
    Framework("oidc", "Something else", "Any OpenID Connect library", 8000),
)
BY_KEY: Final = {framework.key: framework for framework in FRAMEWORKS}
DEFAULT: Final = FRAMEWORKS[0]
_CODE: Final = {
    framework.key: (_SNIPPETS / f"{framework.key}.txt").read_text()
    for framework in FRAMEWORKS
    if framework.file
}


def chosen(key: str | None) -> Framework:
    return BY_KEY.get(key or "", DEFAULT)
