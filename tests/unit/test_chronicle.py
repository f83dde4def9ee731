"""Each boot's place in time: what is known to lie before and after it, and never more than that."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.unit.chronicle import Chronicle

DAY_NS = 86_400 * SECOND
BEGUN_NS = FLOOR_NS + DAY_NS


class Life:
    """A unit through its boots, and what the true time was. `told` is what its chronicle says of each boot."""

    def __init__(self) -> None:
        self.now_ns = BEGUN_NS  # true UTC
        self.chronicle = Chronicle()
        self.anchors: dict[str, Stamp] = {}
        self.alive: Stamp | None = None
        self.spans: dict[str, tuple[int, int]] = {}  # boot -> true UTC of its start and end

    def boot(self, runs_ns: int, synced_after_ns: int | None, off_ns: int, *, noted: bool) -> None:
        """One boot. synced_after_ns: when its clock becomes good (None: never). noted: its last instant is kept."""
        name, start_ns = f"boot-{len(self.spans)}", self.now_ns
        self.chronicle.begin(name, self.alive, self.anchors)
        if synced_after_ns is not None and synced_after_ns <= runs_ns:
            stamp = Stamp(name, synced_after_ns, start_ns + synced_after_ns, Quality.SYNCED, 1)
            self.chronicle.synced(stamp)
            self.anchors[name] = stamp
        if noted:
            self.alive = Stamp(name, runs_ns, runs_ns, Quality.UNSYNCED)
        self.spans[name] = (start_ns, start_ns + runs_ns)
        self.now_ns += runs_ns + off_ns
        self.chronicle = Chronicle(self.chronicle.pack())  # the power goes, and what was kept is read again


spans_ns = st.integers(0, 30 * DAY_NS)
lives = st.lists(st.tuples(spans_ns, st.none() | spans_ns, spans_ns, st.booleans()), min_size=1, max_size=24)


def lived(life_: list[tuple[int, int | None, int, bool]]) -> Life:
    """A unit that has lived so."""
    life = Life()
    for runs_ns, synced_after_ns, off_ns, noted in life_:
        life.boot(runs_ns, synced_after_ns, off_ns, noted=noted)
    return life


@settings(max_examples=300, deadline=None)
@given(lives)
def test_no_boot_is_ever_said_to_lie_where_it_did_not(life_):
    life = lived(life_)
    for boot, (start_ns, end_ns) in life.spans.items():
        before_ns, after_ns = life.chronicle.bounds(boot)
        assert before_ns is None or before_ns <= start_ns
        assert after_ns is None or after_ns >= end_ns


@settings(max_examples=300, deadline=None)
@given(lives)
def test_every_boot_that_is_still_kept_is_bounded_by_the_next_one_that_synced(life_):
    life = lived(life_)
    kept = list(life.spans)[-16:]
    for i, boot in enumerate(kept):
        later = [b for b in kept[i + 1 :] if b in life.anchors]
        assert life.chronicle.bounds(boot)[1] == (life.spans[later[0]][0] if later else None)


@settings(max_examples=300, deadline=None)
@given(lives)
def test_a_boot_begins_after_the_last_instant_that_was_known_before_it(life_):
    life = lived([(*boot[:3], True) for boot in life_])
    kept = list(life.spans)[-15:]  # of the one before these, nothing is kept to lean on
    for boot in kept:
        earlier = [life.spans[b][1] for b in life.anchors if life.spans[b][0] < life.spans[boot][0] or b < boot]
        known = [b for b in life.anchors if int(b[5:]) < int(boot[5:])]
        before_ns = life.chronicle.bounds(boot)[0]
        assert before_ns == (life.spans[max(known, key=lambda b: int(b[5:]))][1] if known else None), earlier


def test_nothing_is_known_of_a_boot_nobody_heard_of():
    assert Chronicle().bounds("boot-0") == (None, None)
