"""What a board gets: mip's list names every driver, and what is copied flat needs nothing of the rest."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = ROOT / "drivers"
LIST = json.loads((DRIVERS / "package.json").read_text(encoding="utf-8"))
EXAMPLE = ("reed.py", "examples/pico_w_wire.py", "examples/pico_w_door.py")


def imports(folder: Path, name: str) -> str:
    """What Python says when it imports this module with nothing but the folder and its own library; "" where well."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import {name}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr


def test_mip_is_told_of_every_driver_and_of_nothing_else():
    wanted = sorted(path.name for path in DRIVERS.glob("*.py"))
    assert sorted(source for _, source in LIST["urls"]) == wanted
    assert all(target == f"drivers/{source}" for target, source in LIST["urls"])
    assert LIST["deps"] == []


def test_the_drivers_have_the_version_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert LIST["version"] == project["project"]["version"]


@pytest.mark.parametrize("name", [source for _, source in LIST["urls"] if source != "__init__.py"])
def test_a_driver_that_was_copied_alone_can_be_imported(tmp_path: Path, name: str):
    shutil.copy(DRIVERS / name, tmp_path)
    assert imports(tmp_path, name.removesuffix(".py")) == ""


def test_the_example_can_be_imported_from_a_board_that_holds_its_three_files(tmp_path: Path):
    for name in EXAMPLE:
        shutil.copy(DRIVERS / name, tmp_path)
    assert imports(tmp_path, "pico_w_door") == ""


def test_a_file_that_is_missing_on_the_board_is_noticed(tmp_path: Path):
    for name in EXAMPLE[1:]:
        shutil.copy(DRIVERS / name, tmp_path)
    assert "No module named 'reed'" in imports(tmp_path, "pico_w_door")
