"""What is generated of the SDK's own code and of the events that the server publishes (`make docs`)."""

import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mtas.core.config import OPTIONS, variable
from mtas.core.errors import KINDS, TYPE_PREFIX

ROOT: Final = Path(__file__).parents[2]
CATALOG: Final = ROOT / "sdk" / "python" / "src" / "mtas" / "events" / "catalog"

_CONFIGURATION: Final = """\
# Configuration

Generated from `mtas.core.config` (`make docs`). The same in every MTAS SDK: each is an environment variable,
and an option of `create_mtas_auth` by its name in small letters without `MTAS_` (`app_url`; in JavaScript
`appUrl`). What is given in code goes before the environment. Everything that is wrong with a configuration is
said in one error, at the start.

| variable | default | meaning |
|---|---|---|
{rows}

The issuer and the app's URL are https, except on this machine (`localhost`, `127.0.0.1`, `[::1]`). Empty text
counts as absent. A secret for cookies: `python -c 'import secrets; print(secrets.token_urlsafe(32))'`, or
`openssl rand -base64 48`.
"""

_ERRORS: Final = """\
# Errors

Generated from `mtas.core.errors` (`make docs`). The codes are stable and the same in every MTAS SDK. An
answer is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `code` and `detail`; `type` is
`{prefix}` and the code. A page load gets a small page, or is led to the login. `detail` never holds
a secret or a token. `login_required` has a `login_url`.

| code | status | meaning | what to do |
|---|---|---|---|
{rows}
"""

_DATA: Final = '''\
"""What every event's class is. Generated (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Base of all: `type` is `{entity}.{verb}`."""

    type: ClassVar[str] = ""
'''

_ENTITY: Final = '''\
"""Events of the entity `{entity}`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data

'''

_CATALOG: Final = '''\
"""What happened: a class for each event, by entity. Generated from docs/events/asyncapi.json (`make docs`).

Fields are only ever added; a word that is new here is text, so that nothing breaks.
"""

from typing import Final

'''


def documents(asyncapi: dict[str, Any]) -> dict[Path, str]:
    """Every generated file of the SDKs, and what it should hold."""
    return {
        **{CATALOG / f"{module}.py": text for module, text in catalog(asyncapi).items()},
        ROOT / "docs" / "sdk" / "configuration.md": configuration(),
        ROOT / "docs" / "sdk" / "errors.md": errors(),
    }


def configuration() -> str:
    rows = []
    for name, option in OPTIONS.items():
        default = option.default
        number = f"{default:g}" if isinstance(default, float) else str(default)
        shown = "required" if option.required else "none" if default is None else f"`{number}`"
        rows.append(f"| `{variable(name)}` | {shown} | {option.meaning} |")
    return _CONFIGURATION.format(rows="\n".join(rows))


def errors() -> str:
    rows = [f"| `{code}` | {kind.status} | {kind.title} | {kind.remedy} |" for code, kind in KINDS.items()]
    return _ERRORS.format(prefix=TYPE_PREFIX, rows="\n".join(rows))


def catalog(asyncapi: dict[str, Any]) -> dict[str, str]:
    """A module for each entity, with a class for each event, and the one that has all of them."""
    # Through JSON, as the document's readers get it.
    components = json.loads(json.dumps(asyncapi["components"], default=str))
    lines: defaultdict[str, list[str]] = defaultdict(list)
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, message in components["messages"].items():
        title = message["payload"]["allOf"][1]["properties"]["data"]["$ref"].rpartition("/")[2]
        entity = name.partition(".")[0]
        names[entity].append(title)
        lines[entity] += ["", *_event(title, name, components["schemas"][title]), ""]
    modules = {entity: _ENTITY.format(entity=entity) + "\n".join(lines[entity]) for entity in lines}
    return {"__init__": _CATALOG + "\n".join(_all(names)) + "\n", "data": _DATA, **modules}


def _all(names: dict[str, list[str]]) -> Iterator[str]:
    for module, titles in sorted({**names, "data": ["Data"]}.items()):
        yield f"from mtas.events.catalog.{module} import ("
        yield from (f"    {title}," for title in sorted(titles))
        yield ")"
    everything = [title for titles in names.values() for title in titles]
    yield from (
        "",
        "EVENTS: Final[tuple[type[Data], ...]] = (",
        *(f"    {each}," for each in everything),
        ")",
    )
    # Written out, and not computed: whoever checks types reads it, too.
    yield from ("", "__all__ = [", *(f'    "{each}",' for each in sorted(["Data", *everything])), "]")


def _event(title: str, name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield "@dataclass(frozen=True, slots=True, kw_only=True)"
    yield f"class {title}(Data):"
    first, *others = textwrap.wrap(re.sub(r"\s+", " ", schema["description"]), 98)
    yield f'    """{first}' + ("" if others else '"""')
    yield from (f"    {line}" for line in others)
    if others:
        yield '    """'
    yield ""
    yield f'    type: ClassVar[str] = "{name}"'
    required = schema["required"]
    for field, kind in sorted(schema["properties"].items(), key=lambda each: each[0] not in required):
        default = "" if field in required else f" = {kind.get('default')!r}"
        yield f"    {field}: {_annotation(kind)}{default}"


def _annotation(kind: dict[str, Any]) -> str:
    if "anyOf" in kind:
        return " | ".join(_annotation(each) for each in kind["anyOf"])
    if "enum" in kind:
        return "str | None" if None in kind["enum"] else "str"
    if kind["type"] == "array":
        return f"tuple[{_annotation(kind['items'])}, ...]"
    return {"string": "str", "boolean": "bool", "integer": "int", "null": "None"}[kind["type"]]
