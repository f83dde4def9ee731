"""The supply monitor's driver on the simulated chip. Runs on both Pythons."""

from drivers.ina219 import CONVERSION_MS, INA219, INA219Error
from drivers.sim.bus import SimBus
from drivers.sim.meters import INA219 as Chip
from tests.drivers.portable.bench import Clock, said


def wired(shunt_mohm=100, most_ma=3200):
    clock = Clock()
    chip = Chip(clock.now_ms)
    bus = SimBus()
    bus.attach(0x40, chip)
    ina = INA219(bus, shunt_mohm=shunt_mohm, most_ma=most_ma)
    ina.begin()
    clock.sleep_ms(CONVERSION_MS)
    return clock, chip, bus, ina


def test_the_supply_is_read_in_millivolts_in_steps_of_four():
    _, chip, _, ina = wired()
    for bus_mv, read_mv in ((5100, 5100), (4631, 4628), (0, 0), (26_000, 26_000)):
        chip.bus_mv = bus_mv
        assert ina.supply_mv() == read_mv


def test_the_current_is_read_in_milliamps_both_ways():
    _, chip, _, ina = wired()
    for current_ma in (0, 1, 850, 2900, -850):
        chip.shunt_uv = current_ma * 100
        assert abs(ina.current_ma() - current_ma) <= 1


def test_a_shunt_of_ten_milliohms_measures_ten_amps():
    _, chip, _, ina = wired(shunt_mohm=10, most_ma=10_000)
    chip.shunt_uv = 10 * 7_300
    assert abs(ina.current_ma() - 7300) <= 8


def test_a_current_beyond_the_range_is_no_reading():
    _, chip, _, ina = wired(most_ma=400)
    chip.shunt_uv = 50_000  # 500 mA
    assert "beyond its range; want at most" in said(INA219Error, ina.current_ma)


def test_a_browned_out_chip_is_found_once_set_again_and_counted_and_its_zero_is_not_believed():
    clock, chip, bus, ina = wired()
    chip.shunt_uv = 85_000
    bus.brown_out()
    assert "calibration 0x0000" in said(INA219Error, ina.current_ma)
    assert ina.resets == 1
    clock.sleep_ms(CONVERSION_MS)
    assert abs(ina.current_ma() - 850) <= 1
    assert ina.resets == 1


def test_nothing_is_read_before_the_first_conversion():
    clock, _, bus, ina = wired()
    ina.begin()
    assert "no conversion yet" in said(INA219Error, ina.supply_mv)
    assert "no conversion yet" in said(INA219Error, ina.current_ma)
    clock.sleep_ms(CONVERSION_MS)
    assert ina.supply_mv() == 5100


def test_another_chip_at_its_address_is_named():
    class Other(Chip):
        def put(self, register, value):
            pass

    bus = SimBus()
    bus.attach(0x41, Other())
    text = said(INA219Error, INA219(bus, 0x41).begin)
    assert "INA219 at 0x41: found config register 0x399f" in text


def test_no_answer_is_named_with_where_and_the_cure():
    _, _, bus, ina = wired()
    bus.detach(0x40)
    for call in (ina.begin, ina.supply_mv, ina.current_ma):
        text = said(INA219Error, call)
        assert "INA219 at 0x40: found no answer" in text
        assert "want an INA219 that answers: look at wires" in text


def test_shunts_and_currents_that_do_not_go_together_are_refused():
    for shunt_mohm, most_ma in ((0, 1000), (100, 0), (-1, -1), (100, 3201)):
        assert "at most 320 mV across the shunt" in said(ValueError, INA219, None, 0x40, shunt_mohm, most_ma)
    assert "want more for a shunt of 1 mohm" in said(ValueError, INA219, None, 0x40, 1, 1)
