"""Runs in the machine, beside the station: moves the simulated door, and tells what the station has received."""

import json
import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from edge.errors import DoorunitError
from edge.sim import remote

DOOR = Path("/run/doorunit/door.sock")
LEDGER = "file:/var/lib/station/ledger.db?mode=ro"


def since(made_ns: int) -> list[int]:
    """When the station had each opening that was made after `made_ns`; both by the boot clock."""
    try:
        with closing(sqlite3.connect(LEDGER, uri=True)) as ledger:
            rows = ledger.execute("SELECT received_ns, body FROM record ORDER BY n DESC LIMIT 20").fetchall()
    except sqlite3.OperationalError:  # not made yet
        return []
    ahead_ns = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    records = [(at_ns - ahead_ns, json.loads(body)["data"]["record"]) for at_ns, body in rows]
    return [
        at_ns for at_ns, record in records if record.get("change") == "opened" and record["at"]["boot_ns"] >= made_ns
    ]


def reported(since_ns: int, within_s: float) -> dict[str, Any]:
    """Move the door to and fro until the station has an opening that was made after `since_ns` (boot clock)."""
    until_s = time.monotonic() + within_s
    wish, moved_s = "open", 0.0
    while time.monotonic() < until_s:
        if time.monotonic() - moved_s > 0.3:
            try:
                remote.move(DOOR, wish, timeout_s=0.5)
                wish, moved_s = ("shut" if wish == "open" else "open"), time.monotonic()
            except DoorunitError:
                pass
        found = since(since_ns)
        if found:
            return {"at_ns": min(found)}
        time.sleep(0.02)
    return {"at_ns": None}


def records() -> list[tuple[str, str]]:
    """Of every record at the station, in the order of their coming: its id, `unit/epoch/seq`, and its boot's."""
    with closing(sqlite3.connect(LEDGER, uri=True)) as ledger:
        found = [json.loads(body) for (body,) in ledger.execute("SELECT body FROM record ORDER BY n")]
    return [(one["id"], one["data"]["record"].get("at", {}).get("boot", "")) for one in found]


def answer(asked: dict[str, Any]) -> Any:
    """One question."""
    if asked["do"] == "reported":
        return reported(asked["since_ns"], asked["within_s"])
    if asked["do"] == "move":
        return remote.move(DOOR, asked["to"])
    if asked["do"] == "records":
        return records()
    if asked["do"] == "frames":
        with closing(sqlite3.connect(LEDGER, uri=True)) as ledger:
            return ledger.execute("SELECT count(*) FROM frame").fetchone()[0]
    subprocess.run(asked["command"], check=True)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)  # nothing else is started here
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line)), default=repr) + "\n")
        sys.stdout.flush()
