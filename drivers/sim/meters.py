"""Simulated ADS1115 and INA219: chips whose registers are words of 16 bits, and that need time to convert."""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable


def still() -> int:
    """A clock that stands still."""
    return 0


class Words:
    """A chip with a pointer and 16-bit registers, high byte first. now_ms: its clock."""

    def __init__(self, now_ms: "Callable[[], int]" = still) -> None:
        self.now_ms = now_ms
        self.pointer = 0
        self.power_on()

    def power_on(self) -> None:
        """All registers as after power-on."""
        raise NotImplementedError

    def get(self, register: int) -> int:
        """What a register shows, 0 to 65535."""
        raise NotImplementedError

    def put(self, register: int, value: int) -> None:
        """A register is written."""
        raise NotImplementedError

    def write(self, data: bytes) -> bool:
        """The pointer, and a word where there is one."""
        if data:
            self.pointer = data[0]
        if len(data) == 3:
            self.put(data[0], data[1] << 8 | data[2])
        return True

    def read(self, nbytes: int) -> "bytes | None":
        """The word under the pointer; after it the bus is left alone, and reads high."""
        value = self.get(self.pointer)
        return (bytes([value >> 8, value & 0xFF]) + b"\xff" * nbytes)[:nbytes]


_FULL_SCALE_UV = (6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, 256_000, 256_000, 256_000)
_PAIRS = ((0, 1), (0, 3), (1, 3), (2, 3), (0, None), (1, None), (2, None), (3, None))
_RATES = (8, 16, 32, 64, 128, 250, 475, 860)


class ADS1115(Words):
    """Four inputs in microvolts (`inputs_uv`), held within ground and `supply_uv` by the chip's own diodes.

    slow: how many times longer than its data sheet says it takes; a broken oscillator has a large one.
    """

    def __init__(self, now_ms: "Callable[[], int]" = still) -> None:
        self.inputs_uv = [0, 0, 0, 0]
        self.supply_uv = 3_300_000
        self.slow = 1
        super().__init__(now_ms)

    def power_on(self) -> None:
        """All registers as after power-on."""
        self._config = 0x8583
        self._result = 0
        self._ready_ms: "int | None" = None
        self._coming = 0

    def get(self, register: int) -> int:
        """Conversion, config, and the two thresholds, which are not used."""
        self._finish()
        if register == 0:
            return self._result & 0xFFFF
        if register == 1:
            return self._config & 0x7FFF | (0 if self._ready_ms is not None else 0x8000)
        return (0x8000, 0x7FFF)[register & 1]

    def put(self, register: int, value: int) -> None:
        """Config alone; its highest bit starts a conversion where none is running."""
        self._finish()
        if register != 1:
            return
        self._config = value
        if value & 0x8000 and self._ready_ms is None:
            rate = _RATES[value >> 5 & 7]
            self._ready_ms = self.now_ms() + self.slow * (1000 // rate + 1)
            self._coming = self._convert(value)

    def _convert(self, config: int) -> int:
        plus, minus = _PAIRS[config >> 12 & 7]
        volts = self._input(plus) - (0 if minus is None else self._input(minus))
        return max(-0x8000, min(0x7FFF, volts * 0x8000 // _FULL_SCALE_UV[config >> 9 & 7]))

    def _input(self, channel: int) -> int:
        return max(-300_000, min(self.supply_uv + 300_000, self.inputs_uv[channel]))

    def _finish(self) -> None:
        if self._ready_ms is not None and self.now_ms() >= self._ready_ms:
            self._ready_ms = None
            self._result = self._coming


class INA219(Words):
    """A supply of `bus_mv` millivolts and `shunt_uv` microvolts across the shunt (100 mohm: 100 uV a milliamp)."""

    def __init__(self, now_ms: "Callable[[], int]" = still) -> None:
        self.bus_mv = 5100
        self.shunt_uv = 0
        super().__init__(now_ms)

    def power_on(self) -> None:
        """All registers as after power-on: no calibration, and no conversion yet."""
        self._config = 0x399F
        self._calibration = 0
        self._ready_ms = self.now_ms() + 2

    def get(self, register: int) -> int:
        """Config, shunt, bus, power, current, calibration."""
        ready = self.now_ms() >= self._ready_ms
        range_lsb = 4000 << (self._config >> 11 & 3)  # of the shunt: 40 to 320 mV, in steps of 10 uV
        shunt = max(-range_lsb, min(range_lsb, self.shunt_uv // 10)) if ready else 0
        current = shunt * self._calibration // 4096
        overflow = not -0x8000 <= current <= 0x7FFF
        bus = (max(0, min(32_000, self.bus_mv)) // 4 << 3 if ready else 0) | (2 if ready else 0) | overflow
        power = current * (bus >> 3) // 5000
        return (self._config, shunt, bus, power, current, self._calibration)[register] & 0xFFFF

    def put(self, register: int, value: int) -> None:
        """Config, whose highest bit resets the chip, and calibration, whose lowest bit stays 0."""
        if register == 5:
            self._calibration = value & 0xFFFE
        elif register == 0 and value & 0x8000:
            self.power_on()
        elif register == 0:
            self._config = value
            self._ready_ms = self.now_ms() + 2
