"""What each chip on the bus is asked, step by step; every step is one short exchange on the bus's own worker.

A watch is a generator: each `next` makes some transfers and yields what was learned, if anything, and how many
milliseconds it wants to be left alone. It never sleeps. After an exception it is over, and a new one begins anew.
"""

import errno
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from drivers import ads1115, ds3231, ina219, lis3dh, sht31, supervised
from edge import fittings

SUPPLY_MS = 1000  # mains that is gone must be told while there is still a battery
ENCLOSURE_MS = 30_000
RTC_MS = 600_000
MOTION_MS = 100
MOTION_SURE = 20  # looks before it first tells how the unit hangs: longer than the mount takes to see a change
WIRING_MS = 200  # twice within the settle time
WIRING_SETTLE_MS = 400
STATUS = 0x0F  # of a DS3231


class I2C(Protocol):
    """machine.I2C, as far as the unit and drivers/ use it; a transfer that is not acknowledged raises OSError."""

    def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray, /) -> None:
        """Fill buf from a register on."""
        ...

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes | bytearray, /) -> None:
        """Write buf to a register and those after it."""
        ...

    def readfrom(self, addr: int, nbytes: int, /) -> bytes:
        """Read so many bytes."""
        ...

    def readfrom_into(self, addr: int, buf: bytearray, /) -> None:
        """Fill buf."""
        ...

    def writeto(self, addr: int, buf: bytes | bytearray, /) -> int:
        """Write buf; returns how many bytes were acknowledged."""
        ...

    def scan(self) -> list[int]:
        """The addresses that answer. Raises OSError where a line is held."""
        ...


class Said(msgspec.Struct, frozen=True):
    """Something that a chip told."""


class SupplySaid(Said, frozen=True):
    """Volts and amps of the supply."""

    mv: int
    ma: int


class EnclosureSaid(Said, frozen=True):
    """Heat in the enclosure in millidegrees Celsius, and its relative humidity in per mille."""

    temperature_mc: int
    humidity_pm: int


class RtcSaid(Said, frozen=True):
    """Whether the battery clock has stood still; None: the kernel's driver has the chip, and is left alone."""

    stopped: bool | None


class MotionSaid(Said, frozen=True):
    """How the unit hangs: lis3dh.IN_PLACE, TILTED or REMOVED; how it was fixed; knocks since the agent started."""

    place: str
    upright: tuple[int, int, int]
    knocks: int


class WiringSaid(Said, frozen=True):
    """What the contact's loop rests at (supervised.SHUT ...), and when it left what it was before (boot ms)."""

    state: str
    first_ms: int


Step = tuple[Said | None, int]


class Chip(Protocol):
    """One chip of the unit."""

    name: str  # the setting that holds its address
    address: int

    def watch(self) -> Iterator[Step]:
        """A new watch from the beginning. Its steps raise OSError, and ValueError for what no driver can work with."""
        ...


class Supply:
    """INA219."""

    name = "supply"

    def __init__(self, bus: I2C, address: int, shunt_mohm: int) -> None:
        self.address = address
        self._chip = ina219.INA219(bus, address, shunt_mohm)

    def watch(self) -> Iterator[Step]:
        """Volts and amps, each second."""
        self._chip.begin()
        yield None, ina219.CONVERSION_MS
        while True:
            yield SupplySaid(self._chip.supply_mv(), self._chip.current_ma()), SUPPLY_MS


class Enclosure:
    """SHT31."""

    name = "enclosure"

    def __init__(self, bus: I2C, address: int) -> None:
        self.address = address
        self._chip = sht31.SHT31(bus, address)

    def watch(self) -> Iterator[Step]:
        """Heat and damp, every half minute."""
        self._chip.begin()
        while True:
            yield None, self._chip.start()
            yield EnclosureSaid(*self._chip.result()), ENCLOSURE_MS


class Rtc:
    """DS3231. Only its stop flag: the time is the kernel's business."""

    name = "rtc"

    def __init__(self, bus: I2C, address: int) -> None:
        self.address = address
        self._bus = bus
        self._chip = ds3231.DS3231(bus, address)

    def watch(self) -> Iterator[Step]:
        """Whether it stood still, every ten minutes."""
        while self._is_the_kernels():
            yield RtcSaid(None), RTC_MS
        self._chip.begin()
        while True:
            yield RtcSaid(self._chip.power_lost()), RTC_MS

    def _is_the_kernels(self) -> bool:
        try:
            self._bus.readfrom_mem_into(self.address, STATUS, bytearray(1))
        except OSError as err:
            return err.errno == errno.EBUSY  # every other is the driver's to tell
        return False


class Motion:
    """LIS3DH. How the unit was fixed is remembered while the chip is away: taken off its wall, it must not forget.

    `upright`: x, y, z in mg as fixed; None: as it hangs at the next beginning.
    """

    name = "motion"

    def __init__(self, bus: I2C, address: int, now_ms: Callable[[], int]) -> None:
        self.address = address
        self.upright: tuple[int, int, int] | None = None
        self._chip = lis3dh.LIS3DH(bus, address)
        self._now_ms = now_ms
        self._mount: lis3dh.Mount | None = None
        self._upright: tuple[int, int, int] | None = None  # what the mount knows
        self._knocks = 0

    def watch(self) -> Iterator[Step]:
        """How it hangs, at first and when that changes; ten looks a second."""
        self._chip.begin()
        yield None, MOTION_MS
        looks = 0
        while True:
            reading = self._chip.acceleration_mg()
            before, mount = self._mount, self._mounted(reading)
            looks = looks + 1 if mount is before else 1  # fixed anew: tell of that too
            changed = mount.sample(self._now_ms(), reading) is not None
            knocked = self._chip.knocked()
            self._knocks += knocked
            said = MotionSaid(mount.state, self.upright or reading, self._knocks)
            yield said if changed or (looks > MOTION_SURE and knocked) or looks == MOTION_SURE else None, MOTION_MS

    def _mounted(self, reading: tuple[int, int, int]) -> lis3dh.Mount:
        wanted = self.upright or reading
        if self._mount is None or self._upright != wanted:
            self._mount = lis3dh.Mount(wanted)
            self._upright = self.upright = wanted
        return self._mount


class Wiring:
    """ADS1115: the contact's loop on its first input, the loop's supply on the second."""

    name = "loop"

    def __init__(self, bus: I2C, address: int, now_ms: Callable[[], int]) -> None:
        self.address = address
        self._chip = ads1115.ADS1115(bus, address)
        self._line = supervised.Supervised(settle_ms=WIRING_SETTLE_MS)
        self._now_ms = now_ms

    def watch(self) -> Iterator[Step]:
        """What the loop rests at, when that changes; five looks a second."""
        self._line.forget()
        self._chip.begin()
        while True:
            found_mv = []
            for channel in (0, 1):
                yield None, self._chip.start(channel)
                while (mv := self._chip.result_mv()) is None:
                    yield None, 2
                found_mv.append(mv)
            now_ms = self._now_ms()
            report = self._line.sample(now_ms, supervised.per_mille(*found_mv))
            said = None if report is None else WiringSaid(report.state, report.first_ms or now_ms)
            yield said, WIRING_MS


def fitted(bus: I2C, settings: fittings.Sensors, now_ms: Callable[[], int]) -> list[Chip]:
    """The chips that the settings name; now_ms: the boot clock."""
    made: dict[str, Callable[[int], Chip]] = {
        "supply": lambda address: Supply(bus, address, settings.shunt_mohm),
        "enclosure": lambda address: Enclosure(bus, address),
        "rtc": lambda address: Rtc(bus, address),
        "motion": lambda address: Motion(bus, address, now_ms),
        "loop": lambda address: Wiring(bus, address, now_ms),
    }
    return [made[name](address) for name, address in settings.addresses.items()]
