"""The enclosure sensor's driver on the simulated chip. Runs on both Pythons."""

from drivers.sht31 import SHT31, SHT31Error, _crc
from drivers.sim.bus import SimBus
from drivers.sim.sensors import SHT31 as Chip
from drivers.sim.sensors import _with_crc
from tests.drivers.portable.bench import Clock, said


def wired():
    clock = Clock()
    chip = Chip(clock.now_ms)
    bus = SimBus()
    bus.attach(0x44, chip)
    sht = SHT31(bus)
    sht.begin()
    return clock, chip, bus, sht


def test_temperature_and_humidity_are_read_in_millidegrees_and_per_mille():
    clock, chip, _, sht = wired()
    for temperature_mc, humidity_pm in ((23_000, 450), (-40_000, 0), (125_000, 1000), (-7, 999)):
        chip.temperature_mc, chip.humidity_pm = temperature_mc, humidity_pm
        read_mc, read_pm = sht.read(clock.sleep_ms)
        assert abs(read_mc - temperature_mc) <= 3
        assert abs(read_pm - humidity_pm) <= 1


def test_the_crc_is_the_one_of_the_data_sheet():
    assert _crc(0xBE, 0xEF) == 0x92
    assert _with_crc(0xBEEF) == b"\xbe\xef\x92"
    assert all([_crc(n >> 8, n & 0xFF) == _with_crc(n)[2] for n in range(0, 0x10000, 257)])


def test_an_answer_with_one_bit_turned_is_no_reading():
    clock, chip, _, sht = wired()
    chip.garbled = 1
    assert "noise on the bus, or no SHT31" in said(SHT31Error, sht.read, clock.sleep_ms)
    assert abs(sht.read(clock.sleep_ms)[0] - 23_000) <= 3


def test_a_result_before_its_time_is_not_there_and_says_how_long_to_wait():
    _, _, _, sht = wired()
    sht.start()
    assert "wait 16 ms" in said(SHT31Error, sht.result)


def test_a_result_is_given_once():
    clock, _, _, sht = wired()
    sht.read(clock.sleep_ms)
    assert "no answer" in said(SHT31Error, sht.result)


def test_a_supply_that_failed_is_counted_once_by_the_status():
    clock, _, bus, sht = wired()
    clock.sleep_ms(sht.start())
    bus.brown_out()
    assert "no answer" in said(SHT31Error, sht.result)
    sht.status()
    sht.status()
    assert sht.resets == 1


def test_a_chip_whose_answers_carry_no_crc_is_not_taken_for_one():
    class Other(Chip):
        def read(self, nbytes):
            return bytes(nbytes)

    bus = SimBus()
    bus.attach(0x45, Other())
    assert "SHT31 at 0x45: found CRC 0x00; want 0x81" in said(SHT31Error, SHT31(bus, 0x45).begin)


def test_no_answer_is_named_with_where_and_the_cure():
    _, _, bus, sht = wired()
    bus.stuck = True
    for call in (sht.begin, sht.start, sht.result):
        text = said(SHT31Error, call)
        assert "SHT31 at 0x44: found no answer" in text
        assert "look at wires, pull-ups and ADDR" in text
