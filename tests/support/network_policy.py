"""Who may reach whom, by what NetworkPolicies mean (Kubernetes API, networking.k8s.io/v1).

A pod that a policy of a direction chooses may be reached, or reach, only as one of them allows; both sides
must agree. What is no pod (a store elsewhere, the internet) has no policies and is met by address alone.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]
OUTSIDE = "203.0.113.7"


@dataclass(frozen=True)
class Peer:
    """A pod by its labels, or with `namespace=None` an address outside of the cluster."""

    name: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = OUTSIDE


def may_reach(
    source: Peer, target: Peer, port: int, policies: Sequence[Policy], *, protocol: str = "TCP"
) -> bool:
    return all(
        _allows(policies, direction, chosen, other, target, port, protocol)
        for direction, chosen, other in (("Egress", source, target), ("Ingress", target, source))
    )


def _allows(
    policies: Sequence[Policy],
    direction: str,
    chosen: Peer,
    other: Peer,
    target: Peer,
    port: int,
    protocol: str,
) -> bool:
    binding = [it for it in policies if direction in _types(it["spec"]) and _chooses(it, chosen)]
    return not binding or any(
        _meets(rule.get("to" if direction == "Egress" else "from"), other, it["metadata"]["namespace"])
        and _has_port(rule.get("ports"), target, port, protocol)
        for it in binding
        for rule in it["spec"].get(direction.lower()) or []
    )


def _types(spec: Mapping[str, Any]) -> list[str]:
    return list(spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])])


def _chooses(policy: Policy, peer: Peer) -> bool:
    here = peer.namespace == policy["metadata"]["namespace"]
    return here and _selects(policy["spec"]["podSelector"], peer.labels)


def _meets(peers: list[Mapping[str, Any]] | None, peer: Peer, namespace: str) -> bool:
    """No list, or an empty one, is everybody."""
    return not peers or any(_is(each, peer, namespace) for each in peers)


def _is(selector: Mapping[str, Any], peer: Peer, namespace: str) -> bool:
    if block := selector.get("ipBlock"):
        address = ipaddress.ip_address(peer.address)
        without = [ipaddress.ip_network(it) for it in block.get("except", [])]
        return address in ipaddress.ip_network(block["cidr"]) and not any(address in it for it in without)
    if peer.namespace is None:
        return False
    if "namespaceSelector" in selector:
        labels = {"kubernetes.io/metadata.name": peer.namespace}
        is_there = _selects(selector["namespaceSelector"], labels)
    else:
        is_there = peer.namespace == namespace
    return is_there and _selects(selector.get("podSelector", {}), peer.labels)


def _has_port(ports: list[Mapping[str, Any]] | None, target: Peer, port: int, protocol: str) -> bool:
    """No list, or an empty one, is every port."""
    return not ports or any(
        it.get("protocol", "TCP") == protocol
        and _first(it, target) <= port <= it.get("endPort", _first(it, target))
        for it in ports
    )


def _first(port: Mapping[str, Any], target: Peer) -> int:
    number = port["port"]
    return target.ports.get(number, -1) if isinstance(number, str) else int(number)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return bool(wanted and all(_fits(it, labels) for it in selector.get("matchExpressions", [])))


def _fits(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values", [])
    fits: bool = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]
    return fits
