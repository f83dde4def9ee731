"""I2C and Pin in the shape of MicroPython's `machine`, on Linux, so that drivers/ run here as they are.

The only file that imports smbus2. What belongs to a kernel driver is refused as busy: the ioctl that makes transfers
with a repeated start (I2C_RDWR) would go past it.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.board.pins import Line, wake_others
from edge.board.trouble import explained
from edge.errors import PartError

if TYPE_CHECKING:
    from smbus2 import SMBus, i2c_msg

    from edge.board.pins import Factory

DEVICES = Path("/sys/bus/i2c/devices")
ADDRESSES = range(0x08, 0x78)  # the rest are the bus's own (UM10204, table 4)
# What a kernel says of an address that nobody answers at: bcm2835 and designware, then i2c-gpio, then older ones.
_NOBODY = (errno.EREMOTEIO, errno.ENXIO, errno.EIO)
_NO_EMPTY = (errno.EOPNOTSUPP, errno.EINVAL)  # the Pi 5's controller sends no transfer without a byte

_CURES = {
    errno.ENOENT: (
        "no /dev/i2c-{bus}",
        "the bus switched on",
        "`sudo raspi-config nonint do_i2c 0`, or dtparam=i2c_arm=on in /boot/firmware/config.txt; then restart.",
    ),
    errno.EACCES: (
        "a bus that this user may not open",
        "a user of the group i2c",
        "By hand: `sudo usermod -aG i2c $USER`, then log in anew. In the service: SupplementaryGroups=i2c.",
    ),
}


def open_smbus(bus: int) -> "SMBus":
    """The kernel's bus of that number. Raises PartError."""
    try:
        from smbus2 import SMBus

        return SMBus(bus)
    except ImportError as err:
        raise PartError(
            f"I2C bus {bus}",
            found=err,
            wanted="smbus2 for the Python that runs doorunit",
            remedy="On Raspberry Pi OS `sudo apt install python3-smbus2`, elsewhere `pip install smbus2`.",
        ) from err
    except OSError as err:
        found, wanted, remedy = _CURES.get(
            err.errno or 0, ("{err}", "a bus that opens", "Restart the unit; then look at `dmesg | grep i2c`.")
        )
        raise PartError(f"I2C bus {bus}", found=found.format(bus=bus, err=err), wanted=wanted, remedy=remedy) from err


class I2C:
    """machine.I2C on one bus of Linux. Opened by the first transfer. For one thread: transfers block, 1 s at most each.

    Every method raises OSError with the kernel's errno: EREMOTEIO where nobody answers, ETIMEDOUT where a line is
    held, EBUSY where a kernel driver has the chip; and PartError where the bus cannot be opened.
    """

    def __init__(
        self, bus: int = 1, *, open_bus: "Callable[[int], SMBus]" = open_smbus, devices: Path = DEVICES
    ) -> None:
        self._number = bus
        self._open_bus = open_bus
        self._devices = devices
        self._bus: SMBus | None = None

    def readfrom(self, addr: int, nbytes: int, stop: bool = True, /) -> bytes:
        """Read so many bytes."""
        answer = _messages().read(addr, nbytes)
        self._transfer(addr, stop, answer)
        return bytes(answer)

    def readfrom_into(self, addr: int, buf: bytearray, stop: bool = True, /) -> None:
        """Fill buf."""
        buf[:] = self.readfrom(addr, len(buf), stop)

    def writeto(self, addr: int, buf: bytes | bytearray, stop: bool = True, /) -> int:
        """Write buf; returns how many bytes were acknowledged: all, or it raises."""
        self._transfer(addr, stop, _messages().write(addr, buf))
        return len(buf)

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, /) -> bytes:
        """Read so many bytes from a register on: register, repeated start, bytes."""
        answer = _messages().read(addr, nbytes)
        self._transfer(addr, True, _messages().write(addr, bytes([memaddr])), answer)
        return bytes(answer)

    def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray, /) -> None:
        """Fill buf from a register on."""
        buf[:] = self.readfrom_mem(addr, memaddr, len(buf))

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes | bytearray, /) -> None:
        """Write buf to a register and those after it, in one message."""
        self.writeto(addr, bytes([memaddr]) + bytes(buf))

    def scan(self) -> list[int]:
        """The addresses that answer, with those that a kernel driver has; about 30 ms. Raises OSError on a held line.

        On a Pi 5 a chip that has nothing to say to a plain read, as an SHT31, is not seen.
        """
        return [address for address in ADDRESSES if self._answers(address)]

    def close(self) -> None:
        """Close the bus; safe to repeat. The next transfer opens it again."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()

    def _answers(self, address: int) -> bool:
        try:
            try:
                self.writeto(address, b"")
            except OSError as err:
                if err.errno not in _NO_EMPTY:
                    raise
                self.readfrom(address, 1)
        except OSError as err:
            if err.errno in _NOBODY:
                return False
            if err.errno == errno.EBUSY:
                return True
            raise
        return True

    def _transfer(self, address: int, stop: bool, *messages: "i2c_msg") -> None:
        if not stop:
            raise ValueError("stop is False; want True: Linux ends every transfer, a register is read by readfrom_mem")
        if (self._devices / f"{self._number}-{address:04x}" / "driver").exists():
            raise OSError(errno.EBUSY, f"{os.strerror(errno.EBUSY)}: a kernel driver has this chip")
        if self._bus is None:
            self._bus = self._open_bus(self._number)
        self._bus.i2c_rdwr(*messages)


def _messages() -> "type[i2c_msg]":
    from smbus2 import i2c_msg

    return i2c_msg


class Pin(Line):
    """machine.Pin on one GPIO of gpiozero's factory, claimed at its first use. All raise PartError."""

    IN, OUT = 0, 1
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, factory: "Factory", gpio: int, mode: int = IN, pull: int | None = None) -> None:
        super().__init__(factory, gpio)
        self._out = mode == self.OUT
        self._pull = {None: "floating", self.PULL_UP: "up", self.PULL_DOWN: "down"}[pull]
        self._handler: Callable[[Pin], object] | None = None

    def value(self, x: object = None) -> int | None:
        """Without x the level, 0 or 1; with it, set the level."""
        pin = self._ready()
        with explained(self._name):
            if x is None:
                return int(pin.state)
            pin.state = bool(x)
            return None

    def on(self) -> None:
        """Set it high."""
        self.value(True)

    def off(self) -> None:
        """Set it low."""
        self.value(False)

    def irq(self, handler: "Callable[[Pin], object] | None" = None, trigger: int = IRQ_RISING | IRQ_FALLING) -> None:
        """Call handler(pin) at each such edge, in the back end's thread; it must not raise. None: no longer."""
        pin = self._ready()
        self._handler = handler
        with explained(self._name):
            pin.when_changed = None
            if handler is not None:
                pin.edges = {self.IRQ_RISING: "rising", self.IRQ_FALLING: "falling"}.get(trigger, "both")
                pin.when_changed = self._edge  # held weakly, as in pins.py

    def close(self) -> None:
        """Let the pin go, low if it is an output; safe to repeat."""
        self._let_go(self._rest)

    def _ready(self) -> Any:
        if self._pin is None:
            self._claim(self._set_up)
        return self._claimed()

    def _set_up(self, pin: Any) -> None:
        if self._out:
            pin.output_with_state(False)
        else:
            pin.input_with_pull(self._pull)
            pin.bounce = None

    def _rest(self, pin: Any) -> None:
        if self._out:
            pin.state = False
        elif self._handler is not None:
            self._handler = None
            pin.when_changed = None
            wake_others(self._factory)

    def _edge(self, _ticks: Any, _level: Any) -> None:
        handler = self._handler
        if handler is not None:
            handler(self)
