"""What is wrong with a bus, named with its cure: by what answers where, and by how transfers end."""

import pytest

from drivers.sim.bus import SimBus
from edge import fittings
from edge.board.chips import I2C, fitted
from edge.board.diagnosis import Seen, explain, look
from edge.sim.chips import SimChips

ALL = fittings.Sensors(supply=0x40, enclosure=0x44, rtc=0x68, motion=0x18, loop=0x48)
CHIPS = ALL.addresses


def errors(chips: SimChips, settings: fittings.Sensors = ALL) -> dict[str, str]:
    """What each chip's watch says when it begins."""
    found = {}
    for chip in fitted(chips.bus, settings, lambda: 0):
        try:
            next(chip.watch())
        except OSError as err:
            found[chip.name] = str(err)
    return found


def told(chips: SimChips) -> str:
    return explain(errors(chips), CHIPS, look(chips.bus, 0x40))


@pytest.fixture
def chips() -> SimChips:
    return SimChips(ALL, lambda: 0)


def test_where_all_is_well_nothing_fails(chips: SimChips):
    assert errors(chips) == {}


def test_a_chip_at_another_of_its_addresses_is_named_with_both(chips: SimChips):
    chips.unplug("enclosure")
    chips.plug("enclosure", 0x45)
    assert told(chips) == (
        "SHT31: found a chip at 0x45; want it at 0x44. Change its address pins, or sensors.enclosure"
    )


def test_an_address_that_belongs_to_another_chip_is_not_taken_for_it():
    settings = fittings.Sensors(supply=0x44, enclosure=0x45)
    chips = SimChips(settings, lambda: 0)
    chips.unplug("enclosure")
    failed = errors(chips, settings)
    assert "no answer" in explain(failed, settings.addresses, look(chips.bus, 0x44))


def test_two_chips_at_one_address_are_told_as_what_they_look_like(chips: SimChips):
    chips.bus.attach(0x18, chips.rtc)
    assert "two chips at one address" in told(chips)


def test_another_chip_at_the_address_is_told_by_what_it_answered(chips: SimChips):
    chips.unplug("motion")
    chips.bus.attach(0x18, chips.enclosure)
    assert "another chip" in told(chips)


def test_a_bus_on_which_every_address_answers_has_no_pullups(chips: SimChips):
    seen = Seen(tuple(range(0x08, 0x78)))
    assert "112 addresses answer: the bus has no pull-ups" in explain({"loop": "garbage"}, CHIPS, seen)


def test_a_bus_on_which_nobody_answers_lacks_something_that_all_share(chips: SimChips):
    for name in CHIPS:
        chips.unplug(name)
    text = told(chips)
    assert "no chip answers" in text
    assert "3V3, ground, SDA, SCL and pull-ups" in text
    assert all(part in text for part, _ in fittings.CHIPS.values())


def test_a_held_line_is_told_as_one_thing(chips: SimChips):
    chips.bus.stuck = True
    text = told(chips)
    assert text.startswith("the bus is held")
    assert text.count("held") == 2  # and the kernel's own word for it


def test_a_chip_of_the_kernels_is_no_failure(chips: SimChips):
    chips.bus.owned.add(0x68)
    assert errors(chips) == {}


def test_the_simulated_bus_and_the_real_one_have_the_same_shape():
    bus: I2C = SimBus()
    assert bus.scan() == []
