"""INA219, supply monitor over I2C: bus volts in mV and amps in mA, signed. It never waits.

    ina = INA219(machine.I2C(0), shunt_mohm=100)
    ina.begin()
    time.sleep_ms(CONVERSION_MS)
    print(ina.supply_mv(), ina.current_ma())

Registers: Texas Instruments SBOS448G, section 8.6 (pages 18 to 24). A sharp load can brown the chip out; then its
calibration is 0 and it reports 0 mA for any current. So the calibration is looked at and written again before each
reading of the current; a loss is an error once, and counted in `resets`. The chip has no identity register.
"""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from drivers.shape import I2C

_CONFIG = 0x00
_BUS = 0x02
_CURRENT = 0x04
_CALIBRATION = 0x05

# 32 V, shunt 320 mV, each averaged over 2 samples of 12 bits, continuous (page 19); the defaults are 0x399F.
_SETTINGS = 0x3CCF
_CNVR = 0x0002  # bus register, page 23: a conversion is complete since the settings were written
_OVF = 0x0001  # the current did not fit its register; it is meaningless
_BUS_LSB_MV = 4
_SCALE = 40_960  # calibration = 0.04096 / (amps a bit * ohms), here in mA and milliohms, times 1000 (page 12)

CONVERSION_MS = 5  # bus and shunt, 1.06 ms each (page 20), and a slow chip


class INA219Error(OSError):
    """The chip does not answer, has lost its registers, or measures out of range; the text says which."""


class INA219:
    """One chip across a shunt of shunt_mohm milliohms; most_ma: the largest current that must still be measured.

    `resets`: how often it was found with its calibration lost, which a browned-out supply does.
    """

    def __init__(self, i2c: "I2C", address: int = 0x40, shunt_mohm: int = 100, most_ma: int = 3200) -> None:
        if shunt_mohm <= 0 or not 0 < most_ma * shunt_mohm <= 320_000:
            text = "shunt_mohm is %s and most_ma %s; want both above 0 and at most 320 mV across the shunt"
            raise ValueError(text % (shunt_mohm, most_ma))
        self._i2c = i2c
        self._address = address
        self._lsb_ua = (most_ma * 1000 + 32_766) // 32_767  # microamps a bit
        self._calibration = _SCALE * 1000 // (self._lsb_ua * shunt_mohm) & 0xFFFE  # bit 0 is always 0
        if not 0 < _SCALE * 1000 // (self._lsb_ua * shunt_mohm) <= 0xFFFE:
            raise ValueError("most_ma is %s; want more for a shunt of %s mohm" % (most_ma, shunt_mohm))
        self._buffer = bytearray(2)
        self.resets = 0

    def begin(self) -> None:
        """Set it, and check that it took the settings. Read CONVERSION_MS later at the earliest. Raises INA219Error."""
        self._set()
        found = self._read(_CONFIG)
        if found != _SETTINGS:
            raise self._error("config register 0x%04x after 0x%04x was written" % (found, _SETTINGS), "an INA219 here")

    def supply_mv(self) -> int:
        """Bus voltage in millivolts, in steps of 4. Raises INA219Error."""
        bus = self._read(_BUS)
        if not bus & _CNVR:
            raise self._error("no conversion yet", "%d ms between begin and reading" % CONVERSION_MS)
        return (bus >> 3) * _BUS_LSB_MV

    def current_ma(self) -> int:
        """Current in milliamps, positive from IN+ to IN-. Raises INA219Error, once too where calibration was lost."""
        found = self._read(_CALIBRATION)
        if found != self._calibration:
            self.resets += 1
            self._set()
            raise self._error(
                "calibration 0x%04x" % found, "0x%04x; set again, the chip browned out" % self._calibration
            )
        self._write(_CALIBRATION, self._calibration)
        self.supply_mv()  # raises where nothing was converted yet
        if self._read(_BUS) & _OVF:
            raise self._error("a current beyond its range", "at most %d mA" % (self._lsb_ua * 32_767 // 1000))
        raw = self._read(_CURRENT)
        raw -= (raw & 0x8000) << 1
        return (raw * self._lsb_ua + 500) // 1000

    def _set(self) -> None:
        self._write(_CONFIG, _SETTINGS)
        self._write(_CALIBRATION, self._calibration)

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

    def _silent(self, err: OSError) -> INA219Error:
        return self._error("no answer (%s)" % err, "an INA219 that answers: look at wires, pull-ups, A0 and A1")

    def _error(self, found: str, wanted: str) -> INA219Error:
        return INA219Error("INA219 at 0x%02x: found %s; want %s" % (self._address, found, wanted))
