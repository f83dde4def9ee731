"""pins.toml is the one truth: it agrees with the settings' defaults, with the header, and with itself."""

import inspect
from pathlib import Path

import pytest
from gpiozero import PiBoardInfo

from drivers import ads1115, ds3231, ina219, lis3dh, sht31, supervised
from edge import config, fittings
from edge.errors import ConfigError
from hardware import pins

DRIVERS = {
    "ADS1115": ads1115.ADS1115,
    "DS3231": ds3231.DS3231,
    "INA219": ina219.INA219,
    "SHT31": sht31.SHT31,
    "LIS3DH": lis3dh.LIS3DH,
}
REVISIONS = {"Zero 2 W": 0x902120, "3 B+": 0xA020D3, "4 B": 0xC03111, "5": 0xC04170}
TEXT = (pins.HERE / "pins.toml").read_text(encoding="utf-8")
PINS = pins.load()
CLASHES = {
    "two parts on one GPIO": ("gpio = 27\nheader = 13", "gpio = 17\nheader = 13", "GPIO 17 given 2 times"),
    "two wires on one header pin": ("header = 13", "header = 11", "header pin 11 given 2 times"),
    "two chips at one address": ("address = 0x44", "address = 0x40", "0x40 given 2 times; want another strap"),
    "a reed on an I2C pin": ("gpio = 17\nheader = 11", "gpio = 3\nheader = 11", "the I2C bus, pulled up by 1.8 kOhm"),
    "a lamp on the serial console": ("gpio = 18", "gpio = 14", "not kept for uart"),
    "an output that is on while booting": (
        'gpio = 18\nheader = 12\ndirection = "out"\npull = "down"',
        'gpio = 18\nheader = 12\ndirection = "out"\npull = "up"',
        "pulled up at reset",
    ),
    "a bus pulled up too hard": ("pullups_ohm = 0 #", "pullups_ohm = 4700 #", "lift the two of one module"),
    "a word that is not known": ("idle = ", "rest = ", "pins.toml"),
    "no TOML": ("[[pin]]", "[[pin", "pins.toml"),
}


@pytest.mark.parametrize("clash", CLASHES)
def test_pins_that_cannot_be_are_refused_with_the_cure(clash: str, tmp_path: Path):
    old, new, words = CLASHES[clash]
    assert old in TEXT
    (tmp_path / "pins.toml").write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        pins.load(tmp_path / "pins.toml")
    assert words in str(caught.value)
    assert caught.value.remedy


def test_settings_with_a_default_say_the_same_pin():
    defaults = {s.name: s.default for s in config.settings() if s.name.endswith("_pin")}
    assert defaults["door.contact_pin"] == PINS.named("contact").gpio
    given = {pin.setting: pin.gpio for pin in PINS.pin if pin.setting}
    assert given.keys() == defaults.keys()
    assert {name: given[name] for name, default in defaults.items() if default is not None}.items() <= defaults.items()


def test_examples_of_the_defaults_file_are_the_pins_of_the_wiring():
    given = {pin.setting: pin.gpio for pin in PINS.pin if pin.setting}
    examples = {s.name: int(s.example) for s in config.settings() if s.name.endswith("_pin") and s.example}
    assert len(examples) == 4
    assert examples.items() <= given.items()


def test_examples_of_the_defaults_file_are_the_addresses_of_the_chips():
    wired = {chip.part: chip.address for chip in PINS.chip}
    for name, (part, strapped) in fittings.CHIPS.items():
        (example,) = [s.example for s in config.settings() if s.name == f"sensors.{name}"]
        assert int(example, 16) == wired[part]
        assert wired[part] in strapped


def test_the_shunt_is_the_carriers():
    assert [chip.shunt_mohm for chip in PINS.chip if chip.shunt_mohm] == [fittings.Sensors().shunt_mohm]


def test_settings_accept_every_pin_of_the_wiring_together():
    tables: dict[str, dict[str, int]] = {}
    for pin in PINS.pin:
        if pin.setting and pin.gpio is not None:
            section, key = pin.setting.split(".")
            tables.setdefault(section, {})[key] = pin.gpio
    assert config.parse(tables).camera.led_pin == PINS.named("lamp").gpio


def test_contact_settings_fit_a_reed_to_ground():
    assert config.Door().closed_level == "low"
    assert PINS.named("contact").idle.startswith("low while the door is shut")


@pytest.mark.parametrize("board", REVISIONS)
def test_header_pins_are_those_of_gpiozeros_map(board: str):
    header = PiBoardInfo.from_revision(REVISIONS[board]).headers["J8"]
    for pin in PINS.pin:
        wanted = pin.net if pin.gpio is None else f"GPIO{pin.gpio}"
        assert header.pins[pin.header].name == wanted
    assert {"i2c"} <= header.pins[PINS.named("sda").header].interfaces & header.pins[
        PINS.named("scl").header
    ].interfaces


def test_pull_at_reset_is_up_to_gpio_8_and_down_above():
    for pin in PINS.pin:
        if pin.gpio is not None:
            assert pin.pull == ("up" if pin.gpio <= 8 else "down")


def test_every_gpio_of_the_header_is_used_kept_or_free():
    used = {pin.gpio for pin in PINS.pin if pin.gpio is not None}
    kept = {gpio for group in PINS.reserved.values() for gpio in group.gpio}
    assert not used & kept
    assert sorted(set(range(28)) - used - kept) == [12, 13, 16, 19, 20, 21, 25, 26]


def test_all_pull_ups_together_can_be_pulled_low_by_every_chip():
    assert PINS.pullup_ohm == pytest.approx(1 / (1 / 1800 + 4 / 10_000))
    assert PINS.bus.least_ohm == pytest.approx(966.7, abs=0.1)


def test_every_chip_has_a_driver_that_looks_for_it_at_its_address():
    defaults = {part: inspect.signature(driver).parameters["address"].default for part, driver in DRIVERS.items()}
    assert {chip.part: chip.address for chip in PINS.chip} == defaults


def test_the_loop_is_wired_with_the_resistors_that_its_driver_expects():
    loop = PINS.loop
    limits = supervised.limits(loop.pull_ohm, loop.line_ohm, loop.alarm_ohm, loop.foreign_ohm)
    assert limits == supervised.LIMITS
