"""Dashboard and alerts ask for metrics that there are, and each alert says what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[3]
OBSERVE = ROOT / "deploy" / "observe"
RULES: list[dict[str, Any]] = yaml.safe_load((OBSERVE / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((OBSERVE / "grafana.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def made() -> set[str]:
    """Every name in the code that is no cookie's, with the suffix that its kind gives it."""
    sources = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("services/**/*.py")]
    code = "".join(path.read_text() for path in sources)
    names = set(re.findall(r'(?<!cookie_name\()"(mtas_[a-z_]+[a-z])"', code))
    return names | {f"{name}_{suffix}" for name in names for suffix in ("total", "bucket", "count", "sum")}


@pytest.mark.parametrize("query", [*QUERIES, *(rule["expr"] for rule in RULES)])
def test_what_is_asked_for_is_there(query: str) -> None:
    assert set(re.findall(r"\bmtas_[a-z_]+", query)) - made() == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "operate" / "runbooks.md").read_text(), re.MULTILINE)
    assert rule["annotations"]["runbook"] in {heading.lower().replace(" ", "-") for heading in headings}
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_metric_is_explained() -> None:
    page = (ROOT / "docs" / "operate" / "metrics.md").read_text()
    families = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in made()}
    known = re.findall(r"`(mtas_[a-z_]+)|`(_[a-z_]+)", page)
    told = {re.sub(r"_total$", "", full or short) for full, short in known}
    assert {name for name in families if not any(name == one or name.endswith(one) for one in told)} == set()
