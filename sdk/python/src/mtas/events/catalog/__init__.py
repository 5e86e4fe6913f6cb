"""What happened: a class for each event, by entity. Generated from docs/events/asyncapi.json (`make docs`).

Fields are only ever added; a word that is new here is text, so that nothing breaks.
"""

from typing import Final

from mtas.events.catalog.api_token import (
    ApiTokenCreated,
    ApiTokenRevoked,
)
from mtas.events.catalog.client import (
    ClientCreated,
    ClientDisabled,
    ClientEnabled,
    ClientSecretRotated,
    ClientUpdated,
)
from mtas.events.catalog.data import (
    Data,
)
from mtas.events.catalog.family import (
    FamilyRevoked,
)
from mtas.events.catalog.mail import (
    MailRequested,
)
from mtas.events.catalog.member import (
    MemberInvitationRevoked,
    MemberInvited,
    MemberJoined,
    MemberMailRequested,
    MemberPasswordLinkRequested,
    MemberPasswordReset,
    MemberRemoved,
    MemberRoleChanged,
)
from mtas.events.catalog.session import (
    SessionEnded,
    SessionRenewed,
    SessionStarted,
)
from mtas.events.catalog.signing_key import (
    SigningKeyActivated,
    SigningKeyCreated,
    SigningKeyRetired,
)
from mtas.events.catalog.tenant import (
    TenantCreated,
    TenantDisabled,
    TenantEnabled,
    TenantUpdated,
)
from mtas.events.catalog.user import (
    ConsentGiven,
    ConsentWithdrawn,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserPasswordChanged,
    UserRegistered,
    UserSignedOut,
    UserUpdated,
)

EVENTS: Final[tuple[type[Data], ...]] = (
    ApiTokenCreated,
    ApiTokenRevoked,
    ClientCreated,
    ClientDisabled,
    ClientEnabled,
    ClientSecretRotated,
    ClientUpdated,
    FamilyRevoked,
    MailRequested,
    MemberInvitationRevoked,
    MemberInvited,
    MemberJoined,
    MemberMailRequested,
    MemberPasswordLinkRequested,
    MemberPasswordReset,
    MemberRemoved,
    MemberRoleChanged,
    SessionEnded,
    SessionRenewed,
    SessionStarted,
    SigningKeyActivated,
    SigningKeyCreated,
    SigningKeyRetired,
    TenantCreated,
    TenantDisabled,
    TenantEnabled,
    TenantUpdated,
    ConsentGiven,
    ConsentWithdrawn,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserPasswordChanged,
    UserRegistered,
    UserSignedOut,
    UserUpdated,
)

__all__ = [
    "ApiTokenCreated",
    "ApiTokenRevoked",
    "ClientCreated",
    "ClientDisabled",
    "ClientEnabled",
    "ClientSecretRotated",
    "ClientUpdated",
    "ConsentGiven",
    "ConsentWithdrawn",
    "Data",
    "FamilyRevoked",
    "MailRequested",
    "MemberInvitationRevoked",
    "MemberInvited",
    "MemberJoined",
    "MemberMailRequested",
    "MemberPasswordLinkRequested",
    "MemberPasswordReset",
    "MemberRemoved",
    "MemberRoleChanged",
    "SessionEnded",
    "SessionRenewed",
    "SessionStarted",
    "SigningKeyActivated",
    "SigningKeyCreated",
    "SigningKeyRetired",
    "TenantCreated",
    "TenantDisabled",
    "TenantEnabled",
    "TenantUpdated",
    "UserDeleted",
    "UserDisabled",
    "UserEnabled",
    "UserPasswordChanged",
    "UserRegistered",
    "UserSignedOut",
    "UserUpdated",
]
