"""The wire over MQTT as an AsyncAPI 3.0 document: topics, directions, QoS, retain, and who must show a certificate.

Source: www.asyncapi.com/docs/reference/specification/v3.0.0, and its MQTT bindings 0.2.0. Seen from the unit: `send`
is up.
"""

from typing import Any

import msgspec

from edge import wire
from edge.platform.schema import JSON, components, messages
from edge.platform.words import MESSAGES

CLOUDEVENT = "application/cloudevents+json"
_JSON = "application/json"


class Leaf(msgspec.Struct, frozen=True):
    """One topic below door/v1/<unit>/."""

    name: str
    message: str  # its name in MESSAGES
    up: bool
    qos: int
    retain: bool
    content: str = _JSON


LEAVES = (
    Leaf("event", "record", up=True, qos=1, retain=False, content=CLOUDEVENT),
    Leaf("state", "state", up=True, qos=1, retain=True),
    Leaf("online", "online", up=True, qos=1, retain=True),
    Leaf("pulse", "pulse", up=True, qos=0, retain=False),
    Leaf("reply", "reply", up=True, qos=1, retain=False),
    Leaf("receipt", "receipt", up=False, qos=1, retain=False),
    Leaf("command", "command", up=False, qos=1, retain=False),
)


def document() -> JSON:
    """The whole document."""
    shapes = {name: shape for name, shape in messages().items() if name in {leaf.message for leaf in LEAVES}}
    shapes["command-text"] = wire.Command
    made, shared = components(shapes, "#/components/schemas/{name}")
    refs = dict(zip(shapes, made, strict=True))
    servers = {"v5": _server("5"), "v3": _server("3.1.1")}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "doorunit wire",
            "version": f"{wire.VERSION}.0.0",
            "description": "What a door unit and a platform say to one another over MQTT. deploy/platform/WIRE.md "
            "tells the rules that a document of this kind cannot.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _JSON,
        "servers": servers,
        "channels": {leaf.name: _channel(leaf) for leaf in LEAVES},
        "operations": {f"{'send' if leaf.up else 'receive'}-{leaf.name}": _operation(leaf) for leaf in LEAVES},
        "components": {
            "schemas": shared,
            "messages": {leaf.message: _message(leaf, refs[leaf.message]) for leaf in LEAVES},
            "securitySchemes": {
                "certificate": {
                    "type": "X509",
                    "description": "TLS client certificate of the platform's CA; its CN is the unit.",
                }
            },
        },
    }


def _server(version: str) -> JSON:
    return {
        "host": "{host}:{port}",
        "protocol": "secure-mqtt",
        "protocolVersion": version,
        "description": "Preferred." if version == "5" else "Where the broker does not speak 5.",
        "variables": {"host": {"default": "localhost"}, "port": {"default": "8883"}},
        "security": [{"$ref": "#/components/securitySchemes/certificate"}],
        "bindings": {"mqtt": {"cleanSession": True, "keepAlive": 20, "lastWill": _will(), "bindingVersion": "0.2.0"}},
    }


def _will() -> JSON:
    return {
        "topic": wire.topic("<unit>", "online"),
        "qos": 1,
        "message": '{"online":false,"boot":"..."}',
        "retain": True,
    }


def _channel(leaf: Leaf) -> JSON:
    return {
        "address": wire.topic("{unit}", leaf.name),
        "description": MESSAGES[leaf.message],
        "messages": {leaf.message: {"$ref": f"#/components/messages/{leaf.message}"}},
        "parameters": {"unit": {"description": "The unit's id: the CN of its certificate."}},
    }


def _operation(leaf: Leaf) -> JSON:
    return {
        "action": "send" if leaf.up else "receive",
        "channel": {"$ref": f"#/channels/{leaf.name}"},
        "messages": [{"$ref": f"#/channels/{leaf.name}/messages/{leaf.message}"}],
        "summary": MESSAGES[leaf.message],
        "bindings": {"mqtt": {"qos": leaf.qos, "retain": leaf.retain, "bindingVersion": "0.2.0"}},
    }


def _message(leaf: Leaf, payload: JSON) -> JSON:
    said: JSON = {"name": leaf.message, "summary": MESSAGES[leaf.message], "contentType": leaf.content}
    return said | {"payload": payload}


def leaf(name: str) -> Leaf:
    """The topic of this name. Raises KeyError."""
    known: dict[str, Any] = {each.name: each for each in LEAVES}
    found: Leaf = known[name]
    return found
