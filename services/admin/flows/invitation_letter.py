"""What the mail of an invitation says."""

from typing import Final

import msgspec

from services.admin.store.apps import Role
from shared.mail.letter import Letter
from shared.text import Text
from shared.texts import Language

_AS: Final[dict[Role, Text]] = {
    "owner": Text("You would be an owner: you may do everything, and say who else may."),
    "admin": Text("You would be an admin: you may change everything but its members."),
    "viewer": Text("You would be a viewer: you see everything and change nothing."),
}


class InvitationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the letter may speak of. `invited_by` only where that address is known to be the inviter's."""

    app: str
    role: Role
    invited_by: str | None
    link: str


def write(facts: InvitationFacts, language: Language) -> Letter:
    """From MTAS, not from the app: whose name it is says nothing of whose mail."""
    if facts.invited_by is None:
        who = Text("You are invited to look after the app %(app)s at MTAS.", app=facts.app)
    else:
        who = Text(
            "%(inviter)s invites you to look after the app %(app)s at MTAS.",
            inviter=facts.invited_by,
            app=facts.app,
        )
    return Letter(
        language=language.tag,
        direction=language.direction,
        sender="MTAS",
        subject=language.say(Text("You are invited to %(app)s", app=facts.app)),
        paragraphs=(language.say(who), language.say(_AS[facts.role])),
        button=language.say(Text("See the invitation")),
        link=facts.link,
        link_hint=language.say(Text("If the button does not work, open this address:")),
        small_print=(
            language.say(Text("The link works once, within 72 hours, and for this address alone.")),
            language.say(
                Text("If you don't know what this is about, you can ignore this mail: nothing changes.")
            ),
        ),
    )
