"""Chips, lid, lamp and buzzer as settings: what cannot be together is refused with what it is, and the cure."""

from typing import Any

import pytest

from edge import config
from edge.errors import ConfigError


def refused(tables: dict[str, Any]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        config.parse(tables)
    assert caught.value.remedy
    return caught.value


def refusal(name: str, value: object) -> ConfigError:
    section, key = name.split(".")
    return refused({section: {key: value}})


@pytest.mark.parametrize("name", ["sensors.tamper_pin", "indicator.led_pin", "indicator.buzzer_pin"])
@pytest.mark.parametrize(("pin", "is_"), [(2, "I2C data"), (3, "I2C clock"), (17, "door.contact_pin")])
def test_a_pin_that_something_else_has_is_refused_and_that_is_named(name: str, pin: int, is_: str):
    error = refusal(name, pin)
    assert (error.what, error.found) == (name, f"{pin}, which is {is_}")
    assert "hardware/wiring.md" in error.remedy


def test_two_settings_never_have_one_pin():
    error = refused({"camera": {"led_pin": 23}, "indicator": {"led_pin": 23}})
    assert (error.what, error.found) == ("indicator.led_pin", "23, which is camera.led_pin")
    error = refused({"sensors": {"tamper_pin": 24}, "indicator": {"buzzer_pin": 24}})
    assert (error.what, error.found) == ("indicator.buzzer_pin", "24, which is sensors.tamper_pin")


@pytest.mark.parametrize(
    ("name", "address", "one_of"),
    [
        ("supply", 0x3F, "0x40, 0x41"),
        ("enclosure", 0x46, "0x44, 0x45"),
        ("rtc", 0x69, "0x68"),
        ("motion", 0x1A, "0x18, 0x19"),
        ("loop", 0x4C, "0x48, 0x49, 0x4a, 0x4b"),
        ("loop", -1, "0x48"),
        ("loop", 10**30, "0x48"),
    ],
)
def test_an_address_that_the_chip_cannot_have_is_refused_with_those_it_can(name: str, address: int, one_of: str):
    error = refusal(f"sensors.{name}", address)
    assert (error.what, error.found) == (f"sensors.{name}", hex(address))
    assert one_of in error.wanted


def test_two_chips_never_have_one_address():
    error = refused({"sensors": {"supply": 0x44, "enclosure": 0x44}})
    assert (error.what, error.found) == ("sensors.enclosure", "0x44, which is sensors.supply")
    assert config.parse({"sensors": {"supply": 0x44, "enclosure": 0x45}}).sensors.supply == 0x44


@pytest.mark.parametrize("value", [True, "0x40", 64.0, [64]])
def test_an_address_is_a_whole_number(value: object):
    assert refusal("sensors.supply", value).wanted == "an I2C address, or left out, in 7 bits"
