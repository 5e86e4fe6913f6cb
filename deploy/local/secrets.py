"""Passwords, keys and tokens of one data folder: made once, one file each, for its owner alone.

Services read long-lived keys from the files (`NAME_FILE`); a person rotates one by editing it.
"""

import os
from pathlib import Path

from deploy.secrets import MAKERS


class Secrets:
    """The secrets of a data folder; `ensure` makes the ones that are missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Secrets({str(self.folder)!r})"

    def __getitem__(self, name: str) -> str:
        return self.path(name).read_text().strip()

    def path(self, name: str) -> Path:
        """The file that holds a secret."""
        return self.folder / name

    def ensure(self) -> None:
        """Make what is missing; what is there is kept."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for name, make in MAKERS.items():
            if not self.path(name).exists():
                write_private(self.path(name), make() + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone (0600); after a crash it is there as a whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
