"""pins.toml, read and checked; the pin table. Everything else here takes its pins from this file."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge.errors import ConfigError

HERE = Path(__file__).parent
REMEDY = "Mend hardware/pins.toml; its `why` lines say what a pin is good for."


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pin of the header; `gpio` is None for supply and ground."""

    name: str
    header: int
    direction: str
    to: str
    why: str
    gpio: int | None = None
    pull: str = ""
    idle: str = ""
    setting: str = ""

    @property
    def net(self) -> str:
        """Its net on the carrier."""
        return self.name.upper()


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One chip on the I2C bus."""

    part: str
    address: int
    strap: str
    pullups_ohm: int
    measures: str
    shunt_mohm: int = 0


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pins that stay free."""

    gpio: tuple[int, ...]
    why: str


class Loop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Resistors of the supervised loop, by drivers/supervised.py's names."""

    pull_ohm: int
    line_ohm: int
    alarm_ohm: int
    foreign_ohm: int


class Bus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the I2C bus must bear."""

    pi_pullup_ohm: int
    sink_ma: float
    low_mv: int
    supply_mv: int

    @property
    def least_ohm(self) -> float:
        """The strongest pull-up that every chip can still pull low (UM10204, 7.1)."""
        return (self.supply_mv - self.low_mv) / self.sink_ma


class Pins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of pins.toml."""

    pin: tuple[Pin, ...]
    reserved: dict[str, Kept]
    chip: tuple[Chip, ...]
    loop: Loop
    bus: Bus

    def named(self, name: str) -> Pin:
        """The first pin of that name."""
        return next(pin for pin in self.pin if pin.name == name)

    @property
    def pullup_ohm(self) -> float:
        """All pull-ups of one bus line together."""
        each = [self.bus.pi_pullup_ohm, *(chip.pullups_ohm for chip in self.chip if chip.pullups_ohm)]
        return 1 / sum(1 / ohm for ohm in each)


def load(path: Path = HERE / "pins.toml") -> Pins:
    """Read and check. Raises ConfigError for the first thing that cannot be."""
    try:
        pins = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Pins)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as err:
        raise ConfigError(str(path), found=err, wanted="the tables of hardware/pins.py", remedy=REMEDY) from err
    for found, wanted in conflicts(pins):
        raise ConfigError(path.name, found=found, wanted=wanted, remedy=REMEDY)
    return pins


def conflicts(pins: Pins) -> Iterator[tuple[str, str]]:
    """Every (found, wanted) that would make two parts meet, or a part meet what a pin does by itself."""
    for pin in pins.pin:
        for name, kept in pins.reserved.items():
            if pin.gpio in kept.gpio:
                yield f"{pin.name} on GPIO {pin.gpio}", f"a pin that is not kept for {name}: {kept.why}"
        if pin.direction != "bus" and pin.gpio in (2, 3):
            yield f"{pin.name} on GPIO {pin.gpio}", "another pin: 2 and 3 are the I2C bus, pulled up by 1.8 kOhm"
        if pin.direction == "out" and pin.pull != "down":
            yield f"{pin.name}, an output pulled {pin.pull} at reset", "a pin pulled down: off until software runs"
    yield from _twice("header pin", [pin.header for pin in pins.pin], "one wire to each header pin")
    yield from _twice("GPIO", [pin.gpio for pin in pins.pin if pin.gpio is not None], "one part to each GPIO")
    yield from _twice("I2C address", [chip.address for chip in pins.chip], "another strap for one of the two chips")
    if pins.pullup_ohm < pins.bus.least_ohm:
        found = f"pull-ups of {pins.pullup_ohm:.0f} ohm together"
        yield found, f"at least {pins.bus.least_ohm:.0f} ohm: lift the two of one module"


def table(pins: Pins) -> str:
    """The pin table, Markdown."""
    rows = ["| header | GPIO | name | at reset | idle | goes to |", "| ---: | ---: | --- | --- | --- | --- |"]
    for pin in sorted(pins.pin, key=lambda pin: pin.header):
        gpio = "" if pin.gpio is None else str(pin.gpio)
        pull = f"pulled {pin.pull}" if pin.pull else ""
        rows.append(f"| {pin.header} | {gpio} | **{pin.name}** | {pull} | {pin.idle} | {pin.to} |")
    return "\n".join(rows)


def reasons(pins: Pins) -> str:
    """Why each pin, and why not the others, Markdown."""
    rows = ["| pin | why |", "| --- | --- |"]
    rows += [f"| {pin.name} (header {pin.header}) | {pin.why} |" for pin in pins.pin]
    for name, kept in pins.reserved.items():
        numbers = ", ".join(map(str, kept.gpio))
        rows.append(f"| none: GPIO {numbers} kept for {name} | {kept.why} |")
    return "\n".join(rows)


def chips(pins: Pins) -> str:
    """The chips on the bus, Markdown."""
    rows = ["| chip | address | strap | measures |", "| --- | --- | --- | --- |"]
    rows += [f"| {c.part} | 0x{c.address:02x} | {c.strap} | {c.measures} |" for c in pins.chip]
    return "\n".join(rows)


def _twice(what: str, values: list[int], wanted: str) -> Iterator[tuple[str, str]]:
    for value, times in Counter(values).items():
        if times > 1:
            shown = f"0x{value:02x}" if what == "I2C address" else value
            yield f"{what} {shown} given {times} times", wanted
