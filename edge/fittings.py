"""What a unit may have besides contact and camera, as settings: chips, lid switch, lamp, buzzer; all left out at first.

Defaults and examples are what hardware/pins.toml wires; tests/hardware holds the two together.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from edge.declare import ADDRESS, Section
from edge.declare import setting as _is
from edge.errors import ConfigError

PINS = range(4, 28)  # of the header's GPIO; 2 and 3 are I2C, 0 and 1 a HAT's EEPROM
EXPLAIN = "`doorunit config explain {0}` tells what it is for; hardware/wiring.md shows the wiring."
# Setting -> the chip, and the addresses its straps can give it.
CHIPS: dict[str, tuple[str, tuple[int, ...]]] = {
    "supply": ("INA219", tuple(range(0x40, 0x50))),
    "enclosure": ("SHT31", (0x44, 0x45)),
    "rtc": ("DS3231", (0x68,)),
    "motion": ("LIS3DH", (0x18, 0x19)),
    "loop": ("ADS1115", tuple(range(0x48, 0x4C))),
}


class Sensors(Section, frozen=True):
    """Chips on the I2C bus, and the lid's switch."""

    bus: Annotated[int, _is("Number of the I2C bus: 1 is GPIO 2 and 3, /dev/i2c-1.", ge=0, le=22)] = 1
    supply: Annotated[
        int | None, _is("Address of the INA219 that measures the supply.", unit=ADDRESS, example="0x40")
    ] = None
    enclosure: Annotated[
        int | None, _is("Address of the SHT31 that feels heat and damp in the enclosure.", unit=ADDRESS, example="0x44")
    ] = None
    rtc: Annotated[
        int | None,
        _is(
            "Address of the DS3231, to warn of its empty battery; not beside the kernel's driver for it.",
            unit=ADDRESS,
            example="0x68",
        ),
    ] = None
    motion: Annotated[
        int | None,
        _is("Address of the LIS3DH that notices the unit being tilted or removed.", unit=ADDRESS, example="0x18"),
    ] = None
    loop: Annotated[
        int | None,
        _is("Address of the ADS1115 that reads the contact's supervised wiring.", unit=ADDRESS, example="0x48"),
    ] = None
    tamper_pin: Annotated[
        int | None,
        _is("GPIO of the lid's switch to ground, closed while the lid is on.", unit="BCM number", example="27"),
    ] = None
    shunt_mohm: Annotated[int, _is("The INA219's shunt; a bought module has 100.", unit="mohm", ge=7, le=100)] = 20
    supply_low_mv: Annotated[
        int, _is("A supply below this is warned of; the board resets below 4630.", unit="mV", ge=4550, le=5200)
    ] = 4750
    power_lost_mv: Annotated[
        int,
        _is("Below this the mains is taken to be gone: the unit runs on its battery.", unit="mV", ge=500, le=4500),
    ] = 4000
    hot_c: Annotated[int, _is("An enclosure this hot is warned of.", unit="C", ge=30, le=85)] = 60
    damp_pct: Annotated[int, _is("An enclosure this damp is warned of.", unit="%", ge=40, le=100)] = 85

    @property
    def addresses(self) -> dict[str, int]:
        """Of the chips that the unit has, by the setting's name."""
        fields = msgspec.structs.asdict(self)
        return {name: fields[name] for name in CHIPS if fields[name] is not None}


class Indicator(Section, frozen=True):
    """The lamp and buzzer that show faults, and which unit is meant; the camera's lamp is another."""

    led_pin: Annotated[
        int | None, _is("GPIO of the lamp that blinks while there is a fault.", unit="BCM number", example="23")
    ] = None
    buzzer_pin: Annotated[
        int | None, _is("GPIO of the buzzer that helps to find the unit.", unit="BCM number", example="24")
    ] = None


def faults(sensors: Sensors, pins: Mapping[str, int | None]) -> Iterator[ConfigError]:
    """What one setting must not be because of another. `pins`: by setting, first come first served."""
    yield from _pin_faults(pins)
    taken: dict[int, str] = {}
    for name, address in sensors.addresses.items():
        part, strapped = CHIPS[name]
        if address not in strapped or address in taken:
            yield ConfigError(
                f"sensors.{name}",
                found=hex(address) + (f", which is sensors.{taken[address]}" if address in taken else ""),
                wanted=f"an address that the {part} can have and no other chip has:"
                f" one of {', '.join(map(hex, strapped))}",
                remedy=f"The chip's address pins choose it. {EXPLAIN.format(f'sensors.{name}')}",
            )
        taken.setdefault(address, name)


def _pin_faults(pins: Mapping[str, int | None]) -> Iterator[ConfigError]:
    taken = {2: "I2C data", 3: "I2C clock"}
    for name, pin in pins.items():
        if pin is None:
            continue
        if pin not in PINS or pin in taken:
            yield ConfigError(
                name,
                found=f"{pin}, which is {taken[pin]}" if pin in taken else pin,
                wanted="a free GPIO 4-27 that nothing else is wired to",
                remedy=EXPLAIN.format(name),
            )
        taken.setdefault(pin, name)
