"""Of one secret many things are made; each says what it is for, so that none serves as another.

A form's token, a link, a device's proof, a refresh token: HMACs whose message begins with a domain. admin and
authorize hold the same form secret, so these are held apart across both.
"""

import re
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import get_args
from uuid import UUID

from services.admin.flows.invitation_mails import PURPOSE as INVITATION
from services.admin.routes.dashboard.web import Web as DashboardWeb
from services.authorize.flows.mailing import Purpose
from shared.clock import random_bytes
from shared.known_devices import KnownDevices
from shared.mail.links import Links
from shared.secret import Secret, from_b64url

ROOT = Path(__file__).parents[2]
DOMAIN = re.compile(r'b"(mtas [^"]*)"')
KEY = Secret("ab" * 32)
TENANT, ROW = UUID(int=1), UUID(int=2)


def domains() -> list[str]:
    files = (path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py"))
    return [domain for path in files for domain in DOMAIN.findall(path.read_text())]


def test_each_domain_stands_once_and_none_begins_another() -> None:
    found = domains()
    assert len(found) > 10
    assert [(one, other) for one, other in permutations(found, 2) if other.startswith(one)] == []


def test_an_invitations_link_is_none_of_a_users_mails() -> None:
    """Nor is one of theirs an invitation: only the purpose parts them, under the same secret."""
    links, purposes = Links(KEY), get_args(Purpose)
    assert len({INVITATION, *purposes}) == len(purposes) + 1
    for made in (INVITATION, *purposes):
        token = links.token(TENANT, made, ROW)
        opened = {purpose for purpose in (INVITATION, *purposes) if links.open(token, TENANT, purpose)}
        assert opened == {made}


def test_a_dashboard_form_of_a_links_message_is_not_its_mac() -> None:
    """A browser chooses the holder that a form's token is made for."""
    links = Links(KEY)
    mac = from_b64url(links.token(TENANT, INVITATION, ROW))[17:]
    web = DashboardWeb(public_url="http://localhost", form_secret=KEY, entropy=random_bytes)
    message = b"mtas mail link v1\x01" + ROW.bytes + TENANT.bytes + INVITATION.encode()
    for holder in (message.decode("ascii"), message[17:].decode("ascii")):
        assert from_b64url(web.form_token(holder)) != mac


def test_a_device_of_one_service_is_a_stranger_at_the_other() -> None:
    at_home, elsewhere = (
        KnownDevices(KEY, DOMAIN.findall((ROOT / f"services/{service}/app.py").read_text())[0].encode())
        for service in ("authorize", "admin")
    )
    account, now = [TENANT.bytes, ROW.bytes], datetime(2026, 1, 1, tzinfo=UTC)
    cookie = at_home.remember(None, account, now=now, entropy=random_bytes).reveal()
    assert at_home.recognise(cookie, account, after=now, now=now) is not None
    assert elsewhere.recognise(cookie, account, after=now, now=now) is None
