"""Which answers each cell of the matrix may give (docs/architecture.md, "When a store is away").

`ok` requests go on. `wait` some get 503 with Retry-After, and succeed when asked again. `lost` some get no
answer, because what answers is what was broken. `void` see UNDECIDED.
"""

from typing import Final

from tests.chaos.work import KINDS, Kind

_EVERYTHING: Final = frozenset(KINDS)
NEEDS: Final[dict[str, frozenset[Kind]]] = {
    "postgres": _EVERYTHING,
    "valkey": frozenset(("sign-in", "exchange")),
    "nats": frozenset(),
    "gateway": _EVERYTHING,
    "authorize": frozenset(("sign-in",)),
    "token": frozenset(("exchange", "refresh", "revoke")),
    "jwks": frozenset(),
    "admin": frozenset(("admin change",)),
}

# A code is decided once. When the part that decides, or that carries the answer, dies in the middle, a client
# that asks again learns that the code was used: it begins anew, and what the first exchange gave is void
# (RFC 6749 §4.1.2).
UNDECIDED: Final = frozenset(("postgres", "token", "gateway"))


def may(part: str, kind: Kind) -> frozenset[str]:
    """The words of `work.Outcome` that are as promised."""
    words = {"ok"}
    if kind in NEEDS[part]:
        words.add("wait")
        if part == "gateway":
            words.add("lost")
        if part in UNDECIDED and kind == "exchange":
            words.add("void")
    return frozenset(words)
