"""The AsyncAPI 3.0 document, generated from the catalogue; a test fails when it is stale."""

from typing import Any

import msgspec

from shared.events.catalog import CATALOG, Event
from shared.events.envelope import CONTENT_TYPE, PREFIX, CloudEvent


def document() -> dict[str, Any]:
    """Channels, messages and schemas of every event."""
    schemas = _schemas()
    messages = {name: _message(event) for name, event in sorted(CATALOG.items())}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "MTAS events",
            "version": "1",
            "description": (
                "What happened, as CloudEvents 1.0 (structured JSON) in the JetStream stream MTAS. "
                "Delivery is at least once: remember the id of what you have handled. "
                "Fields are only ever added; ignore what you do not know."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {name: _channel(name) for name in messages},
        "operations": {
            name: {"action": "receive", "channel": {"$ref": f"#/channels/{name}"}} for name in messages
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _channel(name: str) -> dict[str, Any]:
    return {
        "address": f"{PREFIX}.{{tenant_id}}.{name}",
        "parameters": {"tenant_id": {"description": "The tenant's UUID; `*` subscribes to all."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "summary": (event.__doc__ or "").strip(),
        "tags": [{"name": event.source}],
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": f"{PREFIX}.{event.type}"},
                        "source": {"const": f"mtas/{event.source}"},
                        "data": {"$ref": f"#/components/schemas/{event.__name__}"},
                    },
                },
            ]
        },
    }


def _schemas() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(
        [CloudEvent, *CATALOG.values()], ref_template="#/components/schemas/{name}"
    )
    return dict(sorted(components.items()))
