"""The compose project as it is written: secrets, least rights, limits. `make test-compose` runs it."""

import importlib
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]

from deploy.local.services import FILES
from deploy.secrets import MAKERS, SERVICES, variable
from shared.settings import variable as setting

DEPLOY = Path(__file__).parents[3] / "deploy"
PROJECT: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
CONTAINERS: dict[str, Any] = PROJECT["services"]
ONCE = {"gateway-config", "stores-config", "provision"}
SECRETS = {variable(name) for name in MAKERS}
OVERLAYS = sorted(DEPLOY.glob("compose.*.yaml"))


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Knows Compose's `!reset`: nothing of what the file before says."""


_Loader.add_constructor("!reset", lambda loader, node: loader.construct_sequence(node))


def used(container: str) -> set[str]:
    """The secrets that a container is told."""
    return SECRETS & set(re.findall(r"\$\{(\w+)", str(CONTAINERS[container].get("environment"))))


def test_no_secret_has_a_default() -> None:
    texts = [path.read_text() for path in (DEPLOY / "compose.yaml", *OVERLAYS)]
    references = re.findall(r"\$\{(\w+)(:?[-?+][^}]*)?\}", "".join(texts))
    assert {name for name, default in references if name in SECRETS and default != ":?run mtas init"} == set()
    assert {name for name, _ in references} >= SECRETS


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_its_own_secrets_and_no_other(service: str) -> None:
    stores = {f"{store}-{service}" for store in ("postgres", "valkey", "nats")} & set(MAKERS)
    assert used(service) == {variable(name) for name in stores.union(FILES[service])}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_what_it_requires_and_nothing_unknown(service: str) -> None:
    fields = msgspec.structs.fields(importlib.import_module(f"services.{service}.settings").Settings)
    given = set(CONTAINERS[service]["environment"])
    assert given <= {setting(field.name) for field in fields}
    assert given >= {setting(field.name) for field in fields if field.required}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_has_few_rights_and_bounded_logs(container: str) -> None:
    it = CONTAINERS[container]
    assert it["read_only"] is True
    assert it["cap_drop"] == ["ALL"]
    assert it["security_opt"] == ["no-new-privileges:true"]
    assert it["logging"]["options"].keys() == {"max-size", "max-file"}


@pytest.mark.parametrize("container", sorted(CONTAINERS.keys() - ONCE))
def test_what_stays_up_is_watched_limited_and_restarted(container: str) -> None:
    it = CONTAINERS[container]
    assert it["restart"] == "unless-stopped"
    assert it["healthcheck"]["test"]
    assert it["deploy"]["resources"]["limits"]["memory"]


def test_only_the_gateway_can_be_reached_and_by_this_machine_alone_unless_it_is_said() -> None:
    assert {name for name, it in CONTAINERS.items() if "ports" in it} == {"gateway"}
    assert CONTAINERS["gateway"]["ports"] == ["${MTAS_BIND:-127.0.0.1:8080}:8080"]
    assert CONTAINERS["gateway"]["networks"] == ["front"]


def test_stores_are_on_a_network_that_leads_nowhere() -> None:
    assert PROJECT["networks"]["stores"] == {"internal": True}
    assert {name for name, it in CONTAINERS.items() if it.get("networks") == ["stores"]} == {
        *("postgres", "valkey", "nats", "provision")
    }


def test_every_overlay_is_explained() -> None:
    pages = "".join(path.read_text() for path in (DEPLOY.parent / "docs" / "deploy").glob("*.md"))
    names = {path.name.split(".")[1] for path in OVERLAYS}
    assert {name for name in names if not re.search(rf"compose\.{name}\.yaml|`{name}`", pages)} == set()


def test_coolify_gets_no_port_no_message_for_a_value_and_one_proxy() -> None:
    text = (DEPLOY / "coolify.yaml").read_text()
    containers = yaml.safe_load(text)["services"]
    assert [name for name, it in containers.items() if "ports" in it] == []
    assert "mtas init" not in text
    assert containers["gateway-config"]["environment"]["MTAS_TRUSTED_PROXIES"] == "1"
    assert {name for name, it in containers.items() if it.get("exclude_from_hc")} == ONCE


def test_with_the_overlay_of_traces_gateway_and_services_send_them_to_the_same_collector() -> None:
    overlay = yaml.safe_load((DEPLOY / "compose.traces.yaml").read_text())["services"]
    (collector,) = overlay.keys() - CONTAINERS.keys()
    told = {name: it["environment"] for name, it in overlay.items() if name != collector}
    assert told == {
        name: {"MTAS_OTLP_ENDPOINT": f"http://{collector}:4318"} for name in (*SERVICES, "gateway-config")
    }
    assert overlay[collector]["networks"] == ["front"]
    assert all(port.startswith("127.0.0.1:") for port in overlay[collector]["ports"])


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_what_an_overlay_mounts_of_this_folder_is_there(overlay: Path) -> None:
    containers = yaml.load(overlay.read_text(), _Loader)["services"].values()
    mounted = [mount for it in containers for mount in it.get("volumes", [])]
    ours = [found[1] for mount in mounted if (found := re.match(r"(?:\$\{\w+:-)?(\.[^:}]*)", mount))]
    assert [path for path in ours if not (DEPLOY / path).exists()] == []


def test_caddy_is_the_one_proxy_whose_word_about_the_sender_is_taken() -> None:
    overlay = yaml.load((DEPLOY / "compose.acme.yaml").read_text(), _Loader)["services"]
    assert overlay["gateway"]["ports"] == []
    assert overlay["gateway-config"]["environment"] == {"MTAS_TRUSTED_PROXIES": "1"}
    assert "reverse_proxy gateway:8080" in (DEPLOY / "caddy" / "Caddyfile").read_text()
