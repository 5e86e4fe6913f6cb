"""What runs here: the version, and the commit that an image was built from."""

import os
from collections.abc import Mapping
from typing import NamedTuple

VERSION = "0.1.0"
"""As in pyproject.toml."""


class Build(NamedTuple):
    version: str
    commit: str

    def __str__(self) -> str:
        return f"{self.version} ({self.commit})"


def this_build(environ: Mapping[str, str] = os.environ) -> Build:
    """An image says its commit in MTAS_COMMIT; a checkout says nothing."""
    return Build(VERSION, environ.get("MTAS_COMMIT") or "unknown commit")
