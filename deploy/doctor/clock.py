"""Do the clocks agree? Graces and lifetimes are reckoned by the clock of whoever is asked."""

from datetime import datetime

from deploy.doctor.finding import Finding, ok, warn

TOLERATED_S = 2.0


def compare(whose: str, theirs: datetime, ours: datetime, *, exact_to_s: float = 0.0) -> Finding:
    """`exact_to_s`: how exact their answer is, a whole second in HTTP."""
    apart_s = abs((theirs - ours).total_seconds())
    check = f"clock of {whose}"
    if apart_s > TOLERATED_S + exact_to_s:
        return warn(check, f"{apart_s:.1f} s from this machine's", "Run NTP on both machines.")
    return ok(check, f"agrees to {max(apart_s, exact_to_s):.1f} s")
