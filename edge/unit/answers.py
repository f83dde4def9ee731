"""What the running unit answers people on the machine. Read-only; a question is one function of QUESTIONS."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from edge.clock import MS, SECOND
from edge.health import Warning
from edge.onsite.desk import JSON, Answer, Question
from edge.spool.journal import Rows
from edge.unit import lives
from edge.unit.agent import Unit

OLDEST_NS = 100 * MS  # a card that answers later is not waited for


def questions(unit: Unit) -> dict[str, Question]:
    """All that can be asked of this unit, by name; each is called in the deciding thread."""
    return {name: partial(answer, unit) for name, answer in QUESTIONS.items()}


def status(unit: Unit, _args: Mapping[str, Any], answer: Answer) -> None:
    """The pulse, all that is wrong with its detail, the link, the platform and the card."""
    crew = unit.crew
    over: list[bool] = []

    def tell(rows: Rows) -> None:
        if not over:
            over.append(True)
            answer(_status(unit, rows))

    if crew.shares.backlog:
        crew.loop.after(OLDEST_NS, lambda: tell([]))
        crew.shares.read(crew.shares.main, 0, 1, tell)
    else:
        tell([])


def _status(unit: Unit, oldest: Rows) -> JSON:
    crew = unit.crew
    pulse = unit.pulse(oldest)
    now_ns = crew.loop.now()
    shown = {w.row.code for w in crew.health.shown(now_ns)}
    lasting = crew.health.lasting(now_ns)
    uplink, last_ns, commit_ns = crew.config.uplink, crew.courier.receipt_ns, crew.journal.pace.last_ns
    return {
        "unit": crew.unit,
        "pid": os.getpid(),
        "pulse": pulse,
        "wrong": [_wrong(w, now_ns, shown, {each.row.code for each in lasting}) for w in lasting],
        "broker": f"{uplink.host}:{uplink.port}",
        "link_up": crew.courier.up,
        "last_receipt_s": None if last_ns is None else (now_ns - last_ns) / SECOND,
        "last_commit_ms": None if commit_ns is None else commit_ns / MS,
        "camera_enabled": crew.config.camera.enabled,
    }


def _wrong(warning: Warning, now_ns: int, shown: set[str], active: set[str]) -> JSON:
    """One thing that is wrong; `shown` is False within its grace time and while `by` explains it."""
    row = warning.row
    return {
        "code": row.code,
        "for_s": (now_ns - warning.since_ns) / SECOND,
        "found": warning.found or warning.detail,
        "wanted": warning.wanted,
        "shown": row.code in shown,
        "by": sorted(active.intersection(row.parents)),
        "en": row.en,
        "zh": row.zh,
        "remedy": row.remedy,
        "remedy_zh": row.remedy_zh,
    }


QUESTIONS: dict[str, Callable[[Unit, Mapping[str, Any], Answer], None]] = {
    "status": status,
    "why": lives.why,
    "events": lives.events,
    "spool": lives.spool,
}
