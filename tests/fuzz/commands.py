"""Whatever comes in on the command topic of a whole unit: only what the platform signed for it, for now, is done, once.

An input is one payload. It is played twice, and now and then a third time after a restart: never done again.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.sim.time import SimClock
from tests.fuzz.bend import Pick, bend_json, spoil, text
from tests.fuzz.home import Home, kept
from tests.fuzz.player import Play, Target
from tests.fuzz.signing import STRANGER, due, genuine, order, signed
from tests.unit.rig import UNIT

VERBS = ("pulse", "resend")
FRESH = 200  # commands done, and then the next unit
NOW_NS = SimClock().read().wall_ns
SEEDS = [
    order(NOW_NS),
    order(NOW_NS, verb="resend", id_="c2"),
    order(NOW_NS, unit="door-2"),
    order(NOW_NS, verb="open"),
]
SEEDS += [order(NOW_NS - 2 * 3600 * 10**9), order(NOW_NS + 2 * 3600 * 10**9), order(NOW_NS, life_ns=8 * 86_400 * 10**9)]
REAL = [signed(seed) for seed in SEEDS]


def judge(home: Home, payload: bytes) -> None:
    """Play it once, and hold what the unit does against what it may do."""
    wish, sure = genuine(payload)
    (before, records), refused = kept(home.rig), home.rig.unit._commands.refused
    said = home.say(payload)
    after, records_after = kept(home.rig)
    if not sure and not said:
        wish = None
    expected = wish is not None and due(wish, home.clock.read().wall_ns, unit=UNIT, verbs=VERBS, done=home.done)
    assert home.rig.unit._commands.refused - refused == (wish is None)
    replies = [message for leaf, message in said if leaf == "reply"]
    others = [leaf for leaf, _ in said if leaf != "reply"]
    assert [(r["id"], r["done"]) for r in replies] == ([(wish["id"], expected)] if wish else []), replies
    if expected and wish is not None:
        home.done.add(wish["id"])
        assert others == (["pulse"] if wish["verb"] == "pulse" else []), others
        assert wish["id"] in json.loads(after.pop("commands"))
        before.pop("commands", None)
    else:
        assert others == []
    assert (after, records_after) == (before, records)


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """One unit for many inputs, for those without effect leave none; a new one after some that had one."""
    homes = [Home(folder / "0")]

    def play(data: bytes) -> None:
        home = homes[-1]
        if len(home.done) >= FRESH:
            homes.append(home := Home(folder / str(len(homes))))
        known = len(home.done)
        judge(home, data)
        judge(home, data)
        if len(home.done) > known and sum(data) % 16 == 0:
            home.start()
            judge(home, data)

    yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """A command's text bent and signed again, by the right key or not; or what carries it bent."""
    how = pick(("inside", "inside", "inside", "outside", "stranger", "unsigned", "spoil"))
    if how in ("outside", "spoil"):
        return bend_json(raw, pick) if how == "outside" else spoil(raw, pick)
    try:
        inner = json.loads(raw)["command"].encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        inner = pick(SEEDS)
    if how == "unsigned":
        return text({"command": inner.decode(), "signature": pick(("", "AA==", "A" * 88, "é", "=", "A" * 87 + "="))})
    bent = bend_json(inner, pick)
    return signed(bent) if how == "inside" else signed(bent, STRANGER)


TARGET = Target("commands", opened, tuple(REAL), bend)
