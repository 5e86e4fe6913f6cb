"""Settings of the authorize service."""

from typing import Annotated

from shared.secret import Secret
from shared.settings import HEX_KEY, CommonSettings, Doc, at_least


class Settings(CommonSettings, frozen=True, kw_only=True):
    listen_port: Annotated[int, Doc(description="Port of the authorize service.", ge=1, le=65535)] = 8101
    valkey_url: Annotated[Secret, Doc(description="Valkey, as this service's own user; or its sentinels.")]
    form_secret: Annotated[
        Secret,
        Doc(
            description="Binds forms to the browser they were sent to, makes the "
            "links in mails, and tells the devices of a user.",
            extra=HEX_KEY,
        ),
    ]
    internal_token: Annotated[
        Secret,
        Doc(
            description="Bearer token of `/internal`, which only the admin service calls.",
            extra=at_least(32),
        ),
    ]
    smtp_url: Annotated[
        Secret,
        Doc(
            description="Mail server: `smtp://user:password@host:port`, or `smtps://`. Without it no mail is "
            "sent, and pages that need one are not there."
        ),
    ] = Secret("")
    mail_from: Annotated[str, Doc(description="Address that mail comes from.")] = "no-reply@localhost"
    password_workers: Annotated[
        int, Doc(description="How many passwords are hashed at once; each takes 19 MiB.", ge=1, le=64)
    ] = 2
    password_queue: Annotated[
        int, Doc(description="How many more may wait to be hashed before 503.", ge=1, le=10_000)
    ] = 256
    password_queue_per_tenant: Annotated[
        int, Doc(description="How many of these may be of one tenant.", ge=1, le=10_000)
    ] = 64
