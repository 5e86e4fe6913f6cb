"""Letters and links, as far as they need no server."""

import uuid
from datetime import UTC, datetime

import pytest

from deploy.texts import SPEAKERS
from services.admin.flows.invitation_letter import InvitationFacts
from services.admin.flows.invitation_letter import write as write_invitation
from services.admin.store.apps import Role
from services.authorize.flows.letters import WRITERS, Facts, write
from shared.mail.letter import BadAddress, Letter, compose
from shared.mail.links import Links
from shared.mail.smtp import Mailer
from shared.secret import Secret
from shared.texts import Texts, accepted, ui_locales

CATALOGUES = SPEAKERS["authorize"].catalogues
FACTS = Facts(
    app="Acme & Co\r\nBcc: eve@evil.example",
    accent="#803020",
    email="a@example.com",
    link="https://auth.example/t/acme/verify?token=x&ui_locales=en",
    forgot="https://auth.example/t/acme/forgot",
    requested_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)


@pytest.mark.parametrize("purpose", WRITERS)
@pytest.mark.parametrize("tag", list(Texts(CATALOGUES).languages))
def test_every_letter_is_whole_in_every_language(purpose: str, tag: str) -> None:
    letter = write(purpose, FACTS, Texts(CATALOGUES).language(tag))
    message = compose(
        letter,
        to="a@example.com",
        sender="no-reply@x.example",
        message_id=uuid.uuid4(),
        date=FACTS.requested_at,
    )
    assert set(message.keys()) & {"Bcc", "Cc"} == set(), "a name adds no header"
    assert message["Content-Language"] == tag
    parts = [part.get_content_type() for part in message.walk()]
    assert parts == ["multipart/alternative", "text/plain", "text/html"]
    assert "%(" not in message.as_string()
    html = message.get_body(preferencelist=("html",))
    assert html is not None
    assert "Acme &amp; Co" in html.get_content()
    assert "background-color:#803020" in html.get_content()


@pytest.mark.parametrize("purpose", WRITERS)
def test_no_sentence_of_a_letter_is_left_in_english(purpose: str) -> None:
    english, german = (write(purpose, FACTS, Texts(CATALOGUES).language(tag)) for tag in ("en", "de"))
    assert _said(english) & _said(german) == set()


def _said(letter: Letter) -> set[str | None]:
    return {letter.subject, *letter.paragraphs, letter.button, letter.link_hint, *letter.small_print}


@pytest.mark.parametrize("address", ["a,b@example.com", "<a@example.com>", "a@b@example.com", "a", ""])
def test_no_header_is_made_of_what_is_no_address(address: str) -> None:
    letter = write("verify_email", FACTS, Texts(CATALOGUES).language("en"))
    with pytest.raises(BadAddress):
        compose(
            letter, to=address, sender="no-reply@x.example", message_id=uuid.uuid4(), date=FACTS.requested_at
        )


def test_a_link_is_for_one_tenant_and_one_purpose() -> None:
    links, other = Links(Secret("ab" * 32)), Links(Secret("cd" * 32))
    tenant, mail = uuid.uuid4(), uuid.uuid4()
    token = links.token(tenant, "reset_password", mail)
    assert links.open(token, tenant, "reset_password") == mail
    assert links.open(token, tenant, "verify_email") is None
    assert links.open(token, uuid.uuid4(), "reset_password") is None
    assert other.open(token, tenant, "reset_password") is None
    assert str(mail) not in token


def test_no_changed_character_of_a_link_opens() -> None:
    links = Links(Secret("ab" * 32))
    tenant = uuid.uuid4()
    token = links.token(tenant, "reset_password", uuid.uuid4())
    for place, character in enumerate(token):
        changed = token[:place] + ("A" if character != "A" else "B") + token[place + 1 :]
        assert links.open(changed, tenant, "reset_password") is None
    for cut in ("", token[:-1], token + "A", token + "=", " " + token, "%", "é"):
        assert links.open(cut, tenant, "reset_password") is None


@pytest.mark.parametrize(
    "url", ["http://x", "smtp://", "x", "smtp://host/path", "smtp://host?x=1", "smtp://host:port"]
)
def test_a_mail_server_is_one_url(url: str) -> None:
    with pytest.raises(ValueError):
        Mailer(Secret(url), "no-reply@x.example")


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", ["de-AT", "de", "en"]),
        ("en;q=0.2, de;q=0.7", ["de", "en"]),
        ("de;q=0, en", ["en"]),
        ("*, en;q=abc, de", ["de"]),
        ("", []),
        (";;;,,,;q=1", []),
    ],
)
def test_accept_language_is_read_by_weight(header: str, tags: list[str]) -> None:
    assert accepted(header) == tags


def test_a_language_is_chosen_by_its_longest_known_tag() -> None:
    texts = Texts(CATALOGUES)
    assert texts.choose(ui_locales("fr-CA xx en-GB")) == "en"
    assert texts.choose(ui_locales(None)) is None
    assert texts.choose(["../../etc/passwd", "EN-us"]) == "en"


@pytest.mark.parametrize("role", ["owner", "admin", "viewer"])
@pytest.mark.parametrize("inviter", [None, "ada@example.com"])
def test_an_invitation_is_whole_in_every_language(role: Role, inviter: str | None) -> None:
    facts = InvitationFacts(
        app="Acme\r\nBcc: eve@evil.example", role=role, invited_by=inviter, link="https://auth.example/x"
    )
    texts = Texts(SPEAKERS["admin"].catalogues)
    english, german = (write_invitation(facts, texts.language(tag)) for tag in ("en", "de"))
    assert _said(english) & _said(german) == set()
    for letter in (english, german):
        message = compose(
            letter,
            to="a@example.com",
            sender="no-reply@x.example",
            message_id=uuid.uuid4(),
            date=FACTS.requested_at,
        )
        assert set(message.keys()) & {"Bcc", "Cc"} == set()
        assert message["From"] == "MTAS <no-reply@x.example>"
        assert ((inviter or "ada@") in message.as_string()) == (inviter is not None)
