"""Write the golden vectors: `python -m sdk.vectors.generate`. With --check, say which are stale and exit 1.

Every run gives the same bytes: keys, IVs and times are fixed, and ECDSA signs deterministically (RFC 6979).
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sdk.vectors import configuration, cookies, documents, refusals, signed, tables

HERE: Final = Path(__file__).parent
VECTORS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "keys": cookies.keys,
    "session": cookies.session,
    "transaction": cookies.transaction,
    "refused": refusals.refused,
    "chunks": cookies.chunks,
    "cookies": cookies.cookies,
    "jwt": signed.jwt,
    "jwks": documents.jwks,
    "discovery": documents.discovery,
    "return_to": tables.return_to,
    "csrf": tables.csrf,
    "navigation": tables.navigation,
    "refresh": tables.refresh,
    "errors": tables.errors,
    "config": configuration.config,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when something is stale")
    check = parser.parse_args().check
    stale = False
    for name, make in VECTORS.items():
        path, text = HERE / f"{name}.json", json.dumps(make(), indent=1, ensure_ascii=True) + "\n"
        if not path.exists() or path.read_text(encoding="ascii") != text:
            stale = True
            print(f"{'stale' if check else 'written'}: {path.name}")
            if not check:
                path.write_text(text, encoding="ascii")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
