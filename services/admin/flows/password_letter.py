"""What the mail with the link to a new dashboard password says, and the one that tells of it afterwards."""

from datetime import datetime

from shared.mail.letter import Letter
from shared.text import Text
from shared.texts import Language


def write(*, link: str, api_tokens: str, language: Language) -> Letter:
    return Letter(
        language=language.tag,
        direction=language.direction,
        sender="MTAS",
        subject=language.say(Text("Choose a new password for the MTAS dashboard")),
        paragraphs=(
            language.say(
                Text(
                    "Somebody, probably you, asked for a new password for your account at the MTAS dashboard."
                )
            ),
        ),
        button=language.say(Text("Choose a new password")),
        link=link,
        link_hint=language.say(Text("If the button does not work, open this address:")),
        small_print=(
            language.say(
                Text("The link works once, within 15 minutes. The new password signs you out everywhere.")
            ),
            _tokens_go_on(api_tokens, language),
            language.say(Text("If this was not you, you can ignore this mail: nothing changes.")),
        ),
    )


def write_notice(*, reset_at: datetime, forgot: str, api_tokens: str, language: Language) -> Letter:
    return Letter(
        language=language.tag,
        direction=language.direction,
        sender="MTAS",
        subject=language.say(Text("Your password for the MTAS dashboard was changed")),
        paragraphs=(
            language.say(
                Text(
                    "Your account at the MTAS dashboard has a new password since %(moment)s, chosen by "
                    "the link for who forgot it. Whoever was signed in is signed out.",
                    moment=language.moment(reset_at),
                )
            ),
            language.say(Text("If this was not you, choose a new password now. That signs everybody out:")),
        ),
        button=language.say(Text("Choose a new password")),
        link=forgot,
        link_hint=language.say(Text("If the button does not work, open this address:")),
        small_print=(_tokens_go_on(api_tokens, language),),
    )


def _tokens_go_on(address: str, language: Language) -> str:
    return language.say(
        Text(
            "API tokens go on working. If somebody else may have known your password, look through "
            "them afterwards: %(address)s",
            address=address,
        )
    )
