"""Readings of the machine, from a tree that looks like a Pi's and from one that has nothing."""

from pathlib import Path

import msgspec
import pytest

from edge.board.host import HostReading, read

PI = {
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
    "proc/self/smaps_rollup": "55d0-7ffc ---p 0 00:00 0 [rollup]\nRss:  52000 kB\nPss:  41000 kB\nPss_Anon: 30000 kB\n",
    "proc/meminfo": "MemTotal: 437000 kB\nMemFree: 90000 kB\nMemAvailable: 250000 kB\n",
    "proc/uptime": "4321.09 15000.00\n",
}


def plant(root: Path, **changed: str) -> Path:
    for name, text in (PI | changed).items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="ascii")
    return root


def test_a_pi_is_read_whole(tmp_path):
    reading = read(tmp_path, plant(tmp_path))
    assert reading.temperature_c == 48.312
    assert reading.under_voltage is False
    assert reading.memory_mb == 42.0  # 41,000 KiB
    assert reading.available_mb == 256.0
    assert reading.uptime_s == 4321.09
    assert reading.disk_free_mb > 0


def test_under_voltage_is_seen(tmp_path):
    root = plant(tmp_path, **{"sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"})
    assert read(tmp_path, root).under_voltage is True


def test_a_machine_that_shows_nothing_gives_none_for_each(tmp_path):
    assert read(tmp_path / "absent", tmp_path) == HostReading()


@pytest.mark.parametrize(("name", "field"), [
    ("sys/class/thermal/thermal_zone0/temp", "temperature_c"),
    ("proc/self/smaps_rollup", "memory_mb"),
    ("proc/meminfo", "available_mb"),
    ("proc/uptime", "uptime_s"),
    ("sys/class/hwmon/hwmon1/name", "under_voltage"),
])  # fmt: skip
@pytest.mark.parametrize("text", ["", "Pss:\n", "gibberish\n"])
def test_one_reading_in_another_form_spoils_only_itself(tmp_path, name, field, text):
    reading = msgspec.structs.asdict(read(tmp_path, plant(tmp_path, **{name: text})))
    assert [key for key, value in reading.items() if value is None] == [field]


def test_a_file_that_is_not_text_is_none(tmp_path):
    root = plant(tmp_path)
    (root / "proc/uptime").write_bytes(b"\xff\xfe")
    assert read(tmp_path, root).uptime_s is None


def test_this_machine_is_read_without_an_exception(tmp_path):
    reading = read(tmp_path)
    assert reading.disk_free_mb is not None
    assert reading.uptime_s is not None
