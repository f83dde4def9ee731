"""Simulated DS3231, LIS3DH and SHT31: chips whose registers are bytes, and one that has commands instead."""

from drivers.sim.meters import still

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable

_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_2000_S = 946_684_800


class DS3231:
    """A clock that shows UTC. With `battery` it runs on when the supply fails; without, it stops and forgets."""

    def __init__(self, now_ms: "Callable[[], int]" = still, battery: bool = True) -> None:
        self.now_ms = now_ms
        self.battery = battery
        self.temperature_quarters = 92  # quarters of a degree: 23 C
        self._pointer = 0
        self._base_s, self._base_ms = _2000_S, 0
        self._control = self._status = 0
        self._lose()

    def power_on(self) -> None:
        """The supply came back."""
        if not self.battery or self._control & 0x80:
            self._lose()

    def stop_oscillator(self, for_ms: int) -> None:
        """The crystal stands still for a while from now on, and the flag that says so is set."""
        self._base_s += max(0, self.now_ms() - self._base_ms) // 1000
        self._base_ms = self.now_ms() + for_ms
        self._status |= 0x80

    def set(self, utc_s: int) -> None:
        """The time, as somebody set it long ago; the stop flag is clear."""
        self._base_s, self._base_ms = utc_s, self.now_ms()
        self._status &= 0x7F

    def write(self, data: bytes) -> bool:
        """The pointer and what is written from there on."""
        self._pointer = data[0]
        times = self._times()
        for byte in data[1:]:
            self._put(times, byte)
            self._pointer = (self._pointer + 1) % 0x13
        if data[0] < 7 and len(data) > 1:
            self._base_s, self._base_ms = _seconds(times), self.now_ms()
        return True

    def read(self, nbytes: int) -> "bytes | None":
        """From the pointer on; after the last register comes the first."""
        registers = self._times() + bytes(7) + bytes([self._control, self._status, 0])
        quarters = self.temperature_quarters & 0x3FF
        registers += bytes([quarters >> 2, (quarters & 3) << 6])
        answer = bytes([registers[(self._pointer + i) % 0x13] for i in range(nbytes)])
        self._pointer = (self._pointer + nbytes) % 0x13
        return answer

    def _lose(self) -> None:
        self._base_s, self._base_ms = _2000_S, self.now_ms()
        self._control, self._status = 0x1C, 0x88

    def _put(self, times: bytearray, byte: int) -> None:
        if self._pointer < 7:
            times[self._pointer] = byte
        elif self._pointer == 0x0E:
            self._control = byte
        elif self._pointer == 0x0F:
            self._status = byte & 0x0F | self._status & byte & 0x80  # the stop flag can only be cleared

    def _times(self) -> bytearray:
        days, rest = divmod(self._base_s + max(0, self.now_ms() - self._base_ms) // 1000 - _2000_S, 86_400)
        weekday, year, month = days % 7 + 1, 0, 0
        while days >= 365 + (year % 4 == 0):
            days -= 365 + (year % 4 == 0)
            year += 1
        while days >= _length(year, month):
            days -= _length(year, month)
            month += 1
        fields = (rest % 60, rest // 60 % 60, rest // 3600, weekday, days + 1, month + 1, year)
        return bytearray([value // 10 << 4 | value % 10 for value in fields])


def _length(year: int, month: int) -> int:
    return _MONTHS[month] + (month == 1 and year % 4 == 0)


def _seconds(times: bytearray) -> int:
    second, minute, hour, _, day, month, year = [(bcd >> 4) * 10 + (bcd & 0x0F) for bcd in times]
    days = sum([365 + (y % 4 == 0) for y in range(year)]) + sum([_length(year, m) for m in range(month - 1)]) + day - 1
    return _2000_S + days * 86_400 + hour * 3600 + minute * 60 + second


class LIS3DH:
    """An accelerometer that feels `acceleration_mg`; asleep, it shows what it felt last."""

    def __init__(self) -> None:
        self.acceleration_mg = (0, 0, 1000)
        self._pointer = 0
        self.power_on()

    def power_on(self) -> None:
        """All registers as after power-on: asleep."""
        self._registers = bytearray(0x40)
        self._registers[0x0F] = 0x33
        self._registers[0x20] = 0x07

    def knock(self, peak_mg: int) -> None:
        """A blow on the case; latched where the chip was told to look for one this large."""
        threshold = self._registers[0x3A] & 0x7F
        if self._registers[0x20] >> 4 and self._registers[0x38] & 0x15 and peak_mg >= threshold * 16:
            self._registers[0x39] = 0x54

    def write(self, data: bytes) -> bool:
        """The pointer, whose highest bit means to go on, and what is written from there on."""
        self._pointer = data[0]
        for byte in data[1:]:
            at = self._pointer & 0x3F
            if at >= 0x1E and at not in (0x27, 0x31, 0x35, 0x39) and not 0x28 <= at <= 0x2D:
                self._registers[at] = byte
            self._next()
        return True

    def read(self, nbytes: int) -> "bytes | None":
        """From the pointer on; the same register again where the pointer does not go on."""
        self._feel()
        answer = bytearray()
        for _ in range(nbytes):
            at = self._pointer & 0x3F
            answer.append(self._registers[at])
            if at == 0x39:
                self._registers[at] = 0
            self._next()
        return bytes(answer)

    def _next(self) -> None:
        if self._pointer & 0x80:
            self._pointer = 0x80 | (self._pointer + 1) & 0x3F

    def _feel(self) -> None:
        if not self._registers[0x20] >> 4:
            return
        self._registers[0x27] = 0x0F
        for axis, felt_mg in enumerate(self.acceleration_mg):
            raw = max(-2048, min(2047, felt_mg)) << 4
            self._registers[0x28 + 2 * axis] = raw & 0xFF
            self._registers[0x29 + 2 * axis] = raw >> 8 & 0xFF


class SHT31:
    """A sensor of `temperature_mc` and `humidity_pm`. `garbled`: so many answers arrive with a bit turned."""

    def __init__(self, now_ms: "Callable[[], int]" = still) -> None:
        self.now_ms = now_ms
        self.temperature_mc = 23_000
        self.humidity_pm = 450
        self.garbled = 0
        self.power_on()

    def power_on(self) -> None:
        """No measurement, and the status says that there was a reset."""
        self._status = 0x8010
        self._ready_ms: "int | None" = None
        self._answer = b""

    def write(self, data: bytes) -> bool:
        """A command of two bytes; another is not acknowledged."""
        if data == b"\x24\x00":
            temperature = (self.temperature_mc + 45_000) * 65_535 // 175_000
            self._answer = _with_crc(temperature) + _with_crc(self.humidity_pm * 65_535 // 1000)
            self._ready_ms = self.now_ms() + 15
        elif data == b"\xf3\x2d":
            self._answer, self._ready_ms = _with_crc(self._status), self.now_ms()
        elif data == b"\x30\x41":
            self._status = 0
        elif data == b"\x30\xa2":
            self.power_on()
        else:
            return False
        return True

    def read(self, nbytes: int) -> "bytes | None":
        """The answer, once, when it is ready; before that nothing is acknowledged."""
        if self._ready_ms is None or self.now_ms() < self._ready_ms:
            return None
        answer, self._ready_ms = bytearray(self._answer), None
        if self.garbled:
            self.garbled -= 1
            answer[0] ^= 0x04
        return (bytes(answer) + b"\xff" * nbytes)[:nbytes]


def _with_crc(word: int) -> bytes:
    """Two bytes and their CRC, by long division of the whole 24 bits."""
    rest = (word ^ 0xFF00) << 8
    for bit in range(23, 7, -1):
        if rest >> bit & 1:
            rest ^= 0x131 << (bit - 8)
    return bytes([word >> 8, word & 0xFF, rest])
