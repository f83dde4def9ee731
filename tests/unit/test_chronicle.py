"""Each boot's place in time: what is known to lie before and after it, and never more than that."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import DRIFT_PPM, FLOOR_NS, MS, SECOND, Quality, Stamp
from edge.unit.chronicle import Chronicle

DAY_NS = 86_400 * SECOND
KEPT = 16
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
            stamp = Stamp(name, synced_after_ns, start_ns + synced_after_ns, Quality.SYNCED, 0)
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
def test_every_boot_that_is_kept_ended_before_the_next_one_that_synced_began(life_):
    life = lived(life_)
    boots = list(life.spans)
    for i, boot in list(enumerate(boots))[-KEPT:]:
        later = [b for b in boots[i + 1 :] if b in life.anchors]
        assert life.chronicle.bounds(boot)[1] == (life.spans[later[0]][0] if later else None)


@settings(max_examples=300, deadline=None)
@given(lives)
def test_every_boot_that_is_kept_began_after_the_last_instant_that_was_known(life_):
    life = lived([(*boot[:3], True) for boot in life_])
    boots = list(life.spans)
    for i, boot in list(enumerate(boots))[-KEPT:]:
        earlier = [b for b in boots[:i] if b in life.anchors]
        known_ns = life.chronicle.bounds(boot)[0]
        if not earlier:
            assert known_ns is None
            continue
        last = life.spans[earlier[-1]][1]
        drift_ns = (last - life.spans[earlier[-1]][0]) * DRIFT_PPM // 1_000_000 + 2 * MS
        assert known_ns is not None
        assert last - drift_ns <= known_ns <= last


def test_nothing_is_known_of_a_boot_nobody_heard_of():
    assert Chronicle().bounds("boot-0") == (None, None)


def test_the_first_boot_of_all_has_nothing_before_it():
    chronicle = Chronicle()
    chronicle.begin("a", None, {})
    assert chronicle.bounds("a") == (None, None)


def test_a_boot_lies_after_the_synced_instant_at_which_the_unit_was_last_alive():
    chronicle = Chronicle()
    chronicle.begin("b", Stamp("a", 5, BEGUN_NS, Quality.SYNCED, 0), {})
    assert chronicle.bounds("b") == (BEGUN_NS, None)


@pytest.mark.parametrize("quality", [Quality.UNSYNCED, Quality.RESTORED, Quality.RTC])
def test_a_clock_that_nobody_confirmed_bounds_nothing(quality: Quality):
    chronicle = Chronicle()
    chronicle.begin("b", Stamp("a", 5, BEGUN_NS, quality), {})
    assert chronicle.bounds("b") == (None, None)


def test_an_agent_that_starts_again_in_the_same_boot_changes_nothing():
    chronicle = Chronicle()
    chronicle.begin("b", Stamp("a", 5, BEGUN_NS, Quality.SYNCED, 0), {})
    packed = chronicle.pack()
    chronicle.begin("b", Stamp("b", 9, BEGUN_NS + DAY_NS, Quality.SYNCED, 0), {})
    assert chronicle.pack() == packed


def test_a_clock_that_is_synced_again_does_not_move_what_is_already_known():
    chronicle = Chronicle()
    chronicle.begin("a", None, {})
    chronicle.begin("b", None, {})
    chronicle.synced(Stamp("b", 7, BEGUN_NS + 7, Quality.SYNCED, 0))
    chronicle.synced(Stamp("b", 8, BEGUN_NS + DAY_NS, Quality.SYNCED, 0))
    assert chronicle.bounds("a") == (None, BEGUN_NS)
    assert chronicle.bounds("b") == (None, None)


def test_as_many_boots_are_kept_as_may_still_have_records_and_no_more():
    life = lived([(DAY_NS, 0, DAY_NS, True)] * (KEPT + 3))
    known = [boot for boot in life.spans if life.chronicle.bounds(boot) != (None, None)]
    assert known == list(life.spans)[-KEPT:]


def test_what_is_kept_on_the_card_is_read_as_it_was_packed():
    life = lived([(DAY_NS, None, DAY_NS, True), (DAY_NS, 5, DAY_NS, True), (DAY_NS, None, 0, True)])
    again = Chronicle(life.chronicle.pack())
    assert again.pack() == life.chronicle.pack()
    assert [again.bounds(b) for b in life.spans] == [life.chronicle.bounds(b) for b in life.spans]


def test_what_is_known_of_a_neighbour_is_known_no_better_than_its_clock():
    chronicle = Chronicle()
    chronicle.begin("one", None, {})
    chronicle.synced(Stamp("one", SECOND, BEGUN_NS, Quality.SYNCED, 40))
    chronicle.begin("two", Stamp("one", 2 * SECOND, BEGUN_NS + SECOND, Quality.SYNCED, 40), {})
    chronicle.begin("three", None, {})
    chronicle.synced(Stamp("three", 0, BEGUN_NS + DAY_NS, Quality.SYNCED, 7))
    assert chronicle.bounds("two") == (BEGUN_NS + SECOND - 40_000_000, BEGUN_NS + DAY_NS + 7_000_000)
