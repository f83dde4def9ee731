"""One stranger, one door; what is heavy comes late; and one file reads the clock."""

import subprocess
import sys

import pytest

from tests.house import plan, walls
from tests.house.plan import Source

TRESPASS = {
    ("edge/unit.py", "import gpiozero"): "gpiozero",
    ("edge/board/host.py", "def late():\n    from gpiozero.pins.mock import MockFactory"): "gpiozero",
    ("edge/parts.py", "from PIL.Image import Image"): "PIL",
    ("edge/spool/budget.py", "import sqlite3"): "sqlite3",
    ("edge/uplink/courier.py", "import paho.mqtt.client as mqtt"): "paho",
    ("edge/board/sensors.py", "import smbus2"): "smbus2",
    ("edge/board/sensors.py", "import spidev"): "nowhere",
    ("edge/board/sensors.py", "if TYPE_CHECKING:\n    import spidev"): "nowhere",
    ("edge/cli/__init__.py", "m = importlib.import_module('uvicorn')"): "uvicorn",
    ("drivers/reed.py", "import msgspec"): "msgspec",
    ("drivers/reed.py", "from machine import Pin"): "machine",
    ("deploy/ota/swap.py", "import requests"): "requests",
}
AT_HOME = {
    ("edge/board/pins.py", "import gpiozero, lgpio"),
    ("edge/board/machine.py", "from smbus2 import SMBus"),
    ("edge/camera/mask.py", "from PIL import ImageDraw"),
    ("edge/parts.py", "if TYPE_CHECKING:\n    from PIL.Image import Image"),
    ("edge/spool/store.py", "import sqlite3"),
    ("edge/door/machine.py", "import msgspec"),
    ("edge/loop.py", "import queue, threading\nfrom edge.clock import SECOND"),
    ("drivers/examples/reed_pico.py", "from machine import Pin"),
}
CLOCK_READERS = {
    ("edge/loop.py", "import time\nx = time.monotonic()"),
    ("edge/loop.py", "import time as t\nt.sleep(1)"),
    ("edge/loop.py", "from time import time_ns"),
    ("edge/loop.py", "import time\nLoop(now=time.monotonic_ns)"),
    ("edge/loop.py", "import time\ntime.sleep(1)  # clock: "),
    ("edge/wire.py", "from datetime import UTC, datetime\nx = datetime.now(UTC)"),
    ("edge/wire.py", "import datetime as dt\nx = dt.datetime.now(dt.UTC)"),
    ("edge/wire.py", "from datetime import date\nx = date.today()"),
    ("edge/station/api.py", "import asyncio\nasync def f():\n    await asyncio.sleep(1)"),
    ("drivers/reed.py", "import time\nx = time.ticks_us()"),
    ("drivers/reed.py", "import time\nx = time.ticks_us()  # clock: none other is at hand"),
}
CLOCK_GIVEN = {
    ("edge/clock.py", "import time\nx = time.time_ns()"),
    ("edge/loop.py", "x = clock.now()\nself.inbox.get(timeout=3)\nself.clock.read()"),
    ("edge/wire.py", "from datetime import datetime, timedelta\nx = datetime(1970, 1, 1) + timedelta(seconds=3)"),
    ("edge/sim/world.py", "import time\ntime.sleep(1)  # clock: real time, for people who watch the demo"),
    ("drivers/reed.py", "def sample(now_us): return now_us"),
    ("drivers/examples/reed_pico.py", "import time\nx = time.ticks_us()  # clock: the board's own"),
}
ON_DISK = [
    name
    for name in plan.LIGHT
    if any((plan.ROOT / f"{name.replace('.', '/')}{end}").is_file() for end in (".py", "/__init__.py"))
]


def test_every_stranger_comes_in_by_its_own_door():
    found = [line for source in plan.read("edge", "drivers", "deploy", "hardware") for line in walls.strangers(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("planted", "why"), TRESPASS.items())
def test_a_stranger_elsewhere_is_found(planted: tuple[str, str], why: str):
    (found,) = walls.strangers(Source(*planted))
    assert why in found


@pytest.mark.parametrize(("path", "text"), sorted(AT_HOME))
def test_a_stranger_at_its_door_is_welcome(path: str, text: str):
    assert walls.strangers(Source(path, text)) == []


def loaded_by(module: str) -> set[str]:
    """The heavy packages in sys.modules once a fresh interpreter has imported `module`."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=plan.ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return plan.HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("module", ON_DISK)
def test_what_must_start_fast_loads_nothing_heavy(module: str):
    assert loaded_by(module) == set()


def test_a_heavy_package_that_was_loaded_is_seen():
    assert loaded_by("PIL.Image") == {"PIL"}


def test_only_the_clock_file_reads_a_clock():
    found = [line for source in plan.read("edge", "drivers") for line in walls.clocks(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("path", "text"), sorted(CLOCK_READERS))
def test_a_clock_read_elsewhere_is_found(path: str, text: str):
    assert len(walls.clocks(Source(path, text))) == 1


@pytest.mark.parametrize(("path", "text"), sorted(CLOCK_GIVEN))
def test_a_clock_that_is_given_is_left_alone(path: str, text: str):
    assert walls.clocks(Source(path, text)) == []
