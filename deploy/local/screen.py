"""What the person who typed `make run` sees: one line a step, one glance at the end.

Rich draws it on a terminal; elsewhere the same lines come plainly.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


class Step(Protocol):
    """Something under way."""

    def detail(self, text: str) -> None:
        """What exactly is being done, or was."""


class Screen(Protocol):
    """Where a stack reports its progress."""

    def step(self, name: str) -> AbstractContextManager[Step]:
        """Show a step until it is done."""

    def note(self, text: str) -> None:
        """Say something worth knowing."""


class Quiet:
    """Says nothing: for tests."""

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        yield _SilentStep()

    def note(self, text: str) -> None:
        """Nobody is listening."""


class _SilentStep:
    def detail(self, text: str) -> None:
        """Nobody is looking."""


class Terminal:
    """The screen of `make run`."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(highlight=False, soft_wrap=True, stderr=True)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        began = time.monotonic()
        with self._out.status(f"{name} …") as status:
            step = _ShownStep(lambda text: status.update(f"{name}  [dim]{text} …[/]"))
            yield step
        seconds = time.monotonic() - began
        self._out.print(f"[green]✓[/] {name:<10} [dim]{step.text:<48} {seconds:5.1f} s[/]")

    def note(self, text: str) -> None:
        self._out.print(Text.assemble(("! ", "yellow"), text))

    def glance(self, title: str, rows: Sequence[tuple[str, str]], hint: str) -> None:
        """Where everything is."""
        table = Table.grid(padding=(0, 3))
        for name, value in rows:
            table.add_row(Text(name, style="dim"), Text(value))
        self._out.print()
        self._out.print(Padding(Text(title, style="bold"), (0, 2), expand=False))
        self._out.print()
        self._out.print(Padding(table, (0, 2), expand=False))
        self._out.print()
        self._out.print(Padding(Text(hint, style="dim"), (0, 2), expand=False))

    def error(self, text: str, log_tail: Sequence[str] = ()) -> None:
        """What went wrong, in one line, with the end of a log where there is one."""
        self._err.print(Text.assemble(("✗ ", "red"), text))
        for line in log_tail:
            self._err.print(Text(f"    {line}", style="dim"))


class _ShownStep:
    def __init__(self, update: Callable[[str], None]) -> None:
        self.text = ""
        self._update = update

    def detail(self, text: str) -> None:
        self.text = text
        self._update(text)
