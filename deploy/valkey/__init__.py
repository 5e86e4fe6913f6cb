"""Valkey's configuration: `valkey.conf` as it is, `users.acl` filled in with the hashes of the passwords."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

FOLDER: Final = Path(__file__).parent


def users_file(passwords: Mapping[str, str]) -> str:
    """The ACL file of the users whose passwords are given; it holds none of them.

    Two passwords of one user, with a space between them, both let it in.
    """
    hashes = {user: " ".join(map(_hash, both.split())) for user, both in passwords.items()}
    lines = Template((FOLDER / "users.acl").read_text()).safe_substitute(hashes).splitlines(keepends=True)
    # An ACL file knows no comments.
    wanted = tuple(f"user {user} " for user in ("default", *passwords))
    return "".join(line for line in lines if line.startswith(wanted))


def _hash(password: str) -> str:
    return "#" + hashlib.sha256(password.encode()).hexdigest()
