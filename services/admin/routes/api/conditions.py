"""Conditions of a request, from its headers: `If-Match` and `Idempotency-Key`; and what answers to them."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency

from services.admin.flows.access import Principal
from services.admin.flows.once import Once
from services.admin.flows.refused import FieldError, Invalid
from services.admin.flows.versions import ANY, version_of
from shared.secret import Secret

AnyRequest: TypeAlias = Request[Any, Any, Any]
_TAG: Final = re.compile(r'"([\x21\x23-\x7e]{1,64})"')
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class Repeatable:
    """What a request says of being sent again: its key, or nothing."""

    def __init__(self, actor: str, key: str | None, token: Secret, request: bytes) -> None:
        self._actor: Final = actor
        self._key: Final = key
        self._token: Final = token
        self._request: Final = request

    def once(self, view: Callable[[Any], msgspec.Struct]) -> Once | None:
        """`view` makes the answer of what the flow returns."""
        if self._key is None:
            return None
        return Once(
            actor=self._actor,
            key=self._key,
            token=self._token,
            request=self._request,
            render=lambda result: msgspec.json.encode(view(result)),
        )


GivenRepeatable: TypeAlias = NamedDependency[Repeatable]
GivenVersions: TypeAlias = NamedDependency[frozenset[str] | None]


async def provide_repeatable(request: AnyRequest) -> Repeatable:
    """Raises: Invalid for a key that cannot be one."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        message = "Idempotency-Key: 1 to 255 visible ASCII characters, such as a UUID."
        raise Invalid(message, [FieldError("Idempotency-Key", message)])
    principal: Principal = request.scope["state"]["principal"]
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    what = b"\n".join((request.method.encode(), request.scope["path"].encode(), await request.body()))
    return Repeatable(principal.actor, key, Secret(token), what)


async def provide_versions(request: AnyRequest) -> frozenset[str] | None:
    """Of `If-Match`, by strong comparison (RFC 9110 §8.8.3.2): a weak tag names no version. None: any."""
    header = request.headers.get("if-match")
    if header is None:
        return None
    tags = [tag.strip() for tag in header.split(",")]
    found = (_TAG.fullmatch(tag) for tag in tags)
    return frozenset({tag[1] for tag in found if tag} | ({ANY} if tags == [ANY] else set()))


def versioned(view: Any, record: msgspec.Struct) -> Response[Any]:
    """The view of `record` with its version."""
    return Response(view, headers={"ETag": f'"{version_of(record)}"'})
