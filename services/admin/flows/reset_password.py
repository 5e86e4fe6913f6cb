"""A new dashboard password by a link (NIST SP 800-63B-4 §4.2; OWASP Forgot Password).

Every session of the developer ends, and a sign-in that was under way with the former password begins none
(`developers.lock_credentials`). Nobody is signed in by it. API tokens go on: scripts must not stop because a
password was forgotten; the letter and the page say to look through them. Only of an account
whose address nobody has verified they end too: whoever made it may be another than who reads its mail. The
address is told of it by mail (`password_notices`).
"""

from typing import Literal

import structlog

from services.admin.flows.api_tokens import revoke_api_tokens_of
from services.admin.flows.check_password import count_address
from services.admin.flows.context import Context
from services.admin.flows.password_links import NO_TENANT
from services.admin.flows.refused import Checks, Refused
from services.admin.store import apps, developers, password_links, password_notices
from services.admin.store.password_links import PasswordLink
from shared.db import Connection
from shared.events.catalog import MemberPasswordReset
from shared.events.outbox import insert_event
from shared.languages import Tag
from shared.oauth.client_secret import PASSWORD_LINK_PREFIX, hash_secret, is_well_formed
from shared.passwords import check_new_password
from shared.secret import Secret

log = structlog.get_logger()


class LinkOver(Refused):
    """Used, lapsed, void by a later one, or never one of ours: the answer is the same."""

    status = 410
    title = "This link does not work any more"

    def __init__(self) -> None:
        super().__init__("It was used already, has expired, or a newer one took its place.")


async def show_password_link(context: Context, token: str) -> PasswordLink:
    """What it is good for, without using it: programs that look through mail open links too.

    Raises: LinkOver.
    """
    if not is_well_formed(token, PASSWORD_LINK_PREFIX):
        raise LinkOver
    async with context.database.connection() as connection:
        link = await password_links.find_password_link(connection, hash_secret(token), context.clock())
    if link is None:
        raise LinkOver
    return link


async def reset_password(
    context: Context, token: str, password: str, language: Tag, *, address: str, device: str | None
) -> Secret:
    """The cookie by which this device is known from now on: whoever guesses at the account meanwhile does
    not keep its owner from signing in. `language` is the notice's.

    Raises: LinkOver for all but one, however many try; Invalid, TooManyTries, Unavailable.
    """
    await count_address(context, address)
    link = await show_password_link(context, token)  # before a password is hashed for it
    checks = Checks()
    try:
        check_new_password(password, link.email)
    except ValueError as error:
        checks.add("password", str(error))
    checks.refuse_if_any()
    password_hash = await context.passwords.hash(None, password)
    async with context.database.transaction() as connection:
        used = await password_links.use_password_link(connection, hash_secret(token), context.clock())
        if used is None:
            raise LinkOver
        await _set_password(context, connection, used, password_hash)
        if context.mailer is not None:
            await password_notices.put_notice(connection, used.developer_id, language, context.clock())
    context.relay.nudge()
    log.info("password reset", developer_id=str(used.developer_id), by=_by(used))
    return context.devices.remember(
        device, [used.developer_id.bytes], now=context.clock(), entropy=context.entropy
    )


async def _set_password(
    context: Context, connection: Connection, used: PasswordLink, password_hash: str
) -> None:
    """First the password, which waits for sign-ins under way: what they begin ends with the rest."""
    developer_id = used.developer_id
    actor = f"developer:{developer_id}"
    shows_address = used.is_mailed and used.email.isascii()
    await developers.reset_password(connection, developer_id, password_hash, shows_address)
    await developers.delete_sessions_of(connection, developer_id)
    if not used.email_verified:
        await revoke_api_tokens_of(context, connection, developer_id, actor=actor)
    event = MemberPasswordReset(actor=actor, by=_by(used))
    for tenant_id in await apps.list_tenants_of_developer(connection, developer_id) or [NO_TENANT]:
        await insert_event(connection, tenant_id, developer_id, event, context.clock())


def _by(link: PasswordLink) -> Literal["mail", "operator"]:
    return "mail" if link.is_mailed else "operator"
