"""The simulated bus does what a real one does when something is wrong. Runs on both Pythons."""

from drivers.sim.bus import ESP32, LINUX, RP2, SimBus
from drivers.sim.meters import ADS1115
from drivers.sim.sensors import LIS3DH
from tests.drivers.portable.bench import said


def number(call, *arguments):
    try:
        call(*arguments)
    except OSError as err:
        return err.errno
    return 0


def test_an_address_where_nothing_is_does_not_acknowledge_with_its_ports_errno():
    for port in (RP2, ESP32, LINUX):
        assert number(SimBus(port).readfrom_mem, 0x48, 0, 2) == port


def test_the_next_transfers_fail_as_often_as_was_said_and_no_more():
    bus = SimBus()
    bus.attach(0x48, ADS1115())
    bus.fail_next(2)
    assert [number(bus.readfrom, 0x48, 1) for _ in range(3)] == [LINUX, LINUX, 0]


def test_a_stuck_bus_times_out_and_shows_no_address():
    bus = SimBus()
    bus.attach(0x48, ADS1115())
    assert bus.scan() == [0x48]
    bus.stuck = True
    assert number(bus.readfrom, 0x48, 1) not in (0, LINUX)
    assert bus.scan() == []


def test_two_chips_at_one_address_pull_each_others_bits_low():
    bus = SimBus()
    bus.attach(0x18, LIS3DH())
    other = LIS3DH()
    bus.attach(0x18, other)
    other._registers[0x0F] = 0x0F
    assert bus.readfrom_mem(0x18, 0x0F, 1) == bytes([0x33 & 0x0F])


def test_a_chip_that_was_taken_off_is_gone_and_may_come_back():
    bus = SimBus()
    chip = ADS1115()
    bus.attach(0x48, chip)
    bus.detach(0x48)
    assert number(bus.writeto, 0x48, b"\x01") == LINUX
    bus.attach(0x48, chip)
    assert bus.readfrom_mem(0x48, 1, 2) == b"\x85\x83"


def test_a_reserved_address_is_refused():
    assert "0x78; want 0x08 to 0x77" in said(ValueError, SimBus().attach, 0x78, ADS1115())
