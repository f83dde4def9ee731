"""JSON Schema 2020-12 of all that travels, made from the structs that make it. Nothing here is written down twice.

A schema is open: a field that it does not name may come from a later version and is to be passed over.
"""

import copy
import re
from typing import Any

import msgspec

from edge import told, wire
from edge.errors import ConfigError
from edge.platform import bodies
from edge.platform.words import MESSAGES, SHAPES, WORDS
from edge.posting import Answer

JSON = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"


def messages() -> dict[str, Any]:
    """Message name -> the type that is sent."""
    from edge.onsite import forms
    from edge.spool.seal import Header  # nacl: it is described with the box it belongs to

    return {
        "record": wire.Envelope,
        "state": told.State,
        "online": told.Online,
        "pulse": told.Pulse,
        "reply": told.Reply,
        "receipt": wire.Receipt,
        "command": wire.Signed,
        "command-text": wire.Command,
        "term-args": wire.TermOrder,
        "visit-args": wire.VisitOrder,
        "no-args": wire.NoArgs,
        "identify-args": wire.IdentifyOrder,
        "records": list[wire.Envelope],
        "records-answer": Answer,
        "commands-waiting": bodies.CommandsWaiting,
        "frame-header": Header,
        "frame-stored": bodies.FrameStored,
        "frame-opened": bodies.FrameOpened,
        "failed": bodies.Failed,
        "enrol-asking": forms.Asking,
        "enrol-granted": forms.Granted,
        "enrol-waiting": forms.Waiting,
        "enrol-refused": forms.Refused,
    }


def schema(name: str) -> JSON:
    """The schema of one message, whole in itself. Raises ConfigError for a name that is none."""
    shapes = messages()
    if name not in shapes:
        raise ConfigError(
            "message", found=name, wanted=f"one of {', '.join(shapes)}", remedy="Try: doorunit wire schema"
        )
    (made,), shared = components({name: shapes[name]})
    head = {"$schema": DIALECT, "title": name, "description": MESSAGES[name]}
    return head | made | ({"$defs": shared} if shared else {})


def schemas() -> dict[str, JSON]:
    """Every message's schema, by name."""
    return {name: schema(name) for name in messages()}


def components(shapes: JSON, ref: str = _REF) -> tuple[list[JSON], JSON]:
    """(a schema for each of `shapes`, what they share by name); `ref` is how one is pointed at."""
    made, shared = msgspec.json.schema_components(shapes.values(), ref_template=ref)
    return list(made), {name: _explained(name, copy.deepcopy(one)) for name, one in sorted(shared.items())}


def _explained(name: str, one: JSON) -> JSON:
    """The shape with its fields' words and patterns; msgspec knows their types alone."""
    one.pop("title", None)
    one["description"] = re.sub(r"\s+", " ", one.get("description", "")).replace("`", "'")
    for field, said in one.get("properties", {}).items():
        said.pop("discriminator", None)  # of OpenAPI alone; `kind` tells them apart anyway
        words = WORDS.get(f"{name}.{field}")
        if "$ref" not in said and words:
            said["description"] = words
        elif words:
            one["properties"][field] = {"allOf": [said], "description": words}
        _widen(said)
    for field, limits in SHAPES.get(name, {}).items():
        _text(one["properties"][field]).update(limits)
        if "const" in limits:
            one["properties"][field].pop("default", None)
            one["required"] = [*one["required"], field]
    return one


def _text(said: JSON) -> JSON:
    """Where a pattern belongs: in the text itself, also where null may stand in its place."""
    choices = said.get("anyOf", [said])
    return next((one for one in choices if one.get("type") == "string"), said)


def _widen(said: JSON) -> None:
    """64 bits is a format; twice nineteen digits at each of a hundred fields would hide the few true bounds."""
    for one in (said, *said.get("anyOf", ()), said.get("items", {}), said.get("additionalProperties", {})):
        if isinstance(one, dict) and one.get("minimum") == -(2**63):
            del one["minimum"], one["maximum"]
            one["format"] = "int64"
        if isinstance(one, dict) and one is not said and ("anyOf" in one or "items" in one):
            _widen(one)
