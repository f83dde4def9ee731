"""Each boot's place in time: what is known to lie before and after it, and never more than that."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import DRIFT_PPM, FLOOR_NS, MS, SECOND, Quality, Stamp
from edge.unit.chronicle import Chronicle

DAY_NS = 86_400 * SECOND
KEPT = 16
BEGUN_NS = FLOOR_NS + DAY_NS


class Days(NamedTuple):
    """One boot: how long it runs, when its clock becomes good (None: never), how long it is off then."""

    runs_ns: int
    synced_after_ns: int | None = None
    off_ns: int = 0
    noted: bool = True  # the last instant at which it was alive is kept
    error_ms: int = 0  # what a synced clock says of itself
    luck: float = 0.0  # how much of that it is really off by


class Life:
    """A unit through its boots, and what the true time was. ppm: how fast its boot clock runs."""

    def __init__(self, days: list[Days], ppm: int = 0) -> None:
        self.now_ns = BEGUN_NS  # true UTC
        self.ppm = ppm
        self.chronicle = Chronicle()
        self.anchors: dict[str, Stamp] = {}
        self.alive: Stamp | None = None
        self.spans: dict[str, tuple[int, int]] = {}  # boot -> true UTC of its start and end
        for day in days:
            self._live(day)

    def _live(self, day: Days) -> None:
        name, start_ns = f"boot-{len(self.spans)}", self.now_ns
        self.chronicle.begin(name, self.alive, self.anchors)
        if day.synced_after_ns is not None and day.synced_after_ns <= day.runs_ns:
            off_by_ns = int(day.error_ms * MS * day.luck)
            wall_ns = start_ns + day.synced_after_ns + off_by_ns
            stamp = Stamp(name, self._clock(day.synced_after_ns), wall_ns, Quality.SYNCED, day.error_ms)
            self.chronicle.synced(stamp)
            self.anchors[name] = stamp
        if day.noted:
            self.alive = Stamp(name, self._clock(day.runs_ns), day.runs_ns, Quality.UNSYNCED)
        self.spans[name] = (start_ns, start_ns + day.runs_ns)
        self.now_ns += day.runs_ns + day.off_ns
        self.chronicle = Chronicle(self.chronicle.pack())  # the power goes, and what was kept is read again

    def _clock(self, passed_ns: int) -> int:
        return passed_ns + passed_ns * self.ppm // 1_000_000

    def slack_ns(self, boot: str) -> int:
        """How much is allowed for the drift of that boot's clock, at most."""
        start_ns, end_ns = self.spans[boot]
        return (end_ns - start_ns) * DRIFT_PPM // 1_000_000 + 2 * MS


thorough = settings(max_examples=150, deadline=None)
spans_ns = st.integers(0, 30 * DAY_NS)
exact = st.tuples(spans_ns, st.none() | spans_ns, spans_ns).map(lambda drawn: Days(*drawn))
rough = st.tuples(
    spans_ns, st.none() | spans_ns, spans_ns, st.booleans(), st.integers(0, 16_000), st.floats(-1, 1)
).map(lambda drawn: Days(*drawn))


@thorough
@given(st.lists(rough, min_size=1, max_size=24), st.integers(-DRIFT_PPM, DRIFT_PPM))
def test_no_boot_is_ever_said_to_lie_where_it_did_not_however_its_clocks_err(lived, ppm):
    life = Life(lived, ppm)
    for boot, (start_ns, end_ns) in life.spans.items():
        before_ns, after_ns = life.chronicle.bounds(boot)
        assert before_ns is None or before_ns <= start_ns
        assert after_ns is None or after_ns >= end_ns


@thorough
@given(st.lists(exact, min_size=1, max_size=24))
def test_every_boot_that_is_kept_ended_before_the_next_one_that_synced_began(lived):
    life = Life(lived)
    boots = list(life.spans)
    for i, boot in list(enumerate(boots))[-KEPT:]:
        later = next((b for b in boots[i + 1 :] if b in life.anchors), None)
        after_ns = life.chronicle.bounds(boot)[1]
        assert (after_ns is None) is (later is None)
        assert later is None or 0 <= after_ns - life.spans[later][0] <= life.slack_ns(later)


@thorough
@given(st.lists(exact, min_size=1, max_size=24))
def test_every_boot_that_is_kept_began_after_the_last_instant_that_was_known(lived):
    life = Life(lived)
    boots = list(life.spans)
    for i, boot in list(enumerate(boots))[-KEPT:]:
        earlier = next((b for b in boots[i - 1 :: -1] if i and b in life.anchors), None)
        before_ns = life.chronicle.bounds(boot)[0]
        assert (before_ns is None) is (earlier is None)
        assert earlier is None or 0 <= life.spans[earlier][1] - before_ns <= life.slack_ns(earlier)


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
    assert chronicle.bounds("a") == (None, BEGUN_NS + MS)
    assert chronicle.bounds("b") == (None, None)


def test_as_many_boots_are_kept_as_may_still_have_records_and_no_more():
    life = Life([Days(DAY_NS, 0, DAY_NS)] * (KEPT + 3))
    known = [boot for boot in life.spans if life.chronicle.bounds(boot) != (None, None)]
    assert known == list(life.spans)[-KEPT:]


def test_what_is_kept_on_the_card_is_read_as_it_was_packed():
    life = Life([Days(DAY_NS), Days(DAY_NS, 5, DAY_NS), Days(DAY_NS)])
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
    assert chronicle.bounds("two") == (BEGUN_NS + SECOND - 40_000_000, BEGUN_NS + DAY_NS + 8_000_000)
