"""Write the documents that are generated: `make docs`. With --check, say which are stale and exit 1.

- docs/events/asyncapi.json from shared/events/catalog.py
- docs/configuration.md from every service's Settings
- docs/operate/capacity.md from what was measured: see docs/capacity.py
- deploy/coolify.yaml from deploy/compose.yaml
- deploy/observe/grafana.json from deploy/observe/dashboard.py
- docs/sdk/configuration.md, docs/sdk/errors.md and mtas.events.catalog: see sdk/python/documents.py
"""

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from deploy import coolify
from deploy.observe import dashboard
from docs import capacity
from sdk.python.documents import documents as sdk_documents
from shared.events import asyncapi
from shared.secret import Secret
from shared.settings import CommonSettings, variable

DOCS = Path(__file__).parent
SERVICES = ("authorize", "token", "jwks", "admin")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when something is stale")
    check = parser.parse_args().check
    events = asyncapi.document()
    documents = {
        DOCS / "events" / "asyncapi.json": json.dumps(events, indent=2, default=str) + "\n",
        DOCS / "configuration.md": configuration(),
        DOCS / "operate" / "capacity.md": capacity.render(),
        DOCS.parent / "deploy" / "coolify.yaml": coolify.render(),
        DOCS.parent / "deploy" / "observe" / "grafana.json": dashboard.render(),
        **sdk_documents(events),
    }
    stale = [path for path, text in documents.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(DOCS.parent)}")
        if not check:
            path.write_text(documents[path])
    sys.exit(1 if check and stale else 0)


def configuration() -> str:
    """A table for what all services read, and one for each service's own."""
    lines = [
        "# Configuration",
        "",
        "Generated from the services' settings (`make docs`). Each is read from the environment, or from the",
        "file that the variable of the same name with `_FILE` appended names. `make run` sets all of them.",
        "",
        "## Every service",
        "",
        *_table(CommonSettings, inherited=False),
    ]
    for name in SERVICES:
        settings = importlib.import_module(f"services.{name}.settings").Settings
        lines += ["", f"## {name}", "", *_table(settings, inherited=True)]
    return "\n".join(lines) + "\n"


def _table(settings: type[msgspec.Struct], *, inherited: bool) -> Iterator[str]:
    common = {field.name: field for field in msgspec.structs.fields(CommonSettings)}
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    hints = get_type_hints(settings, include_extras=True)
    for field in msgspec.structs.fields(settings):
        if inherited and field.name in common and common[field.name].default == field.default:
            continue
        kind, meaning = _described(hints[field.name])
        is_empty = isinstance(field.default, Secret) or field.default == ""
        default = "required" if field.required else "none" if is_empty else f"`{field.default}`"
        secret = " Secret." if kind is Secret else ""
        yield f"| `{variable(field.name)}` | {default} | {meaning}{secret} |"


def _described(hint: Any) -> tuple[Any, str]:
    if get_origin(hint) is Annotated:
        kind, *rest = get_args(hint)
        meta = next((meta for meta in rest if isinstance(meta, msgspec.Meta)), msgspec.Meta())
        shape = f" {says[0].upper()}{says[1:]}." if (says := (meta.extra or {}).get("says")) else ""
        return kind, (meta.description or "") + shape
    return hint, ""


if __name__ == "__main__":
    main()
