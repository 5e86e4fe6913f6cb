"""A form's fields as text, lines, numbers and ticks; and whether it came from a page of ours."""

from typing import Final
from urllib.parse import parse_qsl

from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException, HTTPException, PermissionDeniedException

from services.admin.flows.refused import FieldError, Invalid
from services.admin.routes.dashboard.web import Web
from shared.http.browser import TOKEN_FIELD, AnyRequest, is_form, is_token
from shared.pages.durations import parse_duration

UPLOAD_TYPE: Final = "multipart/form-data"
UPLOAD: Final = "upload"
"""A handler with this option takes a form with one file in it (RFC 7578)."""
_MAX_FIELDS: Final = 100
_NO_DURATION: Final = "Enter a number and a unit, like 10 minutes or 14 days."


class Form:
    """What was sent, or what a page begins with. A field that is not there is empty."""

    def __init__(self, fields: dict[str, str] | None = None, upload: bytes = b"") -> None:
        self._fields: Final = fields or {}
        self.upload: Final = upload

    def raw(self, name: str) -> str:
        """As it was typed, to show again."""
        return self._fields.get(name, "")

    @property
    def kept(self) -> dict[str, str]:
        """What another page may send on: everything but the password and the token of this page."""
        return {name: value for name, value in self._fields.items() if name not in ("password", TOKEN_FIELD)}

    def text(self, name: str) -> str:
        return self.raw(name).strip()

    def lines(self, name: str) -> tuple[str, ...]:
        """One value a line; empty lines don't count."""
        return tuple(line.strip() for line in self.raw(name).splitlines() if line.strip())

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(self.raw(name).split())

    def ticked(self, name: str) -> bool:
        return name in self._fields

    def number(self, name: str) -> int:
        """Raises: Invalid."""
        text = self.text(name)
        if not (text.isascii() and text.isdecimal() and len(text) <= 9):
            raise Invalid("Check the fields that are named.", [FieldError(name, "Enter a whole number.")])
        return int(text)

    def durations(self, *names: str) -> dict[str, int]:
        """Seconds of each, typed as a number of a unit, or of seconds: `14 days`. Raises: Invalid."""
        found = {name: parse_duration(self.text(name)) for name in names}
        wrong = [FieldError(name, _NO_DURATION) for name, seconds in found.items() if seconds is None]
        if wrong:
            raise Invalid("Check the fields that are named.", wrong)
        return {name: seconds for name, seconds in found.items() if seconds is not None}


async def read_upload(request: AnyRequest) -> Form:
    """Fields, and the content of the one file, if there is one. Raises: HTTPException 400, 413, 415."""
    media_type, options = request.content_type
    if media_type != UPLOAD_TYPE:
        return await read_form(request)
    _refuse_encodings(await request.body(), b"--" + options.get("boundary", "").encode())
    fields, content = {}, b""
    try:
        parts = list((await request.form()).multi_items())
    except UnicodeDecodeError:
        raise ClientException(detail="The form cannot be read.") from None
    for name, value in parts:
        if isinstance(value, UploadFile):
            content = await value.read()
            await value.close()
        else:
            fields[name] = str(value)
    if len(fields) + 1 < len(parts):
        raise ClientException(detail="The form cannot be read.")
    return Form(fields, content)


def _refuse_encodings(body: bytes, delimiter: bytes) -> None:
    """A part is UTF-8, as browsers send it, and does not choose (RFC 7578 §5.1.2). Raises: ClientException.

    The framework would take any codec of Python, and `punycode` takes ten seconds for a form of this size.
    """
    if body.count(delimiter) > _MAX_FIELDS or any(
        b"charset" in part.partition(b"\r\n\r\n")[0].lower() for part in body.split(delimiter)
    ):
        raise ClientException(detail="The form cannot be read.")


async def read_form(request: AnyRequest) -> Form:
    """Not Litestar's parser: its cache would keep passwords. Raises: HTTPException 400, 415."""
    if not is_form(request):
        raise HTTPException(status_code=415, detail="This address takes forms.")
    body = await request.body()
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise ClientException(detail="The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or any("\x00" in name + value for name, value in pairs):
        raise ClientException(detail="The form cannot be read.")
    return Form(fields)


def require_same_origin(request: AnyRequest, web: Web) -> None:
    """Raises: PermissionDeniedException."""
    if not web.may_have_sent(request):
        raise PermissionDeniedException(detail="This form was sent from another site.")


def require_token(form: Form, expected: str) -> None:
    """Raises: PermissionDeniedException."""
    if not is_token(form.raw(TOKEN_FIELD), expected):
        raise PermissionDeniedException(
            detail="This form is from before you signed in or out. Go back, reload the page and try again."
        )
