"""When the courier connects again: never all at once, ever more rarely; and each refusal says whose fault it is."""

import random

import pytest

from edge.errors import DistrustError, LinkError, RefusedError, ServerError, UnknownHostError, UntimedError
from edge.uplink.courier import REFUSALS
from tests.uplink.office import Office

DOWN = {
    "link.network": LinkError("b", found="silence", wanted="an answer", remedy="Wait."),
    "link.server": ServerError("b", found="nothing listens", wanted="a broker", remedy="Wait."),
    "link.refused": RefusedError("b", found="no", wanted="yes", remedy="Ask."),
    "link.distrust": DistrustError("b", found="another's certificate", wanted="the broker's", remedy="Ask."),
    "link.untimed": UntimedError("b", found="1970", wanted="the time", remedy="Wait."),
    "link.name": UnknownHostError("b", found="no such host", wanted="a host", remedy="Look at uplink.host."),
}


class Longest(random.Random):
    """Dice that always fall on the most."""

    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize("accepted", [False, True], ids=["refused", "accepted and dropped at once"])
def test_the_pauses_between_two_attempts_grow_to_the_longest_that_is_set(accepted: bool) -> None:
    office = Office(dice=Longest(), backoff_max_s=60)
    waits = []
    for dials in range(1, 10):
        assert office.link.dials == dials
        if accepted:
            office.link.accept()
        office.link.drop()
        office.loop.turn()
        waited = 0
        while office.link.dials == dials:
            office.live(1)
            waited += 1
        waits.append(waited)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_connection_that_lasted_a_minute_clears_the_record_of_earlier_ones() -> None:
    office = Office(dice=Longest(), backoff_max_s=60)
    for _ in range(8):
        office.link.drop()
        office.live(60)
    office.up()
    office.live(59)
    office.link.drop()
    office.live(59)
    assert office.link.dials == 9, "59 s were not enough"
    office.live(1)
    office.up()
    office.live(60)
    office.link.drop()
    office.live(1)
    assert office.link.dials == 11


def test_every_pause_is_drawn_from_its_whole_range_so_that_a_fleet_does_not_come_back_at_once() -> None:
    waits = []
    for seed in range(300):
        office = Office(dice=random.Random(seed), backoff_max_s=60)
        for _ in range(6):
            office.link.drop()
            office.live(60)
        dials, began_ns = office.link.dials, office.clock.now()
        office.link.drop()
        office.loop.turn()
        while office.link.dials == dials:
            office.clock.turn(office.loop.turn() or 0)
            office.loop.turn()
        waits.append((office.clock.now() - began_ns) / 1e9)
    assert min(waits) < 3
    assert max(waits) > 57
    assert 25 < sum(waits) / len(waits) < 35
    assert all(0 <= wait <= 60 for wait in waits)


@pytest.mark.parametrize("code", DOWN)
def test_a_link_that_is_down_is_named_by_whose_fault_it_is_and_cleared_when_it_is_up(code: str) -> None:
    office = Office()
    for other in DOWN.values():
        office.link.drop(other)
    office.link.drop(DOWN[code])
    office.loop.turn()
    assert office.warns() == {code}
    assert not office.courier.up
    office.up()
    assert office.warns() == set()
    assert office.courier.up


def test_a_broker_that_accepts_and_ends_the_connection_at_once_is_called_refusing_after_a_few_times() -> None:
    office = Office(dice=Longest())
    office.up()
    office.live(100)
    for time in range(1, REFUSALS + 2):
        office.link.drop()
        office.live(60)
        assert (office.warns() == {"link.refused"}) is (time > REFUSALS), "one end says nothing of whose fault it was"
        office.up()
    office.live(60)
    assert office.warns() == set(), "a connection that stands clears it"
