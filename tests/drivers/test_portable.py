"""Every driver is MicroPython as well as Python, and the gates that say so have teeth."""

from pathlib import Path

import pytest

from tests.drivers import lint

DRIVERS = [pytest.param(path, id=str(path.relative_to(lint.ROOT))) for path in lint.drivers()]

PLANTED = {
    "match x:\n    case 1: pass": "statement Match",
    "try: f()\nexcept* OSError: pass": "statement TryStar",
    "def f(a, /): pass": "positional-only /",
    "f = lambda a, /: a": "positional-only /",
    "x = [*a, 1]": "* inside a literal",
    "x = {**a}": "** inside a dict literal",
    "x = data[::2]": "slice step",
    "try: f()\nexcept OSError as err: raise A(err) from err": "raise from prints a warning",
    "class A(B, C): pass": "multiple bases",
    "class A:\n    _X = const(1)": "_X = const() vanishes",
    "class A:\n    def __del__(self): pass": "__del__ is not called",
    "x = name.zfill(4)": ".zfill",
    "x = time.monotonic()": ".monotonic",
    "try: f()\nexcept TimeoutError: pass": "TimeoutError",
    "x = int.from_bytes(data, signed=True)": "from_bytes() keyword",
    "print(x, flush=True)": "print() keyword",
    "raise OSError(5)": ".errno is None",
    "q = deque()": "deque() needs",
    "async def f(): return [x async for x in y]": "async comprehension",
    "async def f(): return {x async for x in y}": "async comprehension",
    "import threading": "import threading",
    "from collections.abc import Callable": "import collections.abc",
    "from dataclasses import dataclass": "import dataclasses",
    "from micropython import const": "unguarded import micropython",
    "import edge.clock": "import edge.clock",
    "from machine import Pin": "import machine",
}

FINE = """
import struct
from collections import namedtuple
from drivers.reed import Reed
try:
    from micropython import const
except ImportError:
    def const(x): return x
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
_REG = const(0x0E)
first, *rest = struct.unpack(">hh", b"1234")
text = f"{first=} {rest[1:]}"
try:
    f()
except OSError as err:
    raise ValueError(err) from None
"""


@pytest.mark.parametrize("path", DRIVERS)
def test_every_driver_keeps_to_what_micropython_takes(path: Path):
    found = lint.check(str(path.relative_to(lint.ROOT)), path.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", DRIVERS)
def test_every_driver_compiles_for_every_board(path: Path):
    said = lint.cross(path)
    assert not said, "\n".join(said)


@pytest.mark.parametrize(("source", "what"), PLANTED.items())
def test_the_lint_catches_a_planted_construct(source: str, what: str):
    (found, *_) = lint.check("planted.py", source) or [""]
    assert what in found
    assert found.startswith("planted.py:")


def test_the_lint_leaves_portable_code_alone():
    assert lint.check("planted.py", FINE) == []


def test_only_an_example_may_own_a_board():
    assert lint.check("drivers/examples/planted.py", "from machine import Pin") == []


def test_mpy_cross_refuses_a_planted_construct_on_every_board(tmp_path: Path):
    planted = tmp_path / "planted.py"
    planted.write_text("with (open('a') as a, open('b') as b):\n    pass\n", encoding="utf-8")
    said = lint.cross(planted)
    assert [line.split()[3].rstrip(":") for line in said] == list(lint.ARCHS)
    assert all("SyntaxError" in line for line in said)


def test_there_are_drivers_for_the_gates_to_read():
    assert DRIVERS
