"""How tenants share this process: docs/adr/0012-tenants-take-turns.md has the reasons and figures."""

from shared.fair_share import FairShare

FEW = 8
"""So many of one tenant may wait before tenants take turns: where ten ask at random and two dozen
requests wait, hardly ever more are one tenant's."""
WAITING = 2048
WAITING_EACH = 512
"""About what one tenant gets done in half a second; more would only wait to be told that it was too long."""
PATIENCE_S = 3.0
"""As long as a connection to the database is waited for."""


def share_out(connections: int) -> FairShare:
    """As many requests at a time as there are connections to the database; a fifth of them no one
    tenant gets, so that others go on while all of its own wait for a lock or a slow disk."""
    return FairShare(
        connections,
        each=max(1, connections - max(1, connections // 5)),
        few=FEW,
        waiting=WAITING,
        waiting_each=WAITING_EACH,
        patience_s=PATIENCE_S,
        name="token_requests",
    )
