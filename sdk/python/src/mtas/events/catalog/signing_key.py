"""Events of the entity `signing_key`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyActivated(Data):
    """A published key began to sign; the one before it no longer does."""

    type: ClassVar[str] = "signing_key.activated"
    alg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyCreated(Data):
    """A signing key was made, or `imported`, and published. `actor` is who asked for it; null when its
    time had come.
    """

    type: ClassVar[str] = "signing_key.created"
    alg: str
    imported: bool = False
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRetired(Data):
    """A signing key left the JWKS and its private half was destroyed. Because all it signed has
    `expired`; because it was `unused` when the algorithm or size changed, or an imported key took its
    place; or because it was `withdrawn` in an emergency by `actor`, with the cause as `note`.
    """

    type: ClassVar[str] = "signing_key.retired"
    alg: str
    reason: str
    actor: str | None = None
    note: str | None = None
