"""gpiozero's real RPi.GPIO back end under our Reed, over a fake-rpi that remembers what it was told."""

import sys
from types import ModuleType

import pytest
from fake_rpi import toggle_print
from fake_rpi.RPi import _GPIO

from edge.board.pins import Lamp, Reed
from edge.clock import SECOND
from edge.errors import PartError

NOW_NS = 7_000 * SECOND


def now() -> int:
    return NOW_NS


class StatefulGPIO(_GPIO):
    """fake-rpi's own answers are random levels, OUT for every pin and no edges; this one keeps modes, levels, edges."""

    def __init__(self):
        super().__init__()
        self.modes, self.levels, self.watched, self.freed = {}, {}, {}, []

    def setup(self, channel, state, pull_up_down=_GPIO.PUD_OFF, initial=None):
        self.modes[channel] = state
        if state == self.IN and pull_up_down != self.PUD_OFF:
            self.levels[channel] = int(pull_up_down == self.PUD_UP)
        if initial is not None:
            self.levels[channel] = int(initial)

    def gpio_function(self, channel):
        return self.modes.get(channel, self.IN)

    def input(self, channel):
        return self.levels.get(channel, 0)

    def output(self, channel, state):
        if self.modes.get(channel) != self.OUT:
            raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
        self.levels[channel] = int(state)

    def add_event_detect(self, channel, edge, callback=None, bouncetime=None):
        if channel in self.watched:
            raise RuntimeError("Conflicting edge detection already enabled for this GPIO channel")
        self.watched[channel] = edge, callback, bouncetime

    def remove_event_detect(self, channel):
        self.watched.pop(channel, None)

    def cleanup(self, channel=None):
        self.freed.append(channel)

    def drive(self, channel, level):
        """The door moves: the line takes this level, and whoever watches it is told, as RPi.GPIO's thread would."""
        if self.levels.get(channel) != level:
            self.levels[channel] = level
            if channel in self.watched:
                edge, callback, _ = self.watched[channel]
                if edge in (self.BOTH, self.RISING if level else self.FALLING):
                    callback(channel)


@pytest.fixture
def pi(monkeypatch):
    """(factory, gpio): RPiGPIOFactory as on a Pi 3B, over the fake that stands in for RPi.GPIO during this test."""
    toggle_print(False)
    package, gpio = ModuleType("RPi"), StatefulGPIO()
    package.GPIO = gpio
    monkeypatch.setitem(sys.modules, "RPi", package)
    monkeypatch.setitem(sys.modules, "RPi.GPIO", gpio)
    sys.modules.pop("gpiozero.pins.rpigpio", None)
    from gpiozero.pins.rpigpio import RPiGPIOFactory

    class Pi3(RPiGPIOFactory):
        def _get_revision(self):
            return 0xA02082

    factory = Pi3()
    yield factory, gpio
    factory.close()
    sys.modules.pop("gpiozero.pins.rpigpio")
    toggle_print(True)


@pytest.mark.parametrize(("level", "shut"), [("low", 0), ("high", 1)])
def test_the_reed_hears_the_door_through_the_real_rpi_gpio_back_end(pi, level, shut):
    factory, gpio = pi
    heard = []
    reed = Reed(factory, 17, closed_level=level, now=now)
    reed.open(heard.append)
    assert not reed.closed()
    gpio.drive(17, shut)
    assert reed.closed()
    gpio.drive(17, 1 - shut)
    assert not reed.closed()
    assert len(heard) == 2
    assert all(0 <= NOW_NS - boot_ns < SECOND for boot_ns in heard)


def test_the_back_end_is_asked_for_both_edges_and_no_bounce_time(pi):
    factory, gpio = pi
    reed = Reed(factory, 17, now=now)
    reed.open(lambda _: None)
    edge, _, bouncetime = gpio.watched[17]
    assert edge == gpio.BOTH
    assert bouncetime == -666  # RPi.GPIO's own word for "none"
    reed.close()


def test_closing_the_reed_ends_its_watch_and_frees_only_its_own_pin(pi):
    factory, gpio = pi
    heard = []
    door, other = Reed(factory, 17, now=now), Reed(factory, 22, now=now)
    door.open(heard.append)
    other.open(heard.append)
    other.close()
    other.close()
    assert gpio.freed == [22]
    assert set(gpio.watched) == {17}
    gpio.drive(17, 0)
    assert len(heard) == 1


def test_a_bounce_that_ends_where_it_began_leaves_the_level_right(pi):
    factory, gpio = pi
    heard = []
    reed = Reed(factory, 17, now=now)
    reed.open(heard.append)
    for level in (0, 1, 0, 1):
        gpio.drive(17, level)
    assert len(heard) == 4
    assert not reed.closed()


def test_the_lamp_lights_through_the_real_rpi_gpio_back_end(pi):
    factory, gpio = pi
    lamp = Lamp(factory, 23)
    lamp.open()
    assert gpio.levels[23] == 0
    lamp.on()
    assert gpio.levels[23] == 1
    lamp.close()
    assert gpio.levels[23] == 0
    with pytest.raises(PartError):
        lamp.on()
