"""Settings of the admin service."""

from typing import Annotated

from shared.secret import Secret
from shared.settings import HEX_KEY, CommonSettings, Doc, at_least


class Settings(CommonSettings, frozen=True, kw_only=True):
    listen_port: Annotated[int, Doc(description="Port of the admin service.", ge=1, le=65535)] = 8104
    valkey_url: Annotated[Secret, Doc(description="Valkey, as this service's own user; or its sentinels.")]
    authorize_url: Annotated[
        str,
        Doc(
            description="Where the authorize service's internal API is, for users and their sessions; "
            "several as `http://a:8101,b:8101`."
        ),
    ] = "http://127.0.0.1:8101"
    jwks_url: Annotated[
        str,
        Doc(
            description="Where the jwks service's internal API is, for rotating signing keys; "
            "several as `http://a:8103,b:8103`."
        ),
    ] = "http://127.0.0.1:8103"
    internal_token: Annotated[
        Secret,
        Doc(
            description="Bearer token for the internal APIs of authorize and jwks.",
            extra=at_least(32),
        ),
    ]
    jwks_token: Annotated[
        Secret,
        Doc(
            description="For that of jwks in its place, where jwks has it: who has it changes signing keys.",
            extra=at_least(32, or_none=True),
        ),
    ] = Secret("")
    form_secret: Annotated[
        Secret,
        Doc(
            description="Key of the dashboard's form tokens, and of the links in mails.",
            extra=HEX_KEY,
        ),
    ]
    setup_token: Annotated[
        Secret,
        Doc(
            description="Asked of whoever makes the first dashboard account; of no use afterwards.",
            extra=at_least(16),
        ),
    ]
    operator_token: Annotated[
        Secret,
        Doc(
            description="Bearer token of the operator for the admin API: every tenant, every right.",
            extra=at_least(32),
        ),
    ]
    smtp_url: Annotated[
        Secret,
        Doc(
            description="Mail server, for invitations and forgotten passwords: "
            "`smtp://user:password@host:port`, or `smtps://`. Without it the link of an invitation is shown "
            "to the inviter, and the operator makes that to a password (`mtas developer reset-password`)."
        ),
    ] = Secret("")
    mail_from: Annotated[str, Doc(description="Address that mail comes from.")] = "no-reply@localhost"
    password_workers: Annotated[
        int, Doc(description="How many passwords are hashed at a time; each takes 19 MiB.", ge=1, le=64)
    ] = 2
    key_wait_s: Annotated[
        float,
        Doc(description="How long registering an app waits for its first signing key.", ge=0, le=20),
    ] = 5.0
    audit_retention_days: Annotated[
        int, Doc(description="How long the audit log keeps an entry.", ge=30, le=36_500)
    ] = 400
