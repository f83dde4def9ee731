"""A whole simulated unit as fuzz targets see it: what it publishes, what is on its card, and no fault passed over."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from edge import wire
from edge.sim.time import SimClock
from edge.spool.seal import signed_by
from tests.fuzz.signing import VERIFY_KEY
from tests.unit.rig import UNIT, Rig


def strict(rig: Any) -> None:
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


class Home:
    """A unit that is started anew on the same card, and the ids of what it has done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SimClock()
        self.done: set[str] = set()
        self.start()

    def start(self) -> None:
        """Start, or start again after a cut."""
        self.rig = Rig(self.folder, self.clock)
        self.rig.unit._commands._verify = partial(signed_by, VERIFY_KEY)  # the rig's own has no key
        self.rig.link.accept()
        self.rig.live(1)
        strict(self.rig)
        self.say(b"")  # the first forged one is told as a warning, and then no other

    def say(self, payload: bytes) -> list[tuple[str, Any]]:
        """What the unit published in answer: (leaf, JSON)."""
        self.rig.unit._commands._looked_at = 0  # each input is the first of its second
        return say(self.rig, "command", payload)
