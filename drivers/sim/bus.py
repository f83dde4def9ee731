"""A simulated I2C bus in the shape of MicroPython's machine.I2C, and what goes wrong on one.

    bus = SimBus(LINUX)
    bus.attach(0x48, ADS1115())
    bus.fail_next(2)       # two transfers are not acknowledged
    bus.stuck = True       # a chip holds SDA low: every transfer times out
    bus.brown_out()        # every chip loses what a chip without supply loses

Two chips at one address answer at once: each bit that either pulls low is low, as on real wires.
"""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from typing import Protocol

    class Chip(Protocol):
        """What hangs on a SimBus."""

        def write(self, data: bytes) -> bool:
            """Take what was written after the address; False: not acknowledged."""

        def read(self, nbytes: int) -> "bytes | None":
            """What the chip answers; None: not acknowledged."""

        def power_on(self) -> None:
            """The supply came back."""


# The errno of a transfer that is not acknowledged, by port: EIO on rp2, ENODEV on esp32, EREMOTEIO on Linux.
RP2, ESP32, LINUX = 5, 19, 121
_ETIMEDOUT = 110


class SimBus:
    """One bus. nack_errno: RP2, ESP32 or LINUX. `transfers` counts what was tried."""

    def __init__(self, nack_errno: int = LINUX) -> None:
        self.nack_errno = nack_errno
        self.stuck = False
        self.transfers = 0
        self._failing = 0
        self._chips: "list[tuple[int, Chip]]" = []

    def attach(self, address: int, chip: "Chip") -> None:
        """Wire a chip to the bus; it has its power."""
        if not 0x08 <= address <= 0x77:
            raise ValueError("address is 0x%02x; want 0x08 to 0x77" % address)
        chip.power_on()
        self._chips.append((address, chip))

    def detach(self, address: int) -> None:
        """Take off all that is at this address."""
        self._chips = [(at, chip) for at, chip in self._chips if at != address]

    def fail_next(self, transfers: int) -> None:
        """So many transfers, from now on, are not acknowledged."""
        self._failing = transfers

    def brown_out(self) -> None:
        """The supply of all chips failed for an instant and is back."""
        for _, chip in self._chips:
            chip.power_on()

    def scan(self) -> "list[int]":
        """The addresses that answer, in order; none on a bus that is stuck."""
        return [] if self.stuck else sorted(set([address for address, _ in self._chips]))

    def readfrom(self, addr: int, nbytes: int) -> bytes:
        """Read so many bytes. Raises OSError."""
        return self._read(self._begin(addr), nbytes)

    def readfrom_into(self, addr: int, buf: bytearray) -> None:
        """Fill buf. Raises OSError."""
        buf[:] = self.readfrom(addr, len(buf))

    def writeto(self, addr: int, buf: "bytes | bytearray") -> int:
        """Write buf; returns how many bytes were acknowledged. Raises OSError."""
        self._write(self._begin(addr), bytes(buf))
        return len(buf)

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int) -> bytes:
        """Read so many bytes from a register on, in one transfer. Raises OSError."""
        chips = self._begin(addr)
        self._write(chips, bytes([memaddr]))
        return self._read(chips, nbytes)

    def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray) -> None:
        """Fill buf from a register on. Raises OSError."""
        buf[:] = self.readfrom_mem(addr, memaddr, len(buf))

    def writeto_mem(self, addr: int, memaddr: int, buf: "bytes | bytearray") -> None:
        """Write buf to a register and those after it. Raises OSError."""
        self._write(self._begin(addr), bytes([memaddr]) + bytes(buf))

    def _begin(self, addr: int) -> "list[Chip]":
        self.transfers += 1
        if self.stuck:
            raise OSError(_ETIMEDOUT, "SDA is held low")
        chips = [chip for address, chip in self._chips if address == addr]
        if self._failing:
            self._failing -= 1
            chips = []
        if not chips:
            raise self._nack()
        return chips

    def _write(self, chips: "list[Chip]", data: bytes) -> None:
        if not any([chip.write(data) for chip in chips]):  # a list: each must hear it, whoever answers first
            raise self._nack()

    def _read(self, chips: "list[Chip]", nbytes: int) -> bytes:
        answers = [answer for answer in [chip.read(nbytes) for chip in chips] if answer is not None]
        if not answers:
            raise self._nack()
        wired = bytearray(answers[0])
        for answer in answers[1:]:
            for at, byte in enumerate(answer):
                wired[at] &= byte
        return bytes(wired)

    def _nack(self) -> OSError:
        return OSError(self.nack_errno, "no acknowledge")
