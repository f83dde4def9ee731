"""Parts of the pulse: the warnings, and whether a short one says as much as a whole one."""

from typing import Any

from edge import told
from edge.clock import SECOND
from edge.health import Warning
from edge.unit.crew import Crew


def warnings(crew: Crew, now_ns: int) -> list[told.Warned]:
    """All that are shown now."""
    return [_warned(warning, now_ns) for warning in crew.health.shown(now_ns)]


def brief(crew: Crew, pulse: dict[str, Any]) -> dict[str, Any]:
    """The short one of this pulse; whole where something is wrong, and for a listener that keeps no last whole one."""
    if pulse["warnings"] or crew.config.home_assistant.prefix is not None:
        return pulse
    return {name: pulse[name] for name in told.SHORT_PULSE}


def _warned(warning: Warning, now_ns: int) -> told.Warned:
    row, for_s = warning.row, (now_ns - warning.since_ns) // SECOND
    remedy = (row.remedy, row.remedy_zh) if row.remedy else ()
    return told.Warned(row.code, row.zh, row.en, for_s, *remedy)
