"""Probes that see what a test says, and the agent's answer as it would come."""

from typing import Any

from edge import config
from edge.errors import LinkError
from edge.onsite.check import Check, Found, Scene
from edge.onsite.probes import Probes
from edge.sim.time import SimClock
from edge.warnings import ROWS

PULSE = {
    "time": "2026-06-01T00:00:00Z",
    "clock": "synced",
    "error_ms": 2,
    "version": "0.1.0",
    "door": "shut",
    "camera": "on",
    "link": "5",
    "backlog": 0,
    "oldest_unsent_s": None,
    "frames_waiting": 0,
    "frames_delivered": 7,
    "openings": 3,
    "settle_max_us": 4200,
    "mem_mb": 40.0,
    "uptime_s": 90_000,
}


class Seen(Probes):
    """Each probe gives what it is set to; an exception is raised. Its clock moves only when it is turned."""

    def __init__(self, **seen: object) -> None:
        self.turning = SimClock()
        for name, what in seen.items():
            setattr(self, name, self._giving(what))

    def now(self) -> int:
        return self.turning.now()

    @staticmethod
    def _giving(what: object) -> Any:
        def give(*_args: object) -> object:
            if isinstance(what, Exception) and not isinstance(what, LinkError):
                raise what
            return what

        return give


def warning(code: str, *, shown: bool = True, by: tuple[str, ...] = (), detail: str = "seen") -> dict[str, Any]:
    """As the agent tells it."""
    row = ROWS.get(code)
    words = {"en": code, "zh": code, "remedy": f"Do {code}.", "remedy_zh": f"处理 {code}。"}
    if row is not None:
        words = {"en": row.en, "zh": row.zh, "remedy": row.remedy, "remedy_zh": row.remedy_zh}
    return {"code": code, "for_s": 65.0, "found": detail, "wanted": "", "shown": shown, "by": list(by), **words}


def answer(*wrong: dict[str, Any], link_up: bool = True, **pulse: object) -> dict[str, Any]:
    """A running unit's."""
    return {
        "unit": "door-1",
        "pid": 17,
        "pulse": {**PULSE, **pulse},
        "wrong": list(wrong),
        "broker": "platform.example:8883",
        "link_up": link_up,
        "last_receipt_s": 12.0,
        "last_commit_ms": 8.0,
        "camera_enabled": True,
    }


def scene(
    agent: dict[str, Any] | None = None,
    *,
    host: str = "platform.example",
    silence: str = "nobody answers",
    **seen: object,
) -> Scene:
    """What a check looks at."""
    settings = config.parse({"uplink": {"host": host}})
    why = LinkError("unit", found=silence, wanted="a running unit", remedy="Start it.")
    return Scene(settings, None, agent, None if agent else why, Seen(**seen))


def found(check: Check, of: Scene) -> dict[str, Found]:
    """What it finds, by name."""
    return {one.name: one for one in check.run(of)}
