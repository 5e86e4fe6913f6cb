"""What `make test-kube` fills in is what a kubelet would."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.kube.pods import Translator

MANIFESTS: list[dict[str, Any]] = [
    {"kind": "ConfigMap", "metadata": {"name": "mtas"}, "data": {"HOST": "postgres:5432"}},
    {
        "kind": "Secret",
        "metadata": {"name": "mtas-9f"},
        "data": {"PASSWORD": base64.b64encode(b"p$s").decode()},
    },
]


def environment(folder: Path, *variables: dict[str, Any]) -> dict[str, str]:
    container = {"name": "service", "image": "mtas", "env": list(variables)}
    spec = {"securityContext": {}, "containers": [container]}
    pod = Translator(MANIFESTS, folder).pod({"spec": {"template": {"spec": spec}}}, "a-pod")
    return {it["name"]: it["value"] for it in pod["spec"]["containers"][0]["env"]}


def reference(name: str, kind: str, source: str, key: str, **options: bool) -> dict[str, Any]:
    return {"name": name, "valueFrom": {kind: {"name": source, "key": key, **options}}}


def test_values_come_from_the_settings_the_secrets_and_what_stands_before(tmp_path: Path) -> None:
    given = environment(
        tmp_path,
        {"name": "EARLY", "value": "$(HOST)"},
        reference("HOST", "configMapKeyRef", "mtas", "HOST"),
        reference("PASSWORD", "secretKeyRef", "mtas-9f", "PASSWORD"),
        {"name": "URL", "value": "postgresql://x:$(PASSWORD)@$(HOST)/$$(HOST)"},
    )
    assert given["EARLY"] == "$(HOST)"
    assert given["URL"] == "postgresql://x:p$s@postgres:5432/$(HOST)"


def test_a_key_that_is_not_there_is_an_error_unless_it_is_optional(tmp_path: Path) -> None:
    missing = "SMTP", "secretKeyRef", "mtas-9f", "SMTP"
    assert environment(tmp_path, reference(*missing, optional=True)) == {}
    with pytest.raises(KeyError):
        environment(tmp_path, reference(*missing))


def test_parts_of_one_volume_are_one_folder_that_everybody_may_write_to(tmp_path: Path) -> None:
    mounts = [
        {"name": "config", "mountPath": "/config/nats", "subPath": "nats"},
        {"name": "config", "mountPath": "/config", "readOnly": True},
    ]
    spec = {
        "securityContext": {},
        "containers": [{"name": "nats", "image": "nats", "volumeMounts": mounts}],
    }
    pod = Translator(MANIFESTS, tmp_path).pod({"spec": {"template": {"spec": spec}}}, "a-pod")["spec"]
    folders = {it["name"]: it["hostPath"]["path"] for it in pod["volumes"]}
    whole = tmp_path / "a-pod" / "config"
    assert folders == {"config-nats": str(whole / "nats"), "config": str(whole)}
    assert (whole / "nats").stat().st_mode & 0o777 == 0o777
    assert [it["readOnly"] for it in pod["containers"][0]["volumeMounts"]] == [False, True]
