"""`stores [FOLDER]`: write what Valkey and NATS are started with, for containers of their own images.

FOLDER/valkey/ and FOLDER/nats/ are volumes that those containers mount. No password is written:
Valkey's users file holds hashes, and NATS reads its own from the environment.

Exit codes: 0 done · 1 not done, and why on standard error.
"""

import os
import shutil
import sys
from pathlib import Path

from deploy import valkey
from deploy.secrets import VALKEY_FURTHER, VALKEY_USERS, variable

NATS = sorted((Path(__file__).parents[1] / "nats").glob("*.conf"))


def main() -> int:
    folder = Path(*sys.argv[1:2] or ["/config"])
    passwords = {user: os.environ.get(variable(f"valkey-{user}"), "") for user in VALKEY_USERS}
    for user, password in passwords.items():
        if not password:  # an empty password's hash would be a password, too
            print(f"stores: {variable(f'valkey-{user}')} is not set", file=sys.stderr)
            return 1
    for user in VALKEY_FURTHER:
        if given := os.environ.get(variable(f"valkey-{user}")):
            passwords[user] = given
    for user in passwords:
        former = os.environ.get(f"MTAS_VALKEY_{user.upper()}_FORMER_PASSWORD", "")
        passwords[user] = f"{passwords[user]} {former}".strip()
    (folder / "valkey" / "users.acl").write_text(valkey.users_file(passwords))
    shutil.copyfile(valkey.FOLDER / "valkey.conf", folder / "valkey" / "valkey.conf")
    for path in NATS:
        shutil.copyfile(path, folder / "nats" / path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
