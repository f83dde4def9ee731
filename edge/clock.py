"""Boot clock, wall clock, and how good it is. The only file that reads a clock.

Inside, time is integer nanoseconds of CLOCK_BOOTTIME (it runs on through suspend, never steps, starts anew at
each boot). The wall clock is only ever read together with what is known of its quality.
"""

import ctypes
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

MS = 1_000_000
SECOND = 1_000_000_000
# No unit was built before this instant, so a wall clock that shows less has never been set.
FLOOR_NS = 1_780_000_000 * SECOND  # 2026-05-28
# What SQLite and a date can hold; a larger number from a stranger is refused where it is read.
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# A Pi's crystal is within 50 ppm; 100 ppm leaves room for heat. Ages a known offset by this much.
DRIFT_PPM = 100

_STA_UNSYNC = 0x0040  # <linux/timex.h>


class Quality(StrEnum):
    """What stands behind a wall clock, worst first."""

    UNSYNCED = "unsynced"  # never set: shows a time before FLOOR_NS
    RESTORED = "restored"  # a saved time was put back at boot; behind by however long the power was off
    RTC = "rtc"  # a battery clock set it; not yet confirmed by the network
    SYNCED = "synced"  # the kernel is disciplined by NTP and states its error


class Stamp(msgspec.Struct, frozen=True):
    """One instant as the unit knew it then; raw, never rewritten.

    boot: the kernel's boot id. boot_ns: CLOCK_BOOTTIME in ns. wall_ns: UTC in ns since 1970, as the wall clock
    showed it. error_ms: bound of the wall clock's error, or None where nothing is known.
    """

    boot: str
    boot_ns: Int64
    wall_ns: Int64
    clock: Quality
    error_ms: Int64 | None = None

    def at(self, boot_ns: int) -> "Stamp":
        """The same boot's instant `boot_ns`, by this stamp's wall clock."""
        return msgspec.structs.replace(self, boot_ns=boot_ns, wall_ns=self.wall_ns + boot_ns - self.boot_ns)


class Clock(Protocol):
    """What the unit asks of a clock."""

    def now(self) -> int:
        """CLOCK_BOOTTIME in ns."""
        ...

    def read(self) -> Stamp:
        """Boot clock, wall clock and its quality at one instant."""
        ...


class Timex(ctypes.Structure):
    """struct timex, adjtimex(2), as far as it is read; laid out by ctypes, so it fits 32-bit systems too."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # us
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 208),  # more than the kernel writes: the whole struct is 208 bytes on 64-bit Linux
    )


def bound_us(answer: int, timex: Timex) -> int | None:
    """The kernel's bound of the wall clock's error, from what adjtimex(2) returned; None while nothing sets it."""
    return None if answer < 0 or timex.status & _STA_UNSYNC else int(timex.maxerror)


def judge(wall_ns: int, error_us: int | None, *, has_rtc: bool) -> tuple[Quality, int | None]:
    """A wall clock's quality and error bound in ms; error_us is the kernel's own bound, None while undisciplined."""
    if wall_ns < FLOOR_NS:
        return Quality.UNSYNCED, None
    if error_us is not None:
        return Quality.SYNCED, error_us // 1000 + 1
    return (Quality.RTC if has_rtc else Quality.RESTORED), None


class SystemClock:
    """The machine's own clocks; `assume_synced` is the simulated unit's stand-in for an NTP daemon."""

    def __init__(self, *, assume_synced: bool = False) -> None:
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        self._adjtimex = ctypes.CDLL(None).adjtimex
        self._assume_synced = assume_synced
        self._has_rtc = Path("/dev/rtc0").exists()

    def now(self) -> int:
        """CLOCK_BOOTTIME in ns."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def read(self) -> Stamp:
        """Boot clock, wall clock and its quality at one instant."""
        boot_ns = self.now()
        wall_ns = time.time_ns()
        timex = Timex(modes=0)  # read only
        error_us = 0 if self._assume_synced else bound_us(self._adjtimex(ctypes.byref(timex)), timex)
        quality, error_ms = judge(wall_ns, error_us, has_rtc=self._has_rtc)
        return Stamp(self._boot, boot_ns, wall_ns, quality, error_ms)


class Known(msgspec.Struct, frozen=True):
    """The best that can be said of a stamp's UTC now: wall_ns or None, with quality and error bound."""

    wall_ns: int | None
    clock: Quality
    error_ms: int | None


def know(stamp: Stamp, anchor: Stamp | None) -> Known:
    """What is known of `stamp`'s UTC, given a synced `anchor` of the same boot where there is one."""
    if stamp.clock is Quality.SYNCED:
        return Known(stamp.wall_ns, stamp.clock, stamp.error_ms)
    if anchor is not None and anchor.boot == stamp.boot and anchor.clock is Quality.SYNCED:
        drift_ms = abs(anchor.boot_ns - stamp.boot_ns) * DRIFT_PPM // (1_000_000 * MS) + 1
        error_ms = None if anchor.error_ms is None else anchor.error_ms + drift_ms
        return Known(anchor.at(stamp.boot_ns).wall_ns, Quality.SYNCED, error_ms)
    if stamp.clock is Quality.UNSYNCED:
        return Known(None, stamp.clock, None)
    return Known(stamp.wall_ns, stamp.clock, None)


def between_ns(earlier: Stamp, later: Stamp) -> int | None:
    """Time from `earlier` to `later` in ns, or None where no clock spans the two."""
    if earlier.boot == later.boot:
        return later.boot_ns - earlier.boot_ns
    if Quality.UNSYNCED in (earlier.clock, later.clock):
        return None
    return max(0, later.wall_ns - earlier.wall_ns)
