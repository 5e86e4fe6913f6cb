"""Every letter in both languages, light and dark, as a mail program with a phone's width shows it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import pytest
from playwright.sync_api import Page

from services.admin.flows import invitation_letter, password_letter
from services.admin.flows.invitation_letter import InvitationFacts
from services.authorize.flows.letters import WRITERS, Facts, write
from shared.mail.letter import Letter, compose
from shared.texts import Texts
from tests.e2e.accessibility import violations
from tests.e2e.stage import LONG_WORD
from tests.e2e.test_pages_in_a_browser import PHONE, assert_narrow, picture

pytestmark = pytest.mark.not_deployed("letters are drawn from this checkout")
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
TEXTS: Final = Texts(Path("services/authorize/texts"))
TEXTS_OF_ADMIN: Final = Texts(Path("services/admin/texts"))
FACTS: Final = Facts(
    app=LONG_WORD,
    accent=None,
    email=f"{'ada.' * 15}x@example.com",
    link="https://auth.example.com/t/acme/verify?token=" + "x" * 80,
    forgot="https://auth.example.com/t/acme/forgot",
    requested_at=datetime(2026, 11, 28, 3, 30, tzinfo=UTC),
)
INVITATION: Final = InvitationFacts(
    app=LONG_WORD, role="viewer", invited_by=f"{'grace.' * 10}x@example.com", link=FACTS.link
)


@pytest.mark.parametrize("language", TEXTS.languages)
@pytest.mark.parametrize(
    "purpose", [*WRITERS, "invitation", "dashboard password", "dashboard password changed"]
)
def test_a_letter_can_be_read(page: Page, purpose: str, language: str) -> None:
    letter = written(purpose, language)
    mail = compose(
        letter, to=FACTS.email, sender="no-reply@example.com", message_id=UUID(int=1), date=FACTS.requested_at
    )
    html = mail.get_body(("html",))
    assert html is not None
    page.set_viewport_size(PHONE)
    page.set_content(html.get_content())
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        picture(page, f"letter {purpose} {language} phone {theme}")
        found = violations(page, runOnly=["wcag2a", "wcag2aa"])
        assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []
    assert_narrow(page)


def written(purpose: str, language: str) -> Letter:
    if purpose == "invitation":
        return invitation_letter.write(INVITATION, TEXTS_OF_ADMIN.language(language))
    api_tokens = "https://auth.example.com/dashboard/api-tokens"
    spoken = TEXTS_OF_ADMIN.language(language)
    if purpose == "dashboard password changed":
        return password_letter.write_notice(
            reset_at=FACTS.requested_at, forgot=FACTS.forgot, api_tokens=api_tokens, language=spoken
        )
    if purpose == "dashboard password":
        return password_letter.write(link=FACTS.link, api_tokens=api_tokens, language=spoken)
    return write(purpose, FACTS, TEXTS.language(language))
