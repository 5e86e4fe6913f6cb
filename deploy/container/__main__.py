"""The image's entry point: `docker run mtas WHAT [ARGUMENT …]`, where WHAT is a service or a one-shot step.

Exit codes: those of what was run · 2 there is no such thing.
"""

import runpy
import sys
from typing import Final

MODULES: Final = {
    "authorize": "services.authorize",
    "token": "services.token",
    "jwks": "services.jwks",
    "admin": "services.admin",
    "provision": "deploy.provision",
    "gateway": "gateway",
    "stores": "deploy.container.stores",
    "healthy": "deploy.container.healthy",
    "mtas": "deploy.cli",
}


def main() -> None:
    what, *arguments = sys.argv[1:] or [""]
    module = MODULES.get(what)
    if module is None:
        print(f"mtas: run one of {', '.join(MODULES)}, not {what!r}", file=sys.stderr)
        sys.exit(2)
    sys.argv[1:] = arguments
    # In this process: as the container's first it is the one that gets SIGTERM.
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
