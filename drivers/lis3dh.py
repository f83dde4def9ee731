"""LIS3DH, accelerometer over I2C: knocks caught by the chip, and milli-g that tell whether the unit left the wall.

    lis = LIS3DH(machine.I2C(0))
    lis.begin()
    mount = Mount(lis.acceleration_mg())                    # as the installer left it
    while True:
        change = mount.sample(time.ticks_ms(), lis.acceleration_mg())
        if change or lis.knocked():
            print(change or "knock")
        time.sleep_ms(100)

Registers: STMicroelectronics DocID17530 Rev 2, section 8. LIS3DH talks to the chip; Mount is pure and is fed times
and readings. A knock is latched by the chip until it is read, so slow polling misses none.
"""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.shape import I2C

    Vector = tuple[int, int, int]

_WHO_AM_I = 0x0F
_CTRL_REG1 = 0x20  # 1 to 6, REFERENCE, STATUS_REG and the six output bytes follow one another
_CTRL_REG2 = 0x21
_CTRL_REG4 = 0x23
_CLICK_CFG = 0x38
_CLICK_SRC = 0x39
_CLICK_THS = 0x3A
_TIME_LIMIT = 0x3B
_NEXT = 0x80  # with the register's number: go on to the next one after each byte (section 6.1.1)

_IDENTITY = 0x33
_ON_100_HZ = 0x57  # CTRL_REG1: 100 Hz, all three axes
_HP_CLICK = 0x04  # CTRL_REG2: the high-pass filter for the click alone, so gravity is no knock
_HOLD_FINE = 0x88  # CTRL_REG4: bytes of one sample belong together (BDU), 2 g, high resolution: 1 mg a digit
_SINGLE_XYZ = 0x15  # CLICK_CFG
_LATCH = 0x80  # CLICK_THS: CLICK_SRC stays until it is read
_CLICK_SEEN = 0x40  # CLICK_SRC: IA
_LIMIT_50_MS = 5  # TIME_LIMIT at 100 Hz: a knock is over within
_FRESH = 0x08  # STATUS_REG: ZYXDA

_STEP_MG = 16  # a step of CLICK_THS: 2 g / 128

_WEIGHTLESS_MG = 300  # less than this is a fall

IN_PLACE, TILTED, REMOVED = "in_place", "tilted", "removed"


class LIS3DHError(OSError):
    """The chip does not answer, is another one, or has lost its settings; the text says which."""


class LIS3DH:
    """One chip. address: 0x18, or 0x19 with SA0 high. knock_mg: the blow that is a knock, 16 to 2032 mg."""

    def __init__(self, i2c: "I2C", address: int = 0x18, knock_mg: int = 400) -> None:
        if not _STEP_MG <= knock_mg <= 127 * _STEP_MG:
            raise ValueError("knock_mg is %s; want %d to %d" % (knock_mg, _STEP_MG, 127 * _STEP_MG))
        self._i2c = i2c
        self._address = address
        self._threshold = knock_mg // _STEP_MG
        self._byte = bytearray(1)
        self._all = bytearray(14)

    def begin(self) -> None:
        """Check the identity and set the chip; its first reading is there 10 ms later. Raises LIS3DHError."""
        found = self._get(_WHO_AM_I)
        if found != _IDENTITY:
            raise self._error("WHO_AM_I 0x%02x" % found, "0x%02x; another chip has this address" % _IDENTITY)
        self._put(_CTRL_REG2, _HP_CLICK)
        self._put(_CTRL_REG4, _HOLD_FINE)
        self._put(_CLICK_CFG, _SINGLE_XYZ)
        self._put(_CLICK_THS, _LATCH | self._threshold)
        self._put(_TIME_LIMIT, _LIMIT_50_MS)
        self._put(_CTRL_REG1, _ON_100_HZ)  # last: what wakes a chip must find it set
        self._get(_CLICK_SRC)  # a click from before is nobody's

    def acceleration_mg(self) -> "Vector":
        """X, Y and Z in milli-g, of one instant within the last 10 ms. Raises LIS3DHError."""
        self._read(_CTRL_REG1 | _NEXT, self._all)
        if (self._all[0], self._all[3]) != (_ON_100_HZ, _HOLD_FINE):
            found = "CTRL_REG1 0x%02x and CTRL_REG4 0x%02x" % (self._all[0], self._all[3])
            wanted = "0x%02x and 0x%02x; it lost its settings, begin again" % (_ON_100_HZ, _HOLD_FINE)
            raise self._error(found, wanted)
        return self._axis(8), self._axis(10), self._axis(12)

    def knocked(self) -> bool:
        """Whether there was a knock since this was last asked. Raises LIS3DHError."""
        return bool(self._get(_CLICK_SRC) & _CLICK_SEEN)

    def _axis(self, at: int) -> int:
        raw = self._all[at + 1] << 8 | self._all[at]
        return (raw - ((raw & 0x8000) << 1)) >> 4  # 12 bits, left-justified

    def _get(self, register: int) -> int:
        self._read(register, self._byte)
        return self._byte[0]

    def _put(self, register: int, value: int) -> None:
        self._byte[0] = value
        try:
            self._i2c.writeto_mem(self._address, register, self._byte)
        except OSError as err:
            raise self._silent(err) from None

    def _read(self, register: int, buffer: bytearray) -> None:
        try:
            self._i2c.readfrom_mem_into(self._address, register, buffer)
        except OSError as err:
            raise self._silent(err) from None

    def _silent(self, err: OSError) -> LIS3DHError:
        return self._error("no answer (%s)" % err, "a LIS3DH that answers: look at wires, pull-ups, CS and SA0")

    def _error(self, found: str, wanted: str) -> LIS3DHError:
        return LIS3DHError("LIS3DH at 0x%02x: found %s; want %s" % (self._address, found, wanted))


def _minus(later_ms: int, earlier_ms: int) -> int:
    return later_ms - earlier_ms


# (its state, is it off the upright it had, is it being moved about) -> the state after that has lasted hold_ms.
# A unit that is off its wall is in somebody's hand; one that hangs askew lies still. What is not listed stays.
_MOVES = {
    (IN_PLACE, True, False): TILTED,
    (IN_PLACE, True, True): REMOVED,
    (TILTED, True, True): REMOVED,
    (TILTED, False, False): IN_PLACE,
    (REMOVED, False, False): IN_PLACE,
}


class Mount:
    """Whether a unit still is where it was fixed. `state`: IN_PLACE, TILTED or REMOVED.

    upright: x, y, z in mg as fixed. tilt_deg: 1 to 60, the angle that is a tilt. stir_mg: the change from one sample
    to the next that only a hand makes. hold_ms: how long either must last; a slammed door shakes the wall for less.
    diff(later, earlier): for clocks that wrap, time.ticks_diff.
    """

    def __init__(
        self,
        upright: "Vector",
        tilt_deg: int = 15,
        stir_mg: int = 80,
        hold_ms: int = 1500,
        diff: "Callable[[int, int], int]" = _minus,
    ) -> None:
        if not 600 * 600 < _dot(upright, upright) < 1400 * 1400:
            raise ValueError("upright is %s mg; want a unit at rest, near 1000 mg in all" % (upright,))
        if not 1 <= tilt_deg <= 60:
            raise ValueError("tilt_deg is %s; want 1 to 60" % tilt_deg)
        self.state = IN_PLACE
        self._upright = upright
        self._cos2_ppm = _cos2_ppm(tilt_deg)
        self._stir_mg = stir_mg
        self._hold_ms = hold_ms
        self._diff = diff
        self._last = upright
        self._stirred_ms: "int | None" = None  # when a hand was last seen on it
        self._next: "str | None" = None  # what it seems to be, and since when
        self._since_ms = 0

    def sample(self, now_ms: int, reading: "Vector") -> "str | None":
        """Tell x, y, z in mg as read at now_ms, some ten times a second; returns the new state where it changed."""
        off = self._is_off(reading)
        stirred = self._is_stirred(now_ms, reading)
        seems = _MOVES.get((self.state, off, stirred))
        if seems is None:
            self._next = None
            return None
        if self._next is None or (seems == IN_PLACE) != (self._next == IN_PLACE):
            self._since_ms = now_ms
        self._next = seems
        if self._diff(now_ms, self._since_ms) < self._hold_ms:
            return None
        self.state = seems
        self._next = None
        return seems

    def _is_off(self, reading: "Vector") -> bool:
        """Whether the angle to upright is above tilt_deg, by cos^2 in whole numbers; free fall has no angle: off."""
        along, length2 = _dot(reading, self._upright), _dot(reading, reading)
        if along <= 0 or length2 < _WEIGHTLESS_MG * _WEIGHTLESS_MG:
            return True
        return along * along * 1_000_000 < length2 * _dot(self._upright, self._upright) * self._cos2_ppm

    def _is_stirred(self, now_ms: int, reading: "Vector") -> bool:
        change = max([abs(a - b) for a, b in zip(reading, self._last)])  # noqa: B905  # no strict= on a board
        self._last = reading
        if change >= self._stir_mg:
            self._stirred_ms = now_ms
        if self._stirred_ms is not None and self._diff(now_ms, self._stirred_ms) >= self._hold_ms:
            self._stirred_ms = None
        return self._stirred_ms is not None


def _dot(a: "Vector", b: "Vector") -> int:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cos2_ppm(degrees: int) -> int:
    """cos^2 in millionths; (1 + cos 2x) / 2 by its series, in whole numbers: floats are short on a board."""
    square = (2 * degrees * 17_453_293) ** 2 // 1_000_000_000  # radians^2 * 10^9
    term = total = 1_000_000_000
    for step in (2, 12, 30, 56, 90, 132):  # 1*2, 3*4, ...
        term = -term * square // (step * 1_000_000_000)
        total += term
    return (1_000_000_000 + total) // 2000
