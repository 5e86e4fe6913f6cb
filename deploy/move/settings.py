"""Where the installation's database and keys are: from the environment, or from a local run's data folder."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from deploy.move.errors import MoveError
from deploy.move.keys import Keys
from deploy.secrets import variable
from shared.oauth.refresh_token import RefreshTokenKeys
from shared.sealing import SealingSettings, choose_sealer
from shared.secret import Secret
from shared.settings import SettingsError, load

OWNER_URL = "MTAS_OWNER_DATABASE_URL"
_LOCAL_OWNER = "mtas_owner"  # deploy.local.postgres
_LOCAL_DATABASE = "mtas"


class Settings(SealingSettings, frozen=True, kw_only=True):
    """`database_url` is the owner's, which provisioning works as too."""

    refresh_token_keys: Secret
    nats_url: Secret = Secret("")

    def keys(self) -> Keys:
        """Raises: MoveError."""
        try:
            return Keys(choose_sealer(self), RefreshTokenKeys.parse(self.refresh_token_keys))
        except ValueError as error:
            raise MoveError(str(error)) from None


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises: MoveError, naming what is missing."""
    if not {OWNER_URL, f"{OWNER_URL}_FILE"} & environ.keys():
        environ = dict(environ) | _of_local_run(Path(environ.get("MTAS_DATA") or ".mtas"))
    given = {name: value for name, value in environ.items() if not name.startswith("MTAS_DATABASE_URL")}
    for suffix in ("", "_FILE"):
        if value := environ.get(OWNER_URL + suffix):
            given[f"MTAS_DATABASE_URL{suffix}"] = value
    try:
        return load(Settings, given)
    except SettingsError as error:
        raise MoveError(str(error).replace("MTAS_DATABASE_URL", OWNER_URL)) from None


def _of_local_run(folder: Path) -> dict[str, str]:
    try:
        stack = json.loads((folder / "run" / "stack.json").read_text(encoding="utf-8"))
        secrets = Path(stack["operator_token_file"]).parent
        password = (secrets / "postgres-owner").read_text(encoding="utf-8").strip()
        port = stack["processes"]["postgres"]["port"]
    except (OSError, ValueError, KeyError):
        raise MoveError(
            f"{OWNER_URL} is not set, and no local run was found in {folder}. It is what provisioning uses; "
            "the keys are those of the token service"
        ) from None
    keys = ("key-encryption-keys", "refresh-token-keys")
    owner = f"{_LOCAL_OWNER}:{quote(password, safe='')}"
    return {
        OWNER_URL: f"postgresql://{owner}@127.0.0.1:{port}/{_LOCAL_DATABASE}",
        "MTAS_PUBLIC_URL": stack["public_url"],
        **{f"{variable(name)}_FILE": str(secrets / name) for name in keys},
    }
