"""Events of the entity `tenant`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCreated(Data):
    """An app was registered: a tenant with its first client. The jwks service makes its first key."""

    type: ClassVar[str] = "tenant.created"
    slug: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDisabled(Data):
    """An app was disabled: its endpoints refuse until it is enabled again."""

    type: ClassVar[str] = "tenant.disabled"
    slug: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantEnabled(Data):
    """A disabled app was enabled again."""

    type: ClassVar[str] = "tenant.enabled"
    slug: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUpdated(Data):
    """Settings of a tenant changed."""

    type: ClassVar[str] = "tenant.updated"
    slug: str
    actor: str
    changed: tuple[str, ...]
