"""What each mail says. One function a purpose; the reader's language is given."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from shared.mail.letter import Letter
from shared.text import Text
from shared.texts import Language

_IGNORE: Final = Text("If this was not you, you can ignore this mail: nothing changes.")
_LINK_HINT: Final = Text("If the button does not work, open this address:")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter may speak of. `link` is the one of this mail, `forgot` the page for a new password."""

    app: str
    accent: str | None
    email: str
    link: str
    forgot: str
    requested_at: datetime


class Words(msgspec.Struct, frozen=True, kw_only=True):
    subject: Text
    paragraphs: tuple[Text, ...]
    button: Text
    leads_to: str
    small_print: tuple[Text, ...] = ()


def write(purpose: str, facts: Facts, language: Language) -> Letter:
    words = WRITERS[purpose](facts, language)
    letter = Letter(
        language=language.tag,
        direction=language.direction,
        sender=facts.app,
        subject=language.say(words.subject),
        paragraphs=tuple(language.say(each) for each in words.paragraphs),
        button=language.say(words.button),
        link=words.leads_to,
        link_hint=language.say(_LINK_HINT),
        small_print=tuple(language.say(each) for each in words.small_print),
    )
    return msgspec.structs.replace(letter, accent=facts.accent) if facts.accent else letter


def _verify_email(facts: Facts, _: Language) -> Words:
    return Words(
        subject=Text("Confirm your email address for %(app)s", app=facts.app),
        paragraphs=(
            Text(
                "You have an account at %(app)s with this address. Please confirm that it is yours.",
                app=facts.app,
            ),
        ),
        button=Text("Confirm email address"),
        leads_to=facts.link,
        small_print=(
            Text("The link works once, within 24 hours."),
            Text("If you did not make this account, you can ignore this mail."),
        ),
    )


def _account_exists(facts: Facts, _: Language) -> Words:
    return Words(
        subject=Text("You already have an account at %(app)s", app=facts.app),
        paragraphs=(
            Text(
                "Somebody, probably you, wanted to create an account at %(app)s with this address. "
                "There is one already, so nothing was created or changed.",
                app=facts.app,
            ),
            Text("Sign in with it. If you have forgotten the password, choose a new one:"),
        ),
        button=Text("Choose a new password"),
        leads_to=facts.forgot,
        small_print=(_IGNORE,),
    )


def _reset_password(facts: Facts, _: Language) -> Words:
    return Words(
        subject=Text("Choose a new password for %(app)s", app=facts.app),
        paragraphs=(Text("Somebody, probably you, asked for a new password at %(app)s.", app=facts.app),),
        button=Text("Choose a new password"),
        leads_to=facts.link,
        small_print=(
            Text("The link works once, within 15 minutes. It signs you out everywhere else."),
            _IGNORE,
        ),
    )


def _change_email(facts: Facts, _: Language) -> Words:
    return Words(
        subject=Text("Confirm your new email address for %(app)s", app=facts.app),
        paragraphs=(
            Text(
                "You asked to use this address for your account at %(app)s. "
                "It changes when you confirm that the address is yours.",
                app=facts.app,
            ),
        ),
        button=Text("Use this address"),
        leads_to=facts.link,
        small_print=(Text("The link works once, within 24 hours."), _IGNORE),
    )


def _email_changed(facts: Facts, language: Language) -> Words:
    return Words(
        subject=Text("Your email address at %(app)s was changed", app=facts.app),
        paragraphs=(
            Text(
                "Since %(moment)s your account at %(app)s has another email address. "
                "You cannot sign in with this one any more.",
                app=facts.app,
                moment=language.moment(facts.requested_at),
            ),
            Text("If this was not you, write to the people who run %(app)s at once.", app=facts.app),
        ),
        button=Text("Go to %(app)s", app=facts.app),
        leads_to=facts.link,
    )


def _password_changed(facts: Facts, language: Language) -> Words:
    return _warning(
        facts,
        Text("Your password at %(app)s was changed", app=facts.app),
        Text(
            "Your account at %(app)s has a new password since %(moment)s.",
            app=facts.app,
            moment=language.moment(facts.requested_at),
        ),
    )


def _new_device(facts: Facts, language: Language) -> Words:
    return _warning(
        facts,
        Text("A new sign-in at %(app)s", app=facts.app),
        Text(
            "Somebody signed in to your account at %(app)s with your password on %(moment)s, "
            "from a device that was not used there before.",
            app=facts.app,
            moment=language.moment(facts.requested_at),
        ),
        Text("If this was you, there is nothing to do."),
    )


def _warning(facts: Facts, subject: Text, *paragraphs: Text) -> Words:
    """Of what may have been another's doing: a new password puts them out."""
    return Words(
        subject=subject,
        paragraphs=(
            *paragraphs,
            Text("If this was not you, choose a new password now. That signs everybody out:"),
        ),
        button=Text("Choose a new password"),
        leads_to=facts.forgot,
    )


WRITERS: Final[dict[str, Callable[[Facts, Language], Words]]] = {
    "verify_email": _verify_email,
    "account_exists": _account_exists,
    "reset_password": _reset_password,
    "change_email": _change_email,
    "email_changed": _email_changed,
    "password_changed": _password_changed,
    "new_device": _new_device,
}
