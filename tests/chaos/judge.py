"""What must be true after a cell: nothing acknowledged lost, nothing half-issued, no revoked family alive."""

from collections.abc import Iterator

from deploy.local.stack import Stack
from tests.chaos.work import LANES, Work
from tests.support.eventually import eventually
from tests.support.product import App, Product
from tests.support.tokens import family_of

EVENTS_WITHIN_S = 30.0


def judge(stack: Stack, product: Product, app: App, user_id: str, sessions: int, work: Work) -> list[str]:
    """What is wrong, in words. `sessions`: how many the user had before."""
    wrong = [*_families(product, app, work), *_names(product, app, work)]
    had = int(
        stack.postgres.query(
            "select count(*) from authorize.sessions where user_id = :'user'::uuid", user=user_id
        )[0]
    )
    if had - sessions < work.said.signed_in:
        wrong.append(f"{work.said.signed_in} were signed in, {had - sessions} sessions are there")
    return [*wrong, *_events(stack, app, work)]


def _families(product: Product, app: App, work: Work) -> Iterator[str]:
    for refresh, access in work.said.revoked:
        if product.refresh(app, refresh).json().get("error") != "invalid_grant":
            yield "a revoked refresh token was taken"
        if product.is_active(app, access):
            yield "a revoked access token is active"
    for token in (*work.said.exchanged, *work.said.chains):
        if (answer := product.refresh(app, token)).status_code != 200:
            yield f"a refresh token that was acknowledged is refused: {answer.text[:80]}"


def _names(product: Product, app: App, work: Work) -> Iterator[str]:
    """The last one that was acknowledged, or one whose answer was lost later."""
    for lane in range(LANES):
        path = f"/apps/{app.app_id}/clients/{work.clients[lane].client_id}"
        name = product.api("GET", path).json()["name"]
        acknowledged = work.said.names[lane]
        if acknowledged and int(name.split()[-1]) < int(acknowledged[-1].split()[-1]):
            yield f"{acknowledged[-1]!r} was acknowledged, and it is {name!r}"


def _events(stack: Stack, app: App, work: Work) -> Iterator[str]:
    """Every change is in the audit log once, and none is left on its way."""
    ids = {str(family_of(access)) for _, access in work.said.revoked}
    changes = sum(len(names) for names in work.said.names.values())
    clients = {client.client_id for client in work.clients}

    def missing() -> str:
        told = stack.postgres.query(
            "select type || ' ' || subject from admin.audit_log a join admin.tenants t using (tenant_id)"
            " where t.slug = :'slug' and type in ('family.revoked', 'client.updated')",
            slug=app.app_id,
        )
        revoked = [subject for kind, subject in map(str.split, told) if kind == "family.revoked"]
        updated = [s for kind, s in map(str.split, told) if kind == "client.updated" and s in clients]
        waiting = stack.postgres.query("select count(*) from events.outbox")[0]
        if len(revoked) != len(set(revoked)):
            return "a revocation was told twice"
        if left := len(ids - set(revoked)):
            return f"{left} revocations are not in the audit log"
        if len(updated) < changes:
            return f"{changes - len(updated)} changes are not in the audit log"
        return "" if waiting == "0" else f"{waiting} events wait"

    try:
        eventually(lambda: not missing(), within=EVENTS_WITHIN_S)
    except AssertionError:
        yield missing()
