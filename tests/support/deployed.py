"""A deployment that runs elsewhere, where a test needs no more of a stack than its URL and its secrets."""

import re
from collections.abc import Mapping
from pathlib import Path

from deploy.secrets import variable


class _Secrets:
    def __init__(self, env_file: Path) -> None:
        self._values: Mapping[str, str] = dict(
            re.findall(r"^(\w+)=(.*)$", env_file.read_text(), re.MULTILINE)
        )

    def __getitem__(self, name: str) -> str:
        return self._values[variable(name)]


class Deployed:
    """What `mtas init` wrote into `env_file` is its operator's knowledge, as it is the tests'."""

    def __init__(self, public_url: str, env_file: Path) -> None:
        self.public_url = public_url
        self.secrets = _Secrets(env_file)
