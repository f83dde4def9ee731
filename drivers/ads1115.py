"""ADS1115, four analogue inputs at 16 bits over I2C: one input, once, in millivolts. It never waits by itself.

    ads = ADS1115(machine.I2C(0))
    ads.begin()
    time.sleep_ms(ads.start(0))
    print(ads.result_mv())            # or at once: ads.read_mv(0, time.sleep_ms)

Registers: Texas Instruments SBAS444D, section 9.6. The chip has no identity register; `begin` writes settings that
are not its defaults and reads them back, and every result is checked against the settings it was asked with.
"""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.shape import I2C

_CONVERSION = 0x00
_CONFIG = 0x01

_OS = 0x8000  # written: start one conversion; read: no conversion is running
_MUX_SINGLE = 0x4000  # AIN0 to ground; the next three inputs follow
_MUX_STEP = 0x1000
_MODE_SINGLE = 0x0100  # power down after each conversion
_DR_128 = 0x0080  # 128 samples a second
_COMP_OFF = 0x0003
_PGA = {6144: 0x0000, 4096: 0x0200, 2048: 0x0400, 1024: 0x0600, 512: 0x0800, 256: 0x0A00}  # full scale in mV

_CONVERSION_MS = 9  # 1/128 s, the internal oscillator 10 % slow, and waking up
_POLLS = 5
_LOWEST, _HIGHEST = -0x8000, 0x7FFF


class ADS1115Error(OSError):
    """The chip does not answer, does not do as it was told, or its input is out of range; the text says which."""


class ADS1115:
    """One chip. full_scale_mv: 6144, 4096, 2048, 1024, 512 or 256; an input above the chip's supply harms it."""

    def __init__(self, i2c: "I2C", address: int = 0x48, full_scale_mv: int = 4096) -> None:
        if full_scale_mv not in _PGA:
            raise ValueError("full_scale_mv is %s; want one of %s" % (full_scale_mv, sorted(_PGA)))
        self._i2c = i2c
        self._address = address
        self._full_scale_mv = full_scale_mv
        self._base = _MODE_SINGLE | _DR_128 | _COMP_OFF | _PGA[full_scale_mv]
        self._asked = 0
        self._buffer = bytearray(2)

    def begin(self) -> None:
        """Check that such a chip is there. Raises ADS1115Error. Also after every error, before the next start."""
        self._asked = 0
        wanted = self._base | _MUX_SINGLE | 3 * _MUX_STEP
        self._write(_CONFIG, wanted)
        found = self._read(_CONFIG) & ~_OS
        if found != wanted:
            raise self._error("config register 0x%04x after 0x%04x was written" % (found, wanted), "an ADS1115 here")

    def start(self, channel: int) -> int:
        """Begin to convert input 0 to 3 against ground; returns the milliseconds until its result is there."""
        if not 0 <= channel <= 3:
            raise ValueError("channel is %s; want 0 to 3" % channel)
        self._asked = self._base | _MUX_SINGLE | channel * _MUX_STEP
        self._write(_CONFIG, _OS | self._asked)
        return _CONVERSION_MS

    def result_mv(self) -> "int | None":
        """What was started, in millivolts, rounded; None while the chip still converts. Raises ADS1115Error."""
        if not self._asked:
            raise self._error("no conversion that was started", "start(channel) first")
        config = self._read(_CONFIG)
        if config & ~_OS != self._asked:
            self._asked = 0
            raise self._error("settings lost", "a steady supply; the chip browned out or another took its address")
        if not config & _OS:
            return None
        self._asked = 0
        raw = self._read(_CONVERSION)
        raw -= (raw & 0x8000) << 1
        if raw in (_LOWEST, _HIGHEST):
            raise self._error("input beyond %d mV" % self._full_scale_mv, "an input within its range")
        return (raw * self._full_scale_mv + 0x4000) >> 15

    def read_mv(self, channel: int, sleep_ms: "Callable[[int], object]") -> int:
        """One input in millivolts; sleeps about 9 ms and never more than 15. Raises ADS1115Error."""
        sleep_ms(self.start(channel))
        for _ in range(_POLLS):
            found_mv = self.result_mv()
            if found_mv is not None:
                return found_mv
            sleep_ms(1)
        self._asked = 0
        raise self._error("still converting after %d ms" % (_CONVERSION_MS + _POLLS), "a result within 9 ms")

    def _read(self, register: int) -> int:
        try:
            self._i2c.readfrom_mem_into(self._address, register, self._buffer)
        except OSError as err:
            raise self._silent(err) from None
        return self._buffer[0] << 8 | self._buffer[1]

    def _write(self, register: int, value: int) -> None:
        self._buffer[0], self._buffer[1] = value >> 8, value & 0xFF
        try:
            self._i2c.writeto_mem(self._address, register, self._buffer)
        except OSError as err:
            raise self._silent(err) from None

    def _silent(self, err: OSError) -> ADS1115Error:
        return self._error("no answer (%s)" % err, "an ADS1115 that answers: look at wires, pull-ups and ADDR pin")

    def _error(self, found: str, wanted: str) -> ADS1115Error:
        return ADS1115Error("ADS1115 at 0x%02x: found %s; want %s" % (self._address, found, wanted))
