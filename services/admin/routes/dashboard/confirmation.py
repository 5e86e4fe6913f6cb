"""Ask for the password before something weighty, where the form had no field for it (step-up)."""

from typing import Any

from litestar import Response

from services.admin.flows.confirm_identity import ConfirmationNeeded
from services.admin.flows.refused import Refused
from services.admin.routes.dashboard.pages import page
from services.admin.routes.dashboard.visits import Visit


def asks_again(refusal: Refused) -> bool:
    """Was it for the password, which is missing or wrong?"""
    return isinstance(refusal, ConfirmationNeeded) or [error.field for error in refusal.errors] == [
        "password"
    ]


def confirmation_page(visit: Visit, refusal: Refused, *, back: str) -> Response[Any]:
    """The same form once more, to the same address, with a field for the password."""
    return page(
        visit,
        "confirm_identity.html",
        form=visit.form,
        refusal=None if isinstance(refusal, ConfirmationNeeded) else refusal,
        status=refusal.status,
        action=visit.path,
        kept=visit.form.kept,
        back=back,
    )
