"""deploy/observe/grafana.json: a row for each question that an operator asks. `make docs` writes it."""

import json
from collections.abc import Mapping
from typing import Any, Final

# Title, unit, legend, query. `$service` is the variable at the top.
ROWS: Final[Mapping[str, list[tuple[str, str, str, str]]]] = {
    "Do users get in?": [
        (
            "Sign-ins by outcome",
            "reqps",
            "{{outcome}}",
            "sum by (outcome) (rate(mtas_sign_ins_total[$__rate_interval]))",
        ),
        (
            "Sign-ups by outcome",
            "reqps",
            "{{outcome}}",
            "sum by (outcome) (rate(mtas_sign_ups_total[$__rate_interval]))",
        ),
        (
            "Codes by what they were",
            "reqps",
            "{{outcome}}",
            "sum by (outcome) (rate(mtas_codes_total[$__rate_interval]))",
        ),
    ],
    "Do apps get tokens?": [
        (
            "Tokens issued by grant",
            "reqps",
            "{{grant}}",
            'sum by (grant) (rate(mtas_token_answers_total{outcome="issued"}[$__rate_interval]))',
        ),
        (
            "Refusals by grant and error",
            "reqps",
            "{{grant}} {{outcome}}",
            'sum by (grant, outcome) (rate(mtas_token_answers_total{outcome!="issued"}[$__rate_interval]))',
        ),
        (
            "Refresh tokens by what they were",
            "reqps",
            "{{outcome}}",
            "sum by (outcome) (rate(mtas_refresh_tokens_total[$__rate_interval]))",
        ),
    ],
    "Is it slow?": [
        (
            "p99 by route",
            "s",
            "{{route}}",
            "histogram_quantile(0.99, sum by (le, route) "
            '(rate(mtas_request_seconds_bucket{service=~"$service"}[$__rate_interval])))',
        ),
        (
            "p50 by service",
            "s",
            "{{service}}",
            "histogram_quantile(0.5, sum by (le, service) "
            "(rate(mtas_request_seconds_bucket[$__rate_interval])))",
        ),
        (
            "Requests by status",
            "reqps",
            "{{service}} {{status}}",
            "sum by (service, status) "
            '(rate(mtas_request_seconds_count{service=~"$service"}[$__rate_interval]))',
        ),
    ],
    "What waits?": [
        (
            "Waiting for a turn",
            "short",
            "{{service}} {{share}}",
            "sum by (service, share) (mtas_share_waiting)",
        ),
        (
            "Mean wait of those who waited",
            "s",
            "{{service}} {{share}}",
            "sum by (service, share) (rate(mtas_share_wait_seconds_total[$__rate_interval])) "
            "/ sum by (service, share) (rate(mtas_share_waited_total[$__rate_interval]))",
        ),
        (
            "Told to come back",
            "reqps",
            "{{service}} {{share}}",
            "sum by (service, share) (rate(mtas_share_refused_total[$__rate_interval]))",
        ),
        (
            "Waiting for a database connection",
            "short",
            "{{service}}",
            "sum by (service) (mtas_database_waiting)",
        ),
        (
            "Database connections",
            "short",
            "{{service}}",
            "sum by (service) (mtas_database_connections - mtas_database_idle)",
        ),
        (
            "Cache hits",
            "percentunit",
            "{{service}} {{cache}}",
            'sum by (service, cache) (rate(mtas_cache_lookups_total{result="hit"}[$__rate_interval])) '
            "/ sum by (service, cache) (rate(mtas_cache_lookups_total[$__rate_interval]))",
        ),
    ],
    "Do events arrive?": [
        ("Outbox lag", "s", "{{service}}", "max by (service) (mtas_outbox_lag_seconds)"),
        ("Events not yet handled", "short", "{{service}}", "max by (service) (mtas_consumer_pending)"),
        (
            "Events by outcome",
            "ops",
            "{{service}} {{outcome}}",
            "sum by (service, outcome) (rate(mtas_events_total[$__rate_interval])) "
            "or sum by (service, outcome) (rate(mtas_outbox_events_total[$__rate_interval]))",
        ),
    ],
    "What runs?": [
        (
            "Version",
            "short",
            "{{service}} {{version}} {{commit}}",
            "sum by (service, version, commit) (mtas_build_info)",
        ),
        ("CPU", "short", "{{instance}}", "rate(process_cpu_seconds_total{job='mtas'}[$__rate_interval])"),
        ("Memory", "bytes", "{{instance}}", "process_resident_memory_bytes{job='mtas'}"),
    ],
}
_WIDTH: Final = 8
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}


def render() -> str:
    """As Grafana imports it; the data source is asked for then."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        y += 1
        for index, shown in enumerate(row):
            place = {"x": index % 3 * _WIDTH, "y": y + index // 3 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            panels.append(_panel(*shown, place))
        y += (len(row) + 2) // 3 * _HEIGHT
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    dashboard = {
        "uid": "mtas",
        "title": "MTAS",
        "tags": ["mtas"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_SOURCES, _SERVICES]},
        "panels": panels,
    }
    return json.dumps(dashboard, indent=1) + "\n"


def _panel(title: str, unit: str, legend: str, query: str, place: dict[str, int]) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": title,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": {"fillOpacity": 8}}, "overrides": []},
        "options": {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list"}},
        "targets": [{"refId": "A", "datasource": _SOURCE, "expr": query, "legendFormat": legend}],
    }


_SOURCES: Final = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
_SERVICES: Final = {
    "name": "service",
    "label": "Service",
    "type": "query",
    "datasource": _SOURCE,
    "query": "label_values(mtas_build_info, service)",
    "includeAll": True,
    "multi": True,
    "refresh": 2,
}
