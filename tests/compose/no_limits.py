"""The gateway's configuration as the image writes it, but no limit on sign-ins: one address does them all."""

from functools import partial

import gateway.__main__ as command
from gateway.render import Bucket, Limits, render

UNLIMITED = Limits(password=Bucket(burst=1_000_000, per_minute=1_000_000))

command.render = partial(render, limits=UNLIMITED)  # type: ignore[attr-defined]
command.main()
