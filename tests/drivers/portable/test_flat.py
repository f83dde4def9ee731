"""Each driver works where it was copied alone, beside a main.py. Runs on both Pythons."""

import os
import sys

import drivers

PATH = drivers.__path__
FOLDER = PATH if isinstance(PATH, str) else PATH[0]  # MicroPython has a text where CPython has a list


def test_every_driver_can_be_imported_without_its_package():
    names = sorted([name[:-3] for name in os.listdir(FOLDER) if name.endswith(".py") and name[0] != "_"])
    assert len(names) >= 8
    sys.path.insert(0, FOLDER)
    try:
        for name in names:
            __import__(name)
            assert getattr(sys.modules.pop(name), "__name__", name) == name
    finally:
        sys.path.remove(FOLDER)
