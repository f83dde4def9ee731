"""A whole simulated unit as the fuzz targets see it: what it publishes, what it has on the card, and no fault passed over."""

import json
import sys
from typing import Any

from edge import wire
from tests.unit.rig import UNIT, Rig


def strict(rig: Rig) -> None:
    """A fault of the loop is raised at once, where the unit itself would count it and go on."""

    def fault() -> None:
        err = sys.exc_info()[1]
        assert err is not None
        raise err

    rig.loop.on_fault = fault


def say(rig: Rig, leaf: str, payload: bytes) -> list[tuple[str, Any]]:
    """The payload comes in on that topic; what the unit published in answer, at the same instant: (leaf, JSON)."""
    rig.link.sent.clear()
    rig._answered = 0
    rig.link.say(wire.topic(UNIT, leaf), payload)
    rig.loop.turn()
    assert rig.loop.faults == 0
    return [(p.topic.rpartition("/")[2], json.loads(p.payload)) for p in rig.link.sent]


def kept(rig: Rig) -> tuple[dict[str, bytes], dict[int, bytes]]:
    """What is on the card: state by key, records by row."""
    db = rig.unit._c.journal._store._db
    return dict(db.execute("SELECT key, value FROM meta")), dict(db.execute("SELECT n, body FROM record"))
