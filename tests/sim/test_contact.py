"""The simulated reed switch under the very Reed that runs on a Pi."""

import pytest

from edge.board.pins import Reed, simulated_factory
from edge.clock import MS
from edge.parts import Contact
from edge.sim.contact import Wire


class Clock:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.ns = 4_123_456_789_012_345  # 47 days, where a float of seconds no longer tells single nanoseconds

    def now(self) -> int:
        return self.ns


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize("level", ["low", "high"])
def test_the_wire_opens_and_shuts_the_contact(clock, level):
    factory = simulated_factory(clock.now)
    reed: Contact = Reed(factory, 17, closed_level=level, now=clock.now)
    wire = Wire(factory, 17, closed_level=level)
    reed.open(lambda _: None)
    seen = []
    for closed in (True, False, True):
        wire.set(closed)
        seen.append(reed.closed())
    assert seen == [True, False, True]


def test_an_edge_carries_the_simulated_instant_to_the_nanosecond(clock, caplog):
    heard = []
    factory = simulated_factory(clock.now)
    reed = Reed(factory, 17, now=clock.now)
    reed.open(heard.append)
    wire, driven = Wire(factory, 17), []
    for turn in range(50):
        clock.ns += turn * MS + 1
        driven.append(clock.ns)
        wire.set(turn % 2 == 0)
    assert heard == driven
    assert not caplog.records  # no edge was doubted, so none fell back to the time of arrival


@pytest.mark.parametrize("level", ["low", "high"])
def test_a_door_that_is_shut_before_the_unit_starts_is_shut_and_makes_no_edge(clock, level):
    heard = []
    factory = simulated_factory(clock.now)
    Wire(factory, 17, closed_level=level).set(True)
    reed = Reed(factory, 17, closed_level=level, now=clock.now)
    reed.open(heard.append)
    assert reed.closed()
    assert heard == []


def test_a_contact_set_to_where_it_is_makes_no_edge(clock):
    heard = []
    factory = simulated_factory(clock.now)
    reed = Reed(factory, 17, now=clock.now)
    reed.open(heard.append)
    wire = Wire(factory, 17)
    wire.set(True)
    wire.set(True)
    assert len(heard) == 1


def test_a_door_left_shut_is_still_shut_when_the_reed_is_opened_again(clock):
    factory = simulated_factory(clock.now)
    reed = Reed(factory, 17, now=clock.now)
    reed.open(lambda _: None)
    Wire(factory, 17).set(True)
    reed.close()
    reed.open(lambda _: None)
    assert reed.closed()


def test_the_environment_does_not_change_the_simulated_board(monkeypatch, clock):
    monkeypatch.setenv("GPIOZERO_MOCK_REVISION", "0002")
    monkeypatch.setenv("GPIOZERO_MOCK_PIN_CLASS", "mockpwmpin")
    assert simulated_factory(clock.now).board_info.model == "3B"
