"""DS3231, battery clock over I2C: UTC in whole seconds since 1970, and whether it ever stopped. It never waits.

    rtc = DS3231(machine.I2C(0))
    rtc.begin()
    utc_s = rtc.utc_s()               # None: it lost its power, and what it shows is not the time
    if utc_s is None:
        rtc.set_utc_s(ntp_seconds)

Registers: Maxim 19-5170, Figure 1 (page 11), and the control and status registers after it. The oscillator stop
flag (OSF) is set whenever the crystal stood still: first power, an empty battery, a shock. Only setting the time
clears it. The chip has no identity register; `begin` and each reading check bits that no DS3231 can show.
"""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from drivers.shape import I2C

_SECONDS = 0x00  # seven registers in BCD: seconds, minutes, hours, weekday, day, month and century, year
_CONTROL = 0x0E
_STATUS = 0x0F
_TEMPERATURE = 0x11

_EOSC = 0x80  # control: the oscillator stops on battery
_INTCN = 0x04  # control: no square wave, alarms on the INT pin (none is enabled)
_OSF = 0x80  # status: the oscillator has stood still
_STATUS_NONE = 0x70  # status: these bits are always 0
_HOUR_12 = 0x40  # hours: counts to 12; 0x20 then means afternoon
_AFTERNOON = 0x20
_CENTURY = 0x80  # month: the year is past 99

_FIRST_S = 946_684_800  # 2000-01-01T00:00:00Z
_LAST_S = 4_102_444_799  # 2099-12-31T23:59:59Z; it takes 2100 for a leap year
_MOST = (0x59, 0x59, 0x23, 0x07, 0x31, 0x12, 0x99)  # of the seven registers


class DS3231Error(OSError):
    """The chip does not answer, or shows what no DS3231 can; the text says which."""


class DS3231:
    """One chip; its address is fixed."""

    def __init__(self, i2c: "I2C", address: int = 0x68) -> None:
        self._i2c = i2c
        self._address = address
        self._byte = bytearray(1)
        self._pair = bytearray(2)
        self._time = bytearray(7)

    def begin(self) -> None:
        """Check that such a chip is there, and let it run on battery. Raises DS3231Error."""
        self._status()
        self.temperature_mc()
        if self._get(_CONTROL) != _INTCN:
            self._put(_CONTROL, _INTCN)

    def power_lost(self) -> bool:
        """Whether the clock has stood still since it was set. Raises DS3231Error."""
        return bool(self._status() & _OSF)

    def utc_s(self) -> "int | None":
        """UTC in seconds since 1970, up to one second old; None where it has stood still. Raises DS3231Error."""
        if self.power_lost():
            return None
        self._read(_SECONDS, self._time)
        second, minute, hour, weekday, day, month, year = self._time
        if hour & _HOUR_12:
            hour = _bcd((_number(hour & 0x1F) % 12) + (12 if hour & _AFTERNOON else 0))
        fields = (second, minute, hour, weekday, day, month & ~_CENTURY, year)
        if not all(value <= most and value & 0x0F <= 9 for value, most in zip(fields, _MOST)):  # noqa: B905  # no strict= on a board
            raise self._error("time registers %s" % _hex(self._time), "a date in BCD")
        if not (day and fields[5]) or month & _CENTURY:
            raise self._error("time registers %s" % _hex(self._time), "a date from 2000 to 2099")
        days = _days(2000 + _number(year), _number(fields[5]), _number(day))
        return ((days * 24 + _number(hour)) * 60 + _number(minute)) * 60 + _number(second)

    def set_utc_s(self, utc_s: int) -> None:
        """Set the clock, then clear the sign that it stood still: in this order, so a cut in between is seen.

        utc_s: whole seconds since 1970, within 2000 to 2099, else ValueError. Raises DS3231Error.
        """
        if not _FIRST_S <= utc_s <= _LAST_S:
            raise ValueError("utc_s is %s; want %d to %d (2000 to 2099)" % (utc_s, _FIRST_S, _LAST_S))
        days, seconds = divmod(utc_s, 86_400)
        year, month, day = _date(days)
        fields = (seconds % 60, seconds // 60 % 60, seconds // 3600, days % 7 + 1, day, month, year - 2000)
        for at, value in enumerate(fields):
            self._time[at] = _bcd(value)
        self._write(_SECONDS, self._time)
        self._put(_STATUS, self._status() & ~_OSF)
        if self.power_lost():
            raise self._error("the stop flag set again at once", "a running oscillator; replace the clock's battery")

    def temperature_mc(self) -> int:
        """Its own temperature in millidegrees Celsius, in steps of 250, renewed each 64 s. Raises DS3231Error."""
        self._read(_TEMPERATURE, self._pair)
        if self._pair[1] & 0x3F:
            raise self._error("temperature registers %s" % _hex(self._pair), "a DS3231: the lowest six bits are 0")
        raw = self._pair[0] << 2 | self._pair[1] >> 6
        return (raw - ((raw & 0x200) << 1)) * 250

    def _status(self) -> int:
        status = self._get(_STATUS)
        if status & _STATUS_NONE:
            raise self._error("status 0x%02x" % status, "a DS3231, whose bits 4 to 6 are 0")
        return status

    def _get(self, register: int) -> int:
        self._read(register, self._byte)
        return self._byte[0]

    def _put(self, register: int, value: int) -> None:
        self._byte[0] = value
        self._write(register, self._byte)

    def _read(self, register: int, buffer: bytearray) -> None:
        try:
            self._i2c.readfrom_mem_into(self._address, register, buffer)
        except OSError as err:
            raise self._silent(err) from None

    def _write(self, register: int, buffer: bytearray) -> None:
        try:
            self._i2c.writeto_mem(self._address, register, buffer)
        except OSError as err:
            raise self._silent(err) from None

    def _silent(self, err: OSError) -> DS3231Error:
        return self._error("no answer (%s)" % err, "a DS3231 that answers: look at wires, pull-ups and battery")

    def _error(self, found: str, wanted: str) -> DS3231Error:
        return DS3231Error("DS3231 at 0x%02x: found %s; want %s" % (self._address, found, wanted))


def _hex(data: bytearray) -> str:
    return " ".join(["%02x" % byte for byte in data])


def _number(bcd: int) -> int:
    return (bcd >> 4) * 10 + (bcd & 0x0F)


def _bcd(number: int) -> int:
    return number // 10 << 4 | number % 10


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01; years are taken to begin in March, so that the leap day is the last."""
    year -= month <= 2
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719_468


def _date(days: int) -> "tuple[int, int, int]":
    """What `_days` came from, from 2000 to 2099, where each fourth year is a leap year."""
    days -= 11_017  # 2000-03-01
    if days < 0:
        return (2000, 1, days + 61) if days < -29 else (2000, 2, days + 30)
    year = (4 * days + 3) // 1461
    of_year = days - (year * 365 + year // 4)
    month = (5 * of_year + 2) // 153
    return 2000 + year + month // 10, (month + 2) % 12 + 1, of_year - (153 * month + 2) // 5 + 1
