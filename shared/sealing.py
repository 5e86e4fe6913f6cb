"""Which sealer the settings choose, for the two services that hold signing keys: token and jwks."""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

from shared.clock import Entropy, random_bytes
from shared.keys import TRANSIT_PREFIX, KeySealer, LocalKeySealer, UnsealError, parse_keys
from shared.secret import Secret
from shared.settings import CommonSettings, Doc

_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")


class SealingSettings(CommonSettings, frozen=True, kw_only=True):
    """Token and jwks must be given the same."""

    key_sealer: Annotated[
        Literal["local", "transit"],
        Doc(
            description="What seals signing keys: `local`, with `MTAS_KEY_ENCRYPTION_KEYS`; or `transit`, a "
            "KMS with the transit API of Vault or OpenBao. Keys that lie under the other are sealed anew."
        ),
    ] = "local"
    key_encryption_keys: Annotated[
        Secret,
        Doc(
            description="`id:base64` of 32 bytes, comma-separated; the first seals signing keys, all open. "
            "Keys under another than the first are sealed anew. Required with the sealer `local`; with "
            "`transit` they only open."
        ),
    ] = Secret("")
    transit_url: Annotated[
        str,
        Doc(description="The mount of the transit API, such as `https://vault.internal:8200/v1/transit`."),
    ] = ""
    transit_key: Annotated[
        str, Doc(description="Name of the key-encryption key there, of type `aes256-gcm96`.")
    ] = "mtas"
    transit_token: Annotated[
        Secret, Doc(description="Token for it. None when an agent before the KMS authenticates.")
    ] = Secret("")
    transit_ca: Annotated[
        str, Doc(description="Certificates (PEM) that vouch for it, instead of the system's.")
    ] = ""


def choose_sealer(settings: SealingSettings, entropy: Entropy = random_bytes) -> KeySealer:
    """The chosen one seals; what the other sealed still opens, if it is configured. Raises: ValueError."""
    keys = settings.key_encryption_keys
    local = LocalKeySealer(parse_keys(keys), entropy) if keys else None
    kms = _kms(settings) if settings.transit_url else None
    if settings.key_sealer == "local":
        if local is None:
            raise ValueError("MTAS_KEY_ENCRYPTION_KEYS is not set (nor MTAS_KEY_ENCRYPTION_KEYS_FILE)")
        return local if kms is None else EitherKeySealer(local, local, kms)
    if kms is None:
        raise ValueError("MTAS_TRANSIT_URL is not set (nor MTAS_TRANSIT_URL_FILE)")
    return EitherKeySealer(kms, local, kms)


def _kms(settings: SealingSettings) -> KeySealer:
    url = urlsplit(settings.transit_url)
    if not url.hostname or not (
        url.scheme == "https" or (url.scheme == "http" and url.hostname in _THIS_MACHINE)
    ):
        raise ValueError("MTAS_TRANSIT_URL: an https address, or http on this machine")
    if not settings.transit_key:
        raise ValueError("MTAS_TRANSIT_KEY is empty")
    from shared.transit import TransitKeySealer  # its HTTP client is memory that no one else needs

    return TransitKeySealer(
        settings.transit_url, settings.transit_key, settings.transit_token, ca=settings.transit_ca
    )


class EitherKeySealer:
    """One seals, and each opens what it sealed itself: so that keys move from one to the other."""

    def __init__(self, seals: KeySealer, local: KeySealer | None, kms: KeySealer) -> None:
        self._seals: Final = seals
        self._local: Final = local
        self._kms: Final = kms

    @property
    def sealing_id(self) -> str:
        return self._seals.sealing_id

    async def seal(self, private_key: bytes, tenant_id: UUID, kid: str) -> tuple[str, bytes]:
        return await self._seals.seal(private_key, tenant_id, kid)

    async def open(self, kek_id: str, sealed: bytes, tenant_id: UUID, kid: str) -> bytes:
        sealer = self._kms if kek_id.startswith(TRANSIT_PREFIX) else self._local
        if sealer is None:
            raise UnsealError(f"no key-encryption key with id {kek_id}")
        return await sealer.open(kek_id, sealed, tenant_id, kid)

    async def close(self) -> None:
        await self._kms.close()
