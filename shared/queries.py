"""Statements by name: from the file beside a module, where `-- name: get_client` begins each."""

import re
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_NAMES: Final[dict[str, str]] = {}
"""Of every statement: what it is called in a trace."""


def load_queries(beside: str, file: str = "queries.sql") -> dict[str, str]:
    """Raises: ValueError when a name is used twice."""
    parts = _NAME.split(Path(beside).with_name(file).read_text(encoding="utf-8"))
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a statement's name is used twice beside {beside}")
    return {name: named(name, body.strip().rstrip(";")) for name, body in zip(names, bodies, strict=True)}


def named(name: str, statement: str) -> str:
    """The statement, known by this name from now on."""
    _NAMES[statement] = name
    return statement


def statement_name(statement: str) -> str:
    """Its name, or of what has none its first word."""
    return _NAMES.get(statement) or statement.split(None, 1)[0].rstrip(";").upper()
