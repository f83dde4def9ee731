"""Whatever comes in on the receipt topic: what was sent and is named is forgotten, and nothing else ever is.

An input is one payload. The unit has more records than it may send at once; its epoch is EPOCH.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.records import GapReason, unpack
from edge.sim.time import SimClock
from tests.fuzz.bend import INTS, Json, Pick, bend_json, text
from tests.fuzz.home import kept, say, strict
from tests.fuzz.player import Play, Target
from tests.fuzz.signing import Loader
from tests.unit.rig import Rig

EPOCH = "unit-boot-1-1000000000-0"  # as the rig makes it
RECORDS = 300
WINDOW = 200  # of these in flight, from seq 1 on
FAST_S = 0.2  # processor time of the deciding thread, for whatever comes
SOME: list[Json] = [[[1, 1]], [[1, WINDOW]], [[3, 5], [7, 7], [199, 320]], [], [[0, 10**6]]]
SOME += [[[5, 3]], [[-5, -1]], [[-(2**70), 2**70]], [[290, 300]], [[WINDOW, WINDOW + 1]]]


def fill(rig: Rig) -> Rig:
    """Records are minted while the link is down; then it comes up and the first of them are sent."""
    rig.platform = False
    rig.live(0.2)
    while rig.unit._c.journal.backlog < RECORDS:
        rig.unit._c.recorder.gap(GapReason.FULL, [])
        rig.loop.turn()
    rig.link.accept()
    rig.live(0.2)
    strict(rig)
    return rig


def named(payload: bytes) -> tuple[set[int], bool]:
    """The seqs up to RECORDS that a receipt of this epoch names, worked out anew; and if it is plain to read."""
    loader = Loader()
    try:
        told = loader.load(payload.decode(errors="replace"))
        pairs = [(low, high) for low, high in told["stored"]] if isinstance(told["stored"], list) else None
        if pairs is None or any(type(end) is not int for pair in pairs for end in pair) or told["epoch"] != EPOCH:
            return set(), loader.plain
    except (ValueError, KeyError, TypeError, RecursionError):
        return set(), loader.plain
    low_high = ((max(1, low), min(RECORDS + 1, high)) for low, high in set(pairs))
    return {seq for low, high in low_high for seq in range(low, high + 1)}, loader.plain


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """One unit for many inputs; after one that had an effect all is put back and the link comes up anew."""
    rig = fill(Rig(folder / "unit", SimClock(), settings={"uplink": {"window": WINDOW}}))
    courier, journal = rig.unit._c.courier, rig.unit._c.journal

    def play(data: bytes) -> None:
        (state, before), flight = kept(rig), {n: sent.record for n, sent in courier._flight.items()}
        assert (len(before), len(flight)) == (RECORDS, WINDOW)
        begun_s = time.process_time()
        said = say(rig, "receipt", data)
        took_s = time.process_time() - begun_s
        journal.do(lambda _store: None)  # a commit: while more is owed, what is forgotten waits for company
        rig.loop.turn()
        after = kept(rig)[1]
        seqs, plain = named(data)
        expected = {n for n, record in flight.items() if record.epoch == EPOCH and record.seq in seqs}
        gone = before.keys() - after.keys()
        assert gone == expected or (not plain and not gone), f"forgot {gone}; want {expected}"
        assert kept(rig)[0] == state
        assert journal.backlog == RECORDS - len(gone)
        assert took_s < FAST_S, f"it took {took_s:.2f} s"
        assert {leaf for leaf, _ in said} <= {"event"}
        for n in gone:
            journal.put(n, unpack(before[n]))
        if gone:
            rig.link.drop()
            rig.link.accept()
            rig.loop.turn()

    yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """A receipt bent; or other ranges, of this epoch or another."""
    if pick(range(100)) == 99:
        return pick(HUGE)
    if pick((True, False)) and len(raw) < 5000:
        return bend_json(raw, pick)
    numbers = [*INTS, *range(1, 12), WINDOW, WINDOW + 1, RECORDS]
    ranges = [[pick(numbers), pick(numbers)] for _ in range(pick((1, 2, 3, 9)))]
    return text({"epoch": pick((EPOCH, EPOCH, EPOCH, "", "e2", EPOCH.upper())), "stored": ranges})


def receipt(ranges: Json) -> bytes:
    """As a platform writes it."""
    return json.dumps({"epoch": EPOCH, "stored": ranges}).encode()


HUGE = [
    receipt([[low * 2, low * 2] for low in range(50_000)]),
    receipt([[1, 10**6]] * 50_000),
    receipt([[9, 1]] * 50_000),
]
REAL = tuple(receipt(ranges) for ranges in SOME)
TARGET = Target("receipts", opened, REAL, bend, longest=2048)
