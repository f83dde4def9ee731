"""What the contact did, in the unit's nanoseconds, and what is counted of it."""

import pytest

from edge import config
from edge.clock import MS, SECOND
from edge.door.contact import Rest, Settler, Statistics

SHUT, OPEN = True, False
DOOR = config.Door(settle_ms=50, chatter_ms=500, resample_ms=200)
BOOT_NS = 40 * 86_400 * SECOND  # weeks after the boot, where a float of seconds no longer tells microseconds


class Bench:
    """A settler, a contact and a clock that stands until it is turned."""

    def __init__(self, closed: bool | None = None) -> None:
        self.settler = Settler(DOOR)
        self.ns = BOOT_NS
        self.level = bool(closed)
        if closed is not None:
            self.rest()

    def edge(self, level: bool, after_ns: int = 0) -> int:
        """The contact changes; returns when."""
        self.ns += after_ns
        self.level = level
        self.settler.edge(self.ns)
        return self.ns

    def rest(self, for_ns: int = SECOND) -> list[Rest]:
        """Turn the clock on, sampling whenever asked to; returns what there is to tell."""
        told, until = [], self.ns + for_ns
        told.append(self.settler.sample(self.ns, self.level))
        while (due := self.ns + self.settler.wait_ns(self.ns)) <= until:
            self.ns = due
            told.append(self.settler.sample(due, self.level))
        self.ns = until
        return [rest for rest in told if rest]

    def chatter(self, for_ns: int) -> list[Rest]:
        """Edges 10 ms apart, so that it never rests."""
        return [rest for _ in range(for_ns // (10 * MS)) for rest in self._toggle()]

    def _toggle(self) -> list[Rest]:
        self.edge(not self.level)
        return self.rest(10 * MS)


def test_an_opening_is_told_with_its_first_and_last_edge_in_boot_nanoseconds():
    bench = Bench(SHUT)
    first = bench.edge(OPEN, 3 * MS)
    bench.edge(SHUT, 2 * MS)
    last = bench.edge(OPEN, 1 * MS)
    assert bench.rest() == [Rest(OPEN, first, last, 3, missed=False, faulty=False)]


def test_times_are_whole_microseconds_and_never_after_the_edge():
    bench = Bench(SHUT)
    at = bench.edge(OPEN, 1_999)
    (rest,) = bench.rest()
    assert rest.first_ns == at - 999


def test_the_time_from_first_to_last_edge_is_how_long_it_bounced():
    assert Rest(OPEN, 5 * MS, 12 * MS, 3, missed=False, faulty=False).settle_us == 7000


def test_an_opening_without_an_edge_is_told_as_missed_within_a_resample():
    bench = Bench(SHUT)
    bench.level = OPEN
    opened_ns = bench.ns
    (rest,) = bench.rest()
    assert rest.missed
    assert opened_ns <= rest.first_ns <= opened_ns + bench.settler.resample_ns


@pytest.mark.parametrize("settle_ms", [5, 50, 1000])
def test_it_rests_for_as_long_as_the_setting_says(settle_ms: int):
    settler = Settler(config.Door(settle_ms=settle_ms))
    settler.sample(0, SHUT)
    assert settler.sample(settle_ms * MS - MS, SHUT) is None
    assert settler.sample(settle_ms * MS, SHUT) is not None


def test_chatter_is_told_when_the_setting_says_to_the_microsecond():
    settler = Settler(DOOR)
    settler.edge(0)
    settler.edge(499 * MS)
    assert settler.wait_ns(499 * MS) == 1 * MS
    assert settler.sample(500 * MS - 1000, OPEN) is None
    assert settler.sample(500 * MS, OPEN).closed is None


def test_at_rest_it_wants_to_be_sampled_as_often_as_the_setting_says():
    assert Bench(SHUT).settler.wait_ns(BOOT_NS + SECOND) == 200 * MS
    assert Settler(config.Door(resample_ms=777)).resample_ns == 777 * MS


def test_a_contact_that_never_rests_is_told_once_with_no_level():
    bench = Bench(SHUT)
    first = bench.ns
    (rest,) = bench.chatter(3 * SECOND)
    assert (rest.closed, rest.first_ns, rest.faulty) == (None, first, True)
    assert bench.settler.statistics.faults == 1


def test_the_rest_after_chatter_says_that_it_chattered_before():
    bench = Bench(SHUT)
    bench.chatter(SECOND)
    bench.edge(SHUT)
    (rest,) = bench.rest()
    assert (rest.closed, rest.faulty) == (SHUT, True)


def test_nothing_has_been_counted_at_first():
    settler = Settler(DOOR)
    assert (settler.statistics, settler.glitches) == (Statistics(0, 0, 0, 0), 0)


def test_openings_are_counted_and_shuttings_are_not():
    bench = Bench(SHUT)
    for level in (OPEN, SHUT, OPEN, SHUT, OPEN):
        bench.edge(level)
        bench.rest()
    assert bench.settler.statistics.openings == 3


def test_a_door_that_was_open_when_the_unit_started_is_no_opening():
    assert Bench(OPEN).settler.statistics.openings == 0


def test_a_door_that_chattered_and_is_as_open_as_before_is_no_opening():
    bench = Bench(OPEN)
    bench.chatter(SECOND)
    bench.edge(OPEN)
    assert [rest.closed for rest in bench.rest()] == [OPEN]
    assert bench.settler.statistics.openings == 0


def test_a_door_that_is_found_open_after_it_could_not_be_read_is_told_but_is_no_opening():
    bench = Bench(SHUT)
    bench.settler.forget()
    bench.level = OPEN
    assert [rest.closed for rest in bench.rest()] == [OPEN]
    assert bench.settler.statistics.openings == 0


def test_a_glitch_is_counted_apart_and_leaves_the_statistics_alone():
    bench = Bench(SHUT)
    bench.edge(OPEN)
    bench.edge(SHUT, 3 * MS)
    assert bench.rest() == []
    assert (bench.settler.glitches, bench.settler.statistics) == (1, Statistics())


def test_the_worst_bounce_is_kept():
    bench = Bench(SHUT)
    bench.edge(OPEN)
    bench.edge(SHUT, 7 * MS)
    bench.edge(OPEN, 1 * MS)
    bench.rest()
    bench.edge(SHUT)
    bench.rest()
    assert bench.settler.statistics == Statistics(openings=1, edges_max=3, settle_max_us=8000, faults=0)


def test_chatter_does_not_count_as_a_bounce_until_it_has_come_to_rest():
    bench = Bench(SHUT)
    bench.chatter(510 * MS)
    assert (bench.settler.statistics.faults, bench.settler.statistics.settle_max_us) == (1, 0)


def test_an_opening_whose_end_came_before_a_late_sample_is_told_and_counted_once():
    bench = Bench(SHUT)
    first = bench.edge(OPEN, MS)
    assert bench.settler.sample(first + 25 * MS, OPEN) is None
    shut = bench.edge(SHUT, 51 * MS)
    assert bench.settler.wait_ns(shut) == 0
    opened, again = bench.rest()
    assert (opened, again.closed, again.first_ns) == (
        Rest(OPEN, first, first, 1, missed=False, faulty=False),
        SHUT,
        shut,
    )
    assert bench.settler.statistics.openings == 1


def test_the_memory_is_fed_movements_that_were_heard_and_glitches_and_no_first_rest():
    bench = Bench(SHUT)
    fresh = bench.settler.memory.pack()
    bench.level = OPEN  # no edge is delivered
    bench.rest()
    assert bench.settler.memory.pack() == fresh
    bench.edge(SHUT, MS)
    bench.rest()
    moved = bench.settler.memory.pack()
    assert moved != fresh
    bench.edge(OPEN, MS)
    bench.edge(SHUT, MS)
    bench.rest()
    assert bench.settler.memory.pack() != moved
