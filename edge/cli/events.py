"""What was done to the door and the unit lately, and whether the platform holds it. With the agent dead, what waits."""

import argparse
import json
import sys
import time
from typing import Any

import msgspec

from edge.cli import WELL
from edge.onsite import life, reach
from edge.records import Alarm, Audit, Event
from edge.spool.peek import copied

EVERY_S = 1.0
LIMIT = 20


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit events` takes."""
    reach.declare(parser)
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"at most this many (default {LIMIT})")
    parser.add_argument("--follow", action="store_true", help="go on with what happens, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """0: told."""
    unit = reach.Reach(args)
    limit = max(0, args.limit)
    told = unit.ask_or_none("events", {"limit": limit})
    found = _waiting(unit, limit) if told is None else told["events"]
    if not args.follow:
        text = "\n".join(life.one_line(one, unit.lang) for one in found)
        unit.tell({"alive": told is not None, "events": found}, text)
        return WELL
    _write(unit, found)
    return _follow(unit, found)


def _follow(unit: reach.Reach, found: list[dict[str, Any]]) -> int:
    """Each record once, when it is made; of one that waits no second word is said: `why` tells."""
    after = found[-1].get("number", 0) if found else 0
    try:
        while True:
            time.sleep(EVERY_S)  # clock: a person watches
            new = unit.ask("events", {"after": after})["events"]
            _write(unit, new)
            after = new[-1]["number"] if new else after
    except KeyboardInterrupt:
        return WELL


def _write(unit: reach.Reach, found: list[dict[str, Any]]) -> None:
    for one in found:
        line = json.dumps({"schema": 1, **one}, ensure_ascii=False) if unit.as_json else life.one_line(one, unit.lang)
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _waiting(unit: reach.Reach, limit: int) -> list[dict[str, Any]]:
    with copied(unit.folder) as copy:
        records = [r for _, r in copy.records()] if copy is not None else []
    shown = [r for r in records if isinstance(r, Event | Alarm | Audit)]
    return [_plain(record) for record in (shown[-limit:] if limit else [])]


def _plain(record: Event | Alarm | Audit) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(record)
    what = record.change if isinstance(record, Event) else record.what
    return {"key": f"{record.epoch}/{record.seq}", "kind": body["kind"], "what": str(what), "clock": record.at.clock}
