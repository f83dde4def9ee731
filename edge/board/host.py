"""Readings of the machine for pulse and doctor, each None where it is not to be had. It never raises."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")
MB = 1_000_000


class HostReading(msgspec.Struct, frozen=True):
    """The machine at one instant. MB are 10^6 bytes.

    temperature_c: the processor's. under_voltage: the firmware sees less than 4.63 V now. memory_mb: this process
    (PSS). available_mb: what programs could still get. disk_free_mb: what this user may still write in the folder.
    """

    temperature_c: float | None = None
    under_voltage: bool | None = None
    memory_mb: float | None = None
    available_mb: float | None = None
    disk_free_mb: float | None = None
    uptime_s: float | None = None


def read(folder: Path, root: Path = Path("/")) -> HostReading:
    """Read /proc and /sys below `root`, and the room in `folder`; about 1 ms, any thread."""
    return HostReading(
        temperature_c=_had(lambda: int(_text(root / "sys/class/thermal/thermal_zone0/temp")) / 1000),
        under_voltage=_had(lambda: _under_voltage(root)),
        memory_mb=_had(lambda: _meminfo_mb(root / "proc/self/smaps_rollup", "Pss:")),
        available_mb=_had(lambda: _meminfo_mb(root / "proc/meminfo", "MemAvailable:")),
        disk_free_mb=_had(lambda: _free_mb(folder)),
        uptime_s=_had(lambda: float(_text(root / "proc/uptime").split()[0])),
    )


def _had(reading: Callable[[], T]) -> T | None:
    try:
        return reading()
    except (OSError, ValueError, LookupError):  # not there, not readable, or not in the form this kernel was read for
        return None


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii")


def _under_voltage(root: Path) -> bool:
    for name in sorted((root / "sys/class/hwmon").glob("*/name")):
        if _text(name).strip() == "rpi_volt":
            return _text(name.with_name("in0_lcrit_alarm")).strip() == "1"
    raise LookupError("rpi_volt")


def _meminfo_mb(path: Path, key: str) -> float:
    for line in _text(path).splitlines():
        if line.startswith(key):
            return round(int(line.split()[1]) * 1024 / MB, 1)  # the kernel's "kB" are 1024 bytes
    raise LookupError(key)


def _free_mb(folder: Path) -> float:
    room = os.statvfs(folder)
    return round(room.f_bavail * room.f_frsize / MB, 1)
