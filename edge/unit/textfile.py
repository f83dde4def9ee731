"""The pulse as Prometheus reads it, written into a file of node_exporter's textfile collector. Nothing waits for it."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from edge.durable import PART
from edge.loop import Worker

log = logging.getLogger(__name__)


class Textfile:
    """Lives in the deciding thread; its worker writes. A file that cannot be written is told once."""

    def __init__(self, path: Path, unit: str, worker: Worker) -> None:
        self._path = path
        self._unit = unit
        self._worker = worker
        self._busy = False
        self._failing = False

    def write(self, pulse: Mapping[str, Any]) -> None:
        """Write it anew; left out while the last one is still under way."""
        if not self._busy:
            self._busy = True
            self._worker.do(partial(_replace, self._path, page(self._unit, pulse)), self._written, self._failed)

    def _written(self, _: None) -> None:
        self._busy = False
        if self._failing:
            self._failing = False
            log.info("metrics: %s is written again", self._path)

    def _failed(self, err: Exception) -> None:
        self._busy = False
        log.log(logging.DEBUG if self._failing else logging.WARNING, "metrics: %s: %s", self._path, err)
        self._failing = True


def page(unit: str, pulse: Mapping[str, Any]) -> str:
    """Each number of the pulse as a gauge, true as 1, and each warning by its code."""
    lines = []
    for key, value in pulse.items():
        if isinstance(value, bool | int | float):
            lines += [f"# TYPE doorunit_{key} gauge", f'doorunit_{key}{{unit="{unit}"}} {float(value):.15g}']
    lines.append("# TYPE doorunit_warning gauge")
    lines += [f'doorunit_warning{{unit="{unit}",code="{one["code"]}"}} 1' for one in pulse["warnings"]]
    return "\n".join(lines) + "\n"


def _replace(path: Path, text: str) -> None:
    """Whole or not at all for whoever reads; a power cut may take it."""
    part = path.with_name(path.name + PART)
    part.write_text(text, encoding="utf-8")
    part.chmod(0o644)
    part.replace(path)
