"""SHT31, temperature and humidity over I2C: millidegrees Celsius and per mille, each checked by CRC. It never waits.

    sht = SHT31(machine.I2C(0))
    sht.begin()
    time.sleep_ms(sht.start())
    temperature_mc, humidity_pm = sht.result()

Commands: Sensirion SHT3x-DIS, version 5 (May 2018). One measurement at a time, so that a supply which fails in
between leaves nothing wrong behind: there is no result, and the chip does not acknowledge.
"""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.shape import I2C

_MEASURE = b"\x24\x00"  # page 10: single shot, high repeatability, no clock stretching
_STATUS = b"\xf3\x2d"  # page 13
_CLEAR = b"\x30\x41"  # page 13
_RESET_SEEN = 0x0010  # status: a reset or supply failure since it was last cleared

_MEASURE_MS = 16  # page 7: at most 15 at high repeatability (15.5 below 2.4 V)


class SHT31Error(OSError):
    """The chip does not answer, or what it said does not match its CRC; the text says which."""


class SHT31:
    """One chip. address: 0x44, or 0x45 with ADDR high. `resets`: supply failures it has told of since `begin`."""

    def __init__(self, i2c: "I2C", address: int = 0x44) -> None:
        self._i2c = i2c
        self._address = address
        self._word = bytearray(3)
        self._result = bytearray(6)
        self.resets = 0

    def begin(self) -> None:
        """Check that such a chip is there: only a Sensirion answers with its CRC. Raises SHT31Error."""
        self.status()
        self._command(_CLEAR)
        self.resets = 0

    def status(self) -> int:
        """The status register (page 13); a reset it tells of is counted once and cleared. Raises SHT31Error."""
        self._command(_STATUS)
        self._read(self._word)
        status = self._checked(self._word, 0)
        if status & _RESET_SEEN:
            self.resets += 1
            self._command(_CLEAR)
        return status

    def start(self) -> int:
        """Begin to measure; returns the milliseconds until the result is there. Raises SHT31Error."""
        self._command(_MEASURE)
        return _MEASURE_MS

    def result(self) -> "tuple[int, int]":
        """Millidegrees Celsius and relative humidity in per mille, rounded. Raises SHT31Error, before its time too."""
        self._read(self._result)
        temperature, humidity = self._checked(self._result, 0), self._checked(self._result, 3)
        # page 14: -45 + 175 * raw / 65535, and 100 * raw / 65535
        return (175_000 * temperature + 32_767) // 65_535 - 45_000, (1000 * humidity + 32_767) // 65_535

    def read(self, sleep_ms: "Callable[[int], object]") -> "tuple[int, int]":
        """Start, sleep 16 ms, result. Raises SHT31Error."""
        sleep_ms(self.start())
        return self.result()

    def _checked(self, data: bytearray, at: int) -> int:
        wanted = _crc(data[at], data[at + 1])
        if data[at + 2] != wanted:
            raise self._error("CRC 0x%02x" % data[at + 2], "0x%02x: noise on the bus, or no SHT31" % wanted)
        return data[at] << 8 | data[at + 1]

    def _command(self, command: bytes) -> None:
        try:
            self._i2c.writeto(self._address, command)
        except OSError as err:
            raise self._silent(err) from None

    def _read(self, buffer: bytearray) -> None:
        try:
            self._i2c.readfrom_into(self._address, buffer)
        except OSError as err:
            raise self._silent(err) from None

    def _silent(self, err: OSError) -> SHT31Error:
        wanted = "an SHT31 that answers: look at wires, pull-ups and ADDR, and wait %d ms for a result" % _MEASURE_MS
        return self._error("no answer (%s)" % err, wanted)

    def _error(self, found: str, wanted: str) -> SHT31Error:
        return SHT31Error("SHT31 at 0x%02x: found %s; want %s" % (self._address, found, wanted))


def _crc(first: int, second: int) -> int:
    """CRC-8 of two bytes, polynomial 0x31, begun with 0xFF (page 14); of 0xBEEF it is 0x92."""
    crc = 0xFF
    for byte in (first, second):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x31) & 0xFF if crc & 0x80 else crc << 1
    return crc
