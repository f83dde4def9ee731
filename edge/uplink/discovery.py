"""This unit as a device of Home Assistant: one retained message that says where its state and pulse are. Pure.

Pictures leave a unit sealed to the platform alone, so there is no snapshot to show.
Source: www.home-assistant.io/integrations/mqtt, device discovery payload.
"""

from typing import Any

from edge import wire

_JSON = dict[str, Any]


def message(unit: str, prefix: str, version: str) -> tuple[str, bytes]:
    """(topic, payload), to be published with retain."""
    state, pulse, online = (wire.topic(unit, leaf) for leaf in ("state", "pulse", "online"))
    parts: dict[str, _JSON] = {
        "door": _binary("door", state, "{{ {'open': 'ON', 'held': 'ON', 'shut': 'OFF'}.get(value_json.door) }}"),
        "armed": {"p": "binary_sensor", **_of(state, "{{ 'ON' if value_json.armed else 'OFF' }}")},
        "camera": {"p": "binary_sensor", **_of(state, "{{ 'ON' if value_json.camera == 'on' else 'OFF' }}")},
        "problem": _binary("problem", pulse, "{{ 'ON' if value_json.warnings else 'OFF' }}"),
        "tamper": _binary("tamper", pulse, _ANY_TAMPER),
        "supply": _number("voltage", "mV", pulse, "supply_mv"),
        "temperature": _number("temperature", "°C", pulse, "temp_c"),
        "backlog": {"p": "sensor", **_of(pulse, "{{ value_json.backlog }}")},
    }
    told: _JSON = {
        "dev": {"ids": [unit], "name": unit, "mf": "doorunit", "sw": version},
        "o": {"name": "doorunit", "sw": version},
        "cmps": {name: {**part, "name": name, "unique_id": f"{unit}_{name}"} for name, part in parts.items()},
        "availability_topic": online,
        "availability_template": "{{ 'online' if value_json.online else 'offline' }}",
        "qos": 1,
    }
    return f"{prefix}/device/{unit}/config", wire.to_json(told)


_ANY_TAMPER = "{{ 'ON' if value_json.warnings | selectattr('code', 'search', '^tamper') | list else 'OFF' }}"


def _of(topic: str, template: str) -> _JSON:
    return {"state_topic": topic, "value_template": template}


def _binary(kind: str, topic: str, template: str) -> _JSON:
    return {"p": "binary_sensor", "device_class": kind, **_of(topic, template)}


def _number(kind: str, unit: str, topic: str, key: str) -> _JSON:
    template = f"{{{{ value_json.{key} | default(none) }}}}"
    return {"p": "sensor", "device_class": kind, "unit_of_measurement": unit, **_of(topic, template)}
