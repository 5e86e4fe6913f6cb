"""deploy/coolify.yaml, from compose.yaml: Coolify reads one file and no overlays, and brings its own proxy.

`make docs` writes it; a build fails when it is stale.
"""

from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

FOLDER: Final = Path(__file__).parent
ABOUT: Final = """\
# Generated from compose.yaml by `make docs`; docs/deploy/coolify.md walks through it.
"""
_REFUSAL: Final = ":?run mtas init}"
"""Coolify takes what stands behind `:?` for a value, and would begin with it."""


def render() -> str:
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8").replace(_REFUSAL, ":?}")
    project: dict[str, Any] = {
        name: part for name, part in yaml.safe_load(text).items() if name[:2] != "x-" and name != "name"
    }
    for name, container in project["services"].items():
        if "build" in container:
            container["build"] = {"context": ".", "dockerfile": "deploy/Dockerfile"}
        if "healthcheck" not in container:  # one that is done is not one that failed
            container["exclude_from_hc"] = True
        if name == "gateway":
            # Its proxy reaches the gateway by its own network, under the domain that is set for it.
            del container["ports"]
            container["environment"] = ["SERVICE_FQDN_GATEWAY_8080"]
    project["services"]["gateway-config"]["environment"]["MTAS_TRUSTED_PROXIES"] = "1"
    return ABOUT + str(yaml.dump(project, Dumper=_Plain, sort_keys=False, width=110))


class _Plain(yaml.SafeDumper):  # type: ignore[misc]
    """Without anchors: what is said twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True
