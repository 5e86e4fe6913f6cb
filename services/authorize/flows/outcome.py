"""What can come of an authorization request: an answer to the client, or a question to the user."""

from typing import Literal, TypeAlias
from urllib.parse import urlencode

import msgspec

ResponseMode: TypeAlias = Literal["query", "form_post"]
Question: TypeAlias = Literal["sign_in", "select_account", "consent"]


class Unproven(Exception):
    """Client and redirect_uri are not proven, so there is nobody to answer but the person.

    A page, and never a redirect (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2). `description` is for the
    client's developer; nothing has been written.
    """

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


class NotRegistered(Unproven):
    """The client is known, and has not registered this `redirect_uri`."""


class ReplyTo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the answer goes: proven to be the client's. `onward`: its own origins, which may follow."""

    redirect_uri: str
    onward: tuple[str, ...]
    response_mode: ResponseMode
    state: str | None
    issuer: str

    def answer(self, **parameters: str | None) -> "Answer":
        """The response: with every one, `state` (RFC 6749 §4.1.2) and `iss` (RFC 9207 §2)."""
        present = {name: value for name, value in parameters.items() if value is not None}
        if self.state is not None:
            present["state"] = self.state
        present["iss"] = self.issuer
        return Answer(reply_to=self, parameters=present)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization response, with a code or an error."""

    reply_to: ReplyTo
    parameters: dict[str, str]

    @property
    def location(self) -> str:
        """The redirect URI with the parameters in its query; what it had there stays (RFC 6749 §3.1.2)."""
        return with_query(self.reply_to.redirect_uri, self.parameters)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The user is asked something first; the interaction holds the request meanwhile."""

    question: Question
    interaction_id: str


class StartOver(msgspec.Struct, frozen=True, kw_only=True):
    """Come again by GET, with the cookies that a browser keeps back from another site's POST."""

    interaction_id: str


Outcome: TypeAlias = Answer | Ask | StartOver


def with_query(uri: str, parameters: dict[str, str]) -> str:
    if not parameters:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"
