"""Make, disable, enable and delete users; what signing up and administration share."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from services.authorize import store
from services.authorize.flows import email_address
from services.authorize.flows.context import Context
from services.authorize.store import account, mails
from shared.db import Connection
from shared.events.catalog import UserDeleted, UserDisabled, UserEnabled, UserRegistered
from shared.events.outbox import insert_event
from shared.normal_form import nfc
from shared.passwords import check_new_password
from shared.text import Text

MAX_NAME_LENGTH: Final = 200
NO_EMAIL_ADDRESS: Final = Text("Enter an email address, like name@example.com.")
NO_NAME: Final = Text("Use at most %(number)s characters, on one line.", number=MAX_NAME_LENGTH)
_NOT_IN_NAMES: Final = ("Cc", "Cs", "Zl", "Zp")  # controls and line breaks; joiners belong in some names


class InvalidUser(Exception):
    """What cannot be: `errors` says so by field, in words for the one who typed it."""

    def __init__(self, errors: Mapping[str, Text]) -> None:
        super().__init__(", ".join(errors))
        self.errors: Final = dict(errors)


class EmailTaken(Exception):
    """The tenant has a user with this address."""


class UnknownTenant(Exception):
    """There is no such tenant."""


class UnknownUser(Exception):
    """The tenant has no such user."""


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may become a user, cleaned and checked (`read_new_user`)."""

    email: str
    email_key: str
    email_verified: bool
    name: str | None


async def app_names(context: Context, tenant_id: UUID) -> tuple[str, ...]:
    """What a password must not be made of. Raises: UnknownTenant."""
    async with context.database.tenant(tenant_id) as connection:
        names = await store.get_app_names(connection, tenant_id)
    if names is None:
        raise UnknownTenant
    return names


def read_new_user(
    email: str,
    password: str,
    *,
    app: tuple[str, ...],
    name: str | None = None,
    email_verified: bool = False,
) -> NewUser:
    """`app` is what the app is called. Raises: InvalidUser, with everything that is wrong at once."""
    errors = {}
    email, name = email_address.clean(email), clean_name(name or "")
    if not email_address.is_well_formed(email):
        errors["email"] = NO_EMAIL_ADDRESS
    try:
        check_new_password(password, email, name, *app)
    except ValueError as error:
        errors["password"] = error.args[0]
    if not is_name(name):
        errors["name"] = NO_NAME
    if errors:
        raise InvalidUser(errors)
    return NewUser(
        email=email, email_key=email_address.key_of(email), email_verified=email_verified, name=name or None
    )


def clean_name(name: str) -> str:
    """NFC, without the spaces around it; as long as `is_name` has to know."""
    return nfc(name.strip(), MAX_NAME_LENGTH).strip()


def is_name(name: str) -> bool:
    return len(name) <= MAX_NAME_LENGTH and not any(unicodedata.category(c) in _NOT_IN_NAMES for c in name)


def read_new_password(password: str, *about: str) -> None:
    """`about` is what an attacker knows of its owner. Raises: InvalidUser, when it may not be theirs."""
    try:
        check_new_password(password, *about)
    except ValueError as error:
        raise InvalidUser({"password": error.args[0]}) from None


async def insert_user(
    connection: Connection,
    tenant_id: UUID,
    user: NewUser,
    password_hash: str,
    *,
    by: Literal["sign_up", "administrator"],
    now: datetime,
    actor: str | None = None,
) -> UUID:
    """Make the user in the caller's transaction. Raises: EmailTaken."""
    user_id = await store.insert_user(
        connection,
        tenant_id,
        email=user.email,
        email_key=user.email_key,
        email_verified=user.email_verified,
        name=user.name,
        now=now,
    )
    if user_id is None:
        raise EmailTaken
    await store.insert_credentials(connection, tenant_id, user_id, password_hash, now)
    await insert_event(connection, tenant_id, user_id, UserRegistered(by=by, actor=actor), now)
    return user_id


async def create_user(
    context: Context, tenant_id: UUID, user: NewUser, password: str, actor: str | None = None
) -> UUID:
    """An administrator makes a user, who can sign in at once.

    Raises: EmailTaken, Unavailable.
    """
    password_hash = await context.passwords.hash(tenant_id, password)
    async with context.database.tenant(tenant_id) as connection:
        user_id = await insert_user(
            connection,
            tenant_id,
            user,
            password_hash,
            by="administrator",
            now=context.clock(),
            actor=actor,
        )
    context.relay.nudge()
    return user_id


async def disable_user(context: Context, tenant_id: UUID, user_id: UUID, actor: str | None = None) -> None:
    """Void the user's sessions and grants. Doing it twice does it once. Raises: UnknownUser."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        if await store.disable_user(connection, tenant_id, user_id, now):
            await store.end_sessions_of_user(connection, tenant_id, user_id, now)
            # Those too that were signed in for at a process whose clock is ahead: they stay void for good.
            await account.revoke_grants(connection, tenant_id, user_id, reason="user_disabled", now=now)
            await mails.void_email_changes(connection, tenant_id, user_id, now)
            await insert_event(connection, tenant_id, user_id, UserDisabled(actor=actor), now)
        elif not await store.is_user(connection, tenant_id, user_id):
            raise UnknownUser
    context.relay.nudge()


async def enable_user(context: Context, tenant_id: UUID, user_id: UUID, actor: str | None = None) -> None:
    """Let the user sign in again; what was void stays void. Raises: UnknownUser."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        if await store.enable_user(connection, tenant_id, user_id, now):
            await insert_event(connection, tenant_id, user_id, UserEnabled(actor=actor), now)
        elif not await store.is_user(connection, tenant_id, user_id):
            raise UnknownUser
    context.relay.nudge()


async def delete_user(context: Context, tenant_id: UUID, user_id: UUID, actor: str | None = None) -> None:
    """Whatever was about them goes; their grants end at once. Ids stay in the audit log.

    Raises: UnknownUser.
    """
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        await store.lock_user(connection, tenant_id, user_id)
        await account.revoke_grants(connection, tenant_id, user_id, reason="user_deleted", now=now)
        if not await account.delete_user(connection, tenant_id, user_id):
            raise UnknownUser
        await insert_event(connection, tenant_id, user_id, UserDeleted(by="administrator", actor=actor), now)
    context.relay.nudge()
