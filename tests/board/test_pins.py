"""The contact and the lamp, on gpiozero's mock pins."""

import gc
import logging
import statistics
import sys
import time
from types import SimpleNamespace

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from edge.board.pins import Lamp, NoLamp, Reed, simulated_factory
from edge.clock import SECOND
from edge.errors import PartError
from edge.sim.contact import Wire

NOW_NS = 5_000 * SECOND


def now() -> int:
    return NOW_NS


class ShiftedFactory(MockFactory):
    """A mock back end whose ticks are read `late_s` after the edge was stamped."""

    late_s = 0.0

    def ticks(self):
        return MockFactory.ticks() + self.late_s


def shifted(late_s):
    factory = ShiftedFactory()
    factory.late_s = late_s
    return factory


@pytest.mark.parametrize(("level", "pull"), [("low", "up"), ("high", "down")])
def test_the_pull_is_against_the_level_of_a_closed_contact(level, pull):
    factory = simulated_factory(now)
    reed = Reed(factory, 17, closed_level=level, now=now)
    reed.open(lambda _: None)
    assert factory.pin(17).pull == pull
    assert factory.pin(17).bounce is None
    assert not reed.closed()  # nothing hangs on the pin, so the pull decides


def test_an_edge_that_waited_for_its_thread_keeps_its_own_time():
    heard = []
    factory = shifted(0.25)
    reed = Reed(factory, 17, now=now)
    reed.open(heard.append)
    factory.pin(17).drive_low()
    assert 0.25 * SECOND <= NOW_NS - heard[0] < 1 * SECOND


@pytest.mark.parametrize("late_s", [-0.5, 1.7e9])
def test_an_edge_stamped_by_another_clock_counts_from_its_arrival_and_is_told_once(late_s, caplog):
    heard = []
    factory = shifted(late_s)
    reed = Reed(factory, 17, now=now)
    reed.open(heard.append)
    with caplog.at_level(logging.DEBUG):
        factory.pin(17).drive_low()
        factory.pin(17).drive_high()
    assert heard == [NOW_NS, NOW_NS]
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG"]


def test_every_bounce_is_delivered():
    heard = []
    factory = simulated_factory(now)
    reed = Reed(factory, 17, now=now)
    reed.open(heard.append)
    for closed in (True, False, True, False, True):
        Wire(factory, 17).set(closed)
    assert len(heard) == 5


def test_the_callback_survives_garbage_collection():
    heard = []
    factory = simulated_factory(now)
    reed = Reed(factory, 17, now=now)
    reed.open(lambda boot_ns: heard.append(boot_ns))
    gc.collect()
    Wire(factory, 17).set(True)
    assert heard == [NOW_NS]


def test_edge_to_callback_takes_less_than_a_tenth_of_a_millisecond():
    heard = []
    factory = simulated_factory()
    reed = Reed(factory, 17, now=time.monotonic_ns)
    reed.open(lambda _: heard.append(time.monotonic_ns()))
    wire, took_ns = Wire(factory, 17), []
    for turn in range(400):
        began_ns = time.monotonic_ns()
        wire.set(turn % 2 == 0)
        took_ns.append(heard[-1] - began_ns)
    assert statistics.median(took_ns) < 100_000


def test_a_closed_reed_is_silent_and_closing_again_does_nothing():
    heard = []
    factory = simulated_factory(now)
    reed = Reed(factory, 17, now=now)
    reed.close()
    reed.open(heard.append)
    reed.close()
    reed.close()
    Wire(factory, 17).set(True)
    assert heard == []


def test_a_reed_can_be_opened_again_after_close():
    heard = []
    factory = simulated_factory(now)
    reed = Reed(factory, 17, now=now)
    reed.open(heard.append)
    reed.close()
    reed.open(heard.append)
    Wire(factory, 17).set(True)
    assert heard == [NOW_NS]
    assert reed.closed()


@pytest.mark.parametrize("newer", [Reed, Lamp])
def test_closing_one_part_does_not_silence_another(newer):
    heard = []
    factory = simulated_factory(now)
    door = Reed(factory, 17, now=now)
    door.open(heard.append)
    other = Reed(factory, 22, now=now) if newer is Reed else Lamp(factory, 22)
    other.open(heard.append) if newer is Reed else other.open()
    other.close()
    Wire(factory, 17).set(True)
    assert heard == [NOW_NS]


def test_closing_watches_one_of_the_other_pins_anew():
    """lgpio's thread sleeps for all pins once the newest one is let go; a newly watched pin wakes it."""
    woken = []

    class Pin(MockPin):
        def _enable_event_detect(self):
            woken.append(self.info.name)

    factory = MockFactory(pin_class=Pin)
    door, other = Reed(factory, 17, now=now), Reed(factory, 22, now=now)
    door.open(lambda _: None)
    other.open(lambda _: None)
    other.close()
    assert woken == ["GPIO17", "GPIO22", "GPIO17"]
    lamp = Lamp(factory, 23)
    lamp.open()
    lamp.close()
    assert woken == ["GPIO17", "GPIO22", "GPIO17"]  # it costs edges: an unwatched pin puts nobody to sleep


def test_two_parts_on_one_pin_are_refused_by_name():
    factory = simulated_factory(now)
    reed = Reed(factory, 17, now=now)
    reed.open(lambda _: None)
    with pytest.raises(PartError, match="GPIO17: found .* in use by Reed on GPIO17; want a pin of its own"):
        Lamp(factory, 17).open()
    reed.close()
    Lamp(factory, 17).open()


def test_a_pin_that_the_board_does_not_have_is_refused():
    with pytest.raises(PartError, match="GPIO99: found 99 is not a valid pin name"):
        Reed(simulated_factory(now), 99, now=now).open(lambda _: None)


def test_reading_a_reed_that_is_not_open_is_a_part_error():
    with pytest.raises(PartError, match="found a pin that is not open"):
        Reed(simulated_factory(now), 17, now=now).closed()


class LgError(Exception):
    """Shaped like lgpio.error: the text is all it carries, and str() quotes it."""

    def __init__(self, value):
        self.value = value

    def __str__(self):
        return repr(self.value)


class BrittlePin(MockPin):
    """Fails where it is told to, as lgpio does."""

    fails = ""
    watched = False

    def _enable_event_detect(self):
        if self.fails:
            raise LgError(self.fails)
        self.watched = True

    def _get_state(self):
        if self.fails:
            raise LgError(self.fails)
        return super()._get_state()


@pytest.fixture
def brittle(monkeypatch):
    monkeypatch.setitem(sys.modules, "lgpio", SimpleNamespace(error=LgError))
    monkeypatch.setattr(BrittlePin, "fails", "")
    return MockFactory(pin_class=BrittlePin)


def test_a_pin_held_by_another_program_is_named_with_what_to_do(brittle, monkeypatch):
    monkeypatch.setattr(BrittlePin, "fails", "GPIO busy")
    with pytest.raises(PartError, match="GPIO17: found a pin that another program .* holds; .* `gpioinfo` names"):
        Reed(brittle, 17, now=now).open(lambda _: None)


def test_an_open_that_broke_off_can_be_tried_again_and_then_watches(brittle, monkeypatch):
    reed = Reed(brittle, 17, now=now)
    monkeypatch.setattr(BrittlePin, "fails", "bad event request")
    with pytest.raises(PartError, match="LgError: bad event request") as kept:  # keeps the frames alive, as a log may
        reed.open(lambda _: None)
    monkeypatch.setattr(BrittlePin, "fails", "")
    reed.open(lambda _: None)
    assert brittle.pin(17).watched
    assert kept.value.__cause__ is not None


def test_a_level_that_cannot_be_read_is_a_part_error(brittle, monkeypatch):
    reed = Reed(brittle, 17, now=now)
    reed.open(lambda _: None)
    monkeypatch.setattr(BrittlePin, "fails", "bad GPIO read")
    with pytest.raises(PartError, match="bad GPIO read"):
        reed.closed()


def test_the_lamp_is_dark_when_opened_and_when_closed():
    factory = simulated_factory(now)
    lamp = Lamp(factory, 23)
    with pytest.raises(PartError, match="GPIO23: found a pin that is not open"):
        lamp.on()
    lamp.open()
    pin = factory.pin(23)
    seen = [pin.state]
    lamp.on()
    seen.append(pin.state)
    lamp.off()
    lamp.on()
    lamp.close()
    lamp.close()
    assert seen == [False, True]
    assert not pin.state
    assert pin.function == "input"


def test_a_unit_without_a_lamp_has_one_that_does_nothing():
    lamp = NoLamp()
    lamp.open()
    lamp.on()
    lamp.off()
    lamp.close()
