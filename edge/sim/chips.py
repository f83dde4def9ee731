"""The chips of a simulated unit, all on one bus, and what happens to them: unplugged, held, without supply, handled.

chips = SimChips(config.sensors, now_ms)
chips.unplug("enclosure")       # and plug("enclosure")
chips.bus.stuck = True          # SDA is held low
chips.brown_out()               # every chip loses its settings
chips.take_down()               # the unit is in somebody's hand; hang() puts it back
chips.wire("cut")               # of the contact's loop
"""

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.sim.bus import SimBus
from drivers.sim.meters import ADS1115, INA219
from drivers.sim.sensors import DS3231, LIS3DH, SHT31
from edge.errors import ConfigError
from edge.fittings import Sensors

if TYPE_CHECKING:
    from drivers.sim.bus import Chip

LOOP_UV = {  # at the input, of 3.3 V over four resistors alike: drivers/supervised.py
    "short": 0,
    "foreign": 1_155_000,
    "shut": 1_650_000,
    "open": 2_200_000,
    "cut": 3_300_000,
    "over": 3_550_000,
}
SUPPLY_UV = 3_300_000
IN_HAND = ((700, 100, 700), (100, 900, 400), (-300, 500, 800))  # what a unit feels in turn while it is carried


class KernelsBus(SimBus):
    """A bus of which the kernel's own drivers may have some addresses (`owned`)."""

    def __init__(self) -> None:
        super().__init__()
        self.owned: set[int] = set()

    def _begin(self, addr: int) -> "list[Chip]":
        if addr in self.owned:
            raise OSError(errno.EBUSY, "a kernel driver has this chip")
        return super()._begin(addr)


class Handled(LIS3DH):
    """An accelerometer in a unit that may be in somebody's hand."""

    in_hand = False
    _turn = 0

    def _feel(self) -> None:
        if self.in_hand:
            self._turn += 1
            self.acceleration_mg = IN_HAND[self._turn % 3]
        super()._feel()


class SimChips:
    """All chips that the settings name, plugged in. now_ms: a clock that goes on while the agent does not run."""

    def __init__(self, settings: Sensors, now_ms: Callable[[], int]) -> None:
        self.bus = KernelsBus()
        self.supply = INA219(now_ms)
        self.enclosure = SHT31(now_ms)
        self.rtc = DS3231(now_ms)
        self.motion = Handled()
        self.loop = ADS1115(now_ms)
        self._addresses = settings.addresses
        self.rtc.set(946_684_800)
        self.wire("shut")
        for name in self._addresses:
            self.plug(name)

    def plug(self, name: str, address: int | None = None) -> None:
        """This chip is on the bus, at the address of its setting or at another."""
        self.bus.attach(self._addresses[name] if address is None else address, self._chip(name))

    def unplug(self, name: str) -> None:
        """Whatever is at this chip's address is not on the bus any more."""
        self.bus.detach(self._addresses[name])

    def brown_out(self) -> None:
        """The supply of all chips failed for an instant."""
        self.bus.brown_out()

    def wire(self, state: str) -> None:
        """The contact's loop is so: a key of LOOP_UV."""
        if state not in LOOP_UV:
            raise ConfigError(
                "contact's loop", found=state, wanted="one of " + ", ".join(LOOP_UV), remedy="Choose one of these."
            )
        self.loop.inputs_uv[:2] = [LOOP_UV[state], SUPPLY_UV]

    def take_down(self) -> None:
        """Somebody takes the unit off its wall, and goes about with it."""
        self.motion.in_hand = True

    def hang(self) -> None:
        """It hangs again as it did."""
        self.motion.in_hand = False
        self.motion.acceleration_mg = (0, 0, 1000)

    def _chip(self, name: str) -> "Chip":
        chips: dict[str, Chip] = {
            "supply": self.supply,
            "enclosure": self.enclosure,
            "rtc": self.rtc,
            "motion": self.motion,
            "loop": self.loop,
        }
        return chips[name]
