"""Whatever happens to a bus, a driver tells the truth or raises its own error, and recovers. Runs on both Pythons."""

import random

from drivers.ads1115 import ADS1115, ADS1115Error
from drivers.ds3231 import DS3231, DS3231Error
from drivers.ina219 import CONVERSION_MS, INA219, INA219Error
from drivers.lis3dh import LIS3DH, LIS3DHError
from drivers.sht31 import SHT31, SHT31Error
from drivers.sim import meters, sensors
from drivers.sim.bus import ESP32, LINUX, RP2, SimBus
from tests.drivers.portable.bench import Clock

NOW_S = 1_795_510_923
STEPS = 40


def converter(clock):
    chip = meters.ADS1115(clock.now_ms)
    chip.inputs_uv = [2_500_000] * 4

    def driver(bus):
        ads = ADS1115(bus)
        return ads.begin, lambda: ads.read_mv(1, clock.sleep_ms), lambda: 2500

    return 0x48, chip, driver, ADS1115Error


def supply(clock):
    chip = meters.INA219(clock.now_ms)
    chip.bus_mv, chip.shunt_uv = 4800, 100_000

    def driver(bus):
        ina = INA219(bus)

        def begin():
            ina.begin()
            clock.sleep_ms(CONVERSION_MS)

        return begin, lambda: (ina.supply_mv(), ina.current_ma()), lambda: (4800, 1000)

    return 0x40, chip, driver, INA219Error


def enclosure(clock):
    chip = sensors.SHT31(clock.now_ms)

    def driver(bus):
        sht = SHT31(bus)
        return sht.begin, lambda: sht.read(clock.sleep_ms)[1], lambda: 450

    return 0x44, chip, driver, SHT31Error


def calendar(clock):
    chip = sensors.DS3231(clock.now_ms)
    chip.set(NOW_S)

    def driver(bus):
        rtc = DS3231(bus)
        return rtc.begin, rtc.utc_s, lambda: NOW_S + clock.ms // 1000

    return 0x68, chip, driver, DS3231Error


def wall(_clock):
    chip = sensors.LIS3DH()

    def driver(bus):
        lis = LIS3DH(bus)
        return lis.begin, lis.acceleration_mg, lambda: (0, 0, 1000)

    return 0x18, chip, driver, LIS3DHError


def trouble(dice, bus, address, chip):
    """Something happens, or nothing."""
    kind = dice.randint(0, 6)
    if kind == 0:
        bus.fail_next(dice.randint(1, 8))
    elif kind == 1:
        bus.brown_out()
    elif kind == 2:
        bus.stuck = not bus.stuck
    elif kind == 3 and bus.scan():
        bus.detach(address)
    elif kind == 4 and not bus.stuck and not bus.scan():
        bus.attach(address, chip)


def story(part, seed):
    """[readings, errors] of a unit that looks at this chip, and begins it again after each error. None is a lie."""
    dice, clock = random, Clock()
    dice.seed(seed)
    address, chip, driver, error = part(clock)
    bus = SimBus((RP2, ESP32, LINUX)[seed % 3])
    bus.attach(address, chip)
    begin, read, truth = driver(bus)
    begun, told, words = False, [0, 0], []
    for _ in range(STEPS):
        trouble(dice, bus, address, chip)
        clock.sleep_ms(dice.randint(0, 2000))
        try:
            if not begun:
                begin()
            begun = True
            assert read() == truth()
            told[0] += 1
        except error as err:
            begun = False
            told[1] += 1
            words.append(str(err))
    bus.stuck = False
    bus.fail_next(0)
    bus.detach(address)
    bus.attach(address, chip)
    begin()
    assert read() == truth()
    assert all(["found" in text and "want" in text for text in words])
    return told


def check(part):
    told = [story(part, seed) for seed in range(12)]
    assert sum([readings for readings, _ in told]) > 12
    assert sum([errors for _, errors in told]) > 12


def test_the_converter_survives_every_trouble_of_a_bus():
    check(converter)


def test_the_supply_monitor_survives_every_trouble_of_a_bus():
    check(supply)


def test_the_enclosure_sensor_survives_every_trouble_of_a_bus():
    check(enclosure)


def test_the_battery_clock_survives_every_trouble_of_a_bus():
    check(calendar)


def test_the_accelerometer_survives_every_trouble_of_a_bus():
    check(wall)
