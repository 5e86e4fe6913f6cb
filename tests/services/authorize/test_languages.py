"""Which language a page and a mail are in (OpenID Connect Core §3.1.2.1, RFC 9110 §12.5.4)."""

import pytest

from shared.texts import accepted
from tests.services.authorize.conftest import PASSWORD, World
from tests.services.authorize.test_mail import come, sign_up
from tests.support.post import Post, link_in, text_of

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"}


@pytest.mark.parametrize(
    ("query", "headers", "language"),
    [
        ("", {}, "en"),
        ("", GERMAN, "de"),
        ("", {"Accept-Language": "xx, en;q=0.5, de;q=0.4"}, "en"),
        ("?ui_locales=de", {}, "de"),
        ("?ui_locales=fr+de+en", {}, "de"),
        ("?ui_locales=en", GERMAN, "en"),
        ("?ui_locales=../../x", GERMAN, "de"),
        ("?ui_locales=%00", GERMAN, "de"),
        ("?ui_locales=de&ui_locales=en", {}, "en"),
    ],
)
async def test_a_page_is_in_the_language_asked_for(
    world: World, query: str, headers: dict[str, str], language: str
) -> None:
    person = world.person()
    for name in ("login", "no-such-page"):
        page = await person.http.get(person.path(name) + query, headers=headers)
        if name == "login" and query.endswith("%00"):
            assert page.status_code == 400
        assert f'<html lang="{language}" dir="ltr">' in page.text, name


async def test_a_clients_ui_locales_hold_until_it_is_answered(world: World) -> None:
    person = world.person()
    login = await person.get(world.authorize(ui_locales="fr de", prompt="consent"))
    assert "<h1>Anmelden</h1>" in login.text
    wrong = await person.send(login, {"email": "ada@example.com", "password": "something else entirely"})
    assert "passen zu keinem Konto" in wrong.text
    sign_up_page = await person.get(str(login.url).replace("/login?", "/signup?"))
    assert "<h1>Konto erstellen</h1>" in sign_up_page.text
    consent = await person.submit(login, {"email": "ada@example.com", "password": PASSWORD})
    assert "erlauben?" in consent.text
    assert "Ihre E-Mail-Adresse sehen" in consent.text


async def test_an_error_page_is_in_the_readers_language(world: World) -> None:
    page = await world.person().http.get(world.authorize(client_id="nobody-at-all"), headers=GERMAN)
    assert page.status_code == 400
    assert "Dieser Anmeldelink funktioniert nicht" in page.text
    assert "Anfrage-ID" in page.text


async def test_what_is_wrong_is_said_in_the_readers_language(world: World) -> None:
    person = world.person()
    form = await person.http.get(person.path("signup"), headers=GERMAN)
    page = await person.send(form, {"email": "ada", "password": "short"}, headers=GERMAN)
    assert "<title>Fehler: Konto erstellen" in page.text
    assert "Verwenden Sie mindestens 15 Zeichen" in page.text
    assert "zum Beispiel name@example.com" in page.text


async def test_a_mail_and_its_page_are_in_the_language_of_who_asked(world: World, post: Post) -> None:
    person = world.person()
    await sign_up(person, "grace@example.com", **GERMAN)
    (mail,) = await come(post, "grace@example.com")
    assert mail["Content-Language"] == "de"
    assert mail["Subject"] == "Bestätigen Sie Ihre E-Mail-Adresse für Acme & Co"
    assert "Der Link funktioniert einmal" in text_of(mail)
    page = await world.person().get(link_in(mail).removeprefix("http://localhost"))
    assert "Ist das Ihre E\N{NON-BREAKING HYPHEN}Mail-Adresse?" in page.text
    done = await person.submit(await person.get(str(page.url)))
    assert "Mail-Adresse bestätigt" in done.text


async def test_waits_are_counted_in_the_readers_language(world: World) -> None:
    person = world.person()
    page = await person.http.get(person.path("login"), headers=GERMAN)
    wrong = {"email": "ada@example.com", "password": "something else entirely"}
    for _ in range(6):
        answer = await person.send(page, wrong, headers=GERMAN)
    assert answer.status_code == 429
    assert "Warten Sie 1 Sekunde " in answer.text


def test_no_number_of_spaces_keeps_the_header_from_being_read() -> None:
    """Trying every way to share them out would take an hour."""
    assert accepted("de" + " " * 300_000 + "x, en") == ["en"]
    assert accepted(" de ; q=0.5 , en") == ["en", "de"]
