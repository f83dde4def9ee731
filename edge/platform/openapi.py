"""The wire over HTTPS as an OpenAPI 3.1 document: frames, batches of records, commands by long poll, enrolment.

Source: spec.openapis.org/oas/v3.1.0, whose schemas are JSON Schema 2020-12 as they are.
"""

from edge import wire
from edge.platform.schema import JSON, components, messages
from edge.platform.words import MESSAGES

BATCH = "application/cloudevents-batch+json"
_JSON = "application/json"
_BYTES = "application/octet-stream"
_POSTED = ("records", "records-answer", "commands-waiting", "online", "state", "pulse", "reply")
_ENROL = ("enrol-asking", "enrol-granted", "enrol-waiting", "enrol-refused")
NAMES = (*_POSTED, "frame-stored", "frame-opened", "failed", *_ENROL)
_UNIT: JSON = {"name": "unit", "in": "path", "required": True, "schema": {"type": "string"}}
_NAME: JSON = {"name": "sha256", "in": "path", "required": True, "schema": {"type": "string"}}
_UNIT |= {"description": "The CN of the certificate; another one is answered 403."}
_NAME |= {"description": "sha256 of the sealed bytes, hex."}
_CHANNEL: JSON = {"name": "channel", "in": "path", "required": True, "schema": {"type": "string"}}
_CHANNEL |= {"description": "The unit's setting update.channel, such as stable."}
_FILE: JSON = {"name": "file", "in": "path", "required": True, "schema": {"type": "string"}}
_FILE |= {"description": "ARCH-pyVERSION.json, such as arm64-py3.11.json; then the package that it names."}
_RANGE: JSON = {"name": "Range", "in": "header", "schema": {"type": "string", "pattern": "^bytes=[0-9]+-$"}}
_RANGE |= {"description": "From where the unit's part ends. Where it is not honoured, all of it is taken anew."}
_MANIFEST: JSON = {
    "type": "object",
    "description": "Made by deploy/ota/sign.py; the unit verifies it, and then the package, by its own release keys.",
    "properties": {"signed": {"type": "string"}, "signature": {"type": "string", "contentEncoding": "base64"}},
    "required": ["signed", "signature"],
}
_SEALED: JSON = {"type": "string", "contentMediaType": _BYTES}
_REFUSALS = {
    "400": "The request ended within its body.",
    "403": "The certificate is of another unit, or revoked.",
    "413": "The body is too long.",
    "422": "This one body is unfit and stays so: digest, signature or form. The unit lets the others pass.",
    "503": "Not now; the unit keeps it and tries again.",
    "507": "The platform has no room; the unit keeps it and tries again.",
}


def document() -> JSON:
    """The whole document."""
    shapes = {name: shape for name, shape in messages().items() if name in NAMES}
    made, shared = components(shapes, "#/components/schemas/{name}")
    of = dict(zip(shapes, made, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "doorunit wire over HTTPS",
            "version": f"{wire.VERSION}.0.0",
            "description": "Frames always, records and commands where MQTT is blocked. deploy/platform/WIRE.md "
            "tells the rules.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://localhost:8443", "description": "Asks for the unit's certificate."}],
        "security": [{"certificate": []}],
        "paths": {
            "/v1/units/{unit}/frames/{sha256}": _frames(of),
            "/v1/units/{unit}/events": {"post": _events(of)},
            "/v1/units/{unit}/commands": {"get": _commands(of)},
            **{f"/v1/units/{{unit}}/{name}": {"put": _told(of, name)} for name in ("online", "state", "pulse")},
            "/v1/units/{unit}/reply": {"post": _told(of, "reply")},
            "/v1/units/{unit}/certificate": {"post": _asked(of, "Renew the certificate.", [_UNIT])},
            "/v1/enrol": {"post": _enrol(of)},
            "/v1/releases/{channel}/{file}": {"get": _release(of)},
        },
        "components": {"schemas": shared, "securitySchemes": {"certificate": {"type": "mutualTLS"}}},
    }


def _frames(of: JSON) -> JSON:
    put = {
        "summary": "Hold a sealed frame; answered once it is on the platform's disk. Idempotent.",
        "parameters": [_UNIT, _NAME],
        "requestBody": {"required": True, "content": {_BYTES: {"schema": _SEALED}}},
        "responses": _answers(of, {"201": ("frame-stored", "Held now."), "200": ("frame-stored", "Held already.")}),
    }
    get = {
        "summary": "Whether the platform could open a frame of this unit; nothing of the picture but its size.",
        "parameters": [_UNIT, _NAME],
        "responses": {
            "200": _answer(of, "frame-opened", "It was opened."),
            "403": _answer(of, "failed", _REFUSALS["403"]),
            "404": _answer(of, "failed", "No such frame."),
            "422": _answer(of, "frame-opened", "It cannot be opened."),
        },
    }
    return {"put": put, "get": get}


def _events(of: JSON) -> JSON:
    return {
        "summary": "A batch of records of one epoch. The receipt names those that are committed; the rest comes again.",
        "parameters": [_UNIT],
        "requestBody": {"required": True, "content": {BATCH: {"schema": of["records"]}}},
        "responses": _answers(of, {"200": ("records-answer", MESSAGES["records-answer"])}),
    }


def _commands(of: JSON) -> JSON:
    wait: JSON = {"name": "wait", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 60}}
    after: JSON = {"name": "after", "in": "query", "schema": {"type": "string"}}
    wait |= {"description": "Seconds for which the question may be held while nothing waits."}
    after |= {"description": "What the last answer gave as `next`."}
    return {
        "summary": "Long poll: answered once a command waits, or after `wait` seconds with none.",
        "parameters": [_UNIT, wait, after],
        "responses": {
            "200": _answer(of, "commands-waiting", MESSAGES["commands-waiting"]),
            "403": _answer(of, "failed", _REFUSALS["403"]),
        },
    }


def _told(of: JSON, name: str) -> JSON:
    return {
        "summary": f"What topic {name} carries where MQTT is spoken; the last one is kept.",
        "parameters": [_UNIT],
        "requestBody": {"required": True, "content": {_JSON: {"schema": of[name]}}},
        "responses": {"204": {"description": "Taken."}} | _answers(of, {}),
    }


def _enrol(of: JSON) -> JSON:
    asked = _asked(of, "Enrol: on a port that asks for no client certificate.", [])
    return asked | {"security": [], "servers": [{"url": "https://localhost:8444"}]}


def _release(of: JSON) -> JSON:
    package: JSON = {_BYTES: {"schema": {"type": "string", "contentMediaType": _BYTES}}}
    return {
        "summary": "A release that this platform offers: its signed manifest, or the package. Optional: 404 is well.",
        "parameters": [_CHANNEL, _FILE, _RANGE],
        "responses": {
            "200": {"description": "All of it.", "content": {_JSON: {"schema": _MANIFEST}} | package},
            "206": {"description": "From there on; Content-Range says what.", "content": package},
            "403": _answer(of, "failed", "The certificate is revoked."),
            "404": _answer(of, "failed", "Nothing is offered under that name."),
            "416": {"description": "The file is shorter than that; the unit begins anew."},
        },
    }


def _asked(of: JSON, summary: str, parameters: list[JSON]) -> JSON:
    return {
        "summary": summary,
        "parameters": parameters,
        "requestBody": {"required": True, "content": {_JSON: {"schema": of["enrol-asking"]}}},
        "responses": {
            "200": _answer(of, "enrol-granted", MESSAGES["enrol-granted"]),
            "202": _answer(of, "enrol-waiting", MESSAGES["enrol-waiting"]),
            "403": _answer(of, "enrol-refused", MESSAGES["enrol-refused"]),
            "429": _answer(of, "failed", "Too often; Retry-After says when."),
        },
    }


def _answers(of: JSON, well: dict[str, tuple[str, str]]) -> JSON:
    good = {status: _answer(of, name, words) for status, (name, words) in well.items()}
    return good | {status: _answer(of, "failed", words) for status, words in _REFUSALS.items()}


def _answer(of: JSON, name: str, words: str) -> JSON:
    return {"description": words, "content": {_JSON: {"schema": of[name]}}}
