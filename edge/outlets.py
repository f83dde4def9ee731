"""Settings of what else may look at a unit's health: Prometheus by a file, Home Assistant by discovery. Both off."""

import re
from collections.abc import Iterator
from typing import Annotated

from edge.declare import Section, Text, setting
from edge.errors import ConfigError


class Metrics(Section, frozen=True):
    """Numbers for Prometheus, by node_exporter's textfile collector."""

    textfile: Annotated[
        Text | None,
        setting(
            "File that is written anew with each pulse, in node_exporter's textfile folder; its name ends in .prom.",
            example='"/var/lib/node_exporter/doorunit.prom"',
        ),
    ] = None


class HomeAssistant(Section, frozen=True):
    """A device in Home Assistant, by discovery over this unit's own broker, which must let the unit write there."""

    prefix: Annotated[
        Text | None,
        setting(
            "Home Assistant's discovery prefix. Nothing is told there while all goes by HTTPS (uplink.fallback).",
            example='"homeassistant"',
        ),
    ] = None


def faults(metrics: Metrics, home_assistant: HomeAssistant) -> Iterator[ConfigError]:
    """What could never work."""
    for name, value, wanted, example in (
        ("metrics.textfile", metrics.textfile, r"/.+\.prom", "a full path that ends in .prom"),
        ("home_assistant.prefix", home_assistant.prefix, r"[A-Za-z0-9_-]+", "letters, digits, - and _"),
    ):
        if value is not None and not re.fullmatch(wanted, value):
            remedy = f"`doorunit config explain {name}` tells what it is for."
            yield ConfigError(name, found=repr(value), wanted=example, remedy=remedy)
