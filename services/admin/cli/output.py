"""What the command line prints: plain tables for people, JSON for machines."""

import json
from collections.abc import Sequence
from typing import Any

import click


def as_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def facts(pairs: Sequence[tuple[str, str | None]]) -> None:
    """Name and value, a line each; what has no value is left out."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        if value is not None:
            click.echo(f"{name:<{width}}  {_plain(value)}")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    if not rows:
        click.echo(empty)
        return
    cells = [headings, *[[_plain(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _plain(text: str) -> str:
    """What others wrote must not steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
