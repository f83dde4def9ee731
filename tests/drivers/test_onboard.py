"""The drivers' tests on real MicroPython: the same tests that pytest collects, no more and no fewer."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.drivers import onboard
from tests.drivers.onboard import Run

EXPECTED = onboard.expected()

PLANTED = {
    "def test_that_one_is_two():\n    assert 1 == 2\n": "AssertionError",
    "def test_that_raises_an_error():\n    raise OSError(5, 'no acknowledge')\n": "OSError",
    "import dataclasses\n\n\ndef test_of_a_library():\n    pass\n": "ImportError",
    "def test_of_a_syntax():\n    with (open('a') as a, open('b') as b):\n        pass\n": "SyntaxError",
}


@pytest.fixture(scope="module")
def told() -> Run:
    """What MicroPython says of all of them."""
    return onboard.run()


def plant(root: Path, text: str) -> Run:
    """What MicroPython says of this one file."""
    folder = root / "tests/drivers/portable"
    folder.mkdir(parents=True)
    (folder / "test_planted.py").write_text(text, encoding="utf-8")
    return onboard.run(root)


@pytest.mark.parametrize(("module", "name"), EXPECTED, ids=[f"{m.rpartition('.')[2]}-{n}" for m, n in EXPECTED])
def test_micropython_passes_it_as_well(told: Run, module: str, name: str):
    assert told.results.get((module, name), "did not run") == "", told.said


def test_micropython_runs_every_portable_test_and_no_other(told: Run):
    assert sorted(told.results) == sorted(EXPECTED)
    assert told.exit_code == 0, told.said


def test_micropython_warns_of_nothing(told: Run):
    assert "Warning" not in told.said


def test_pytest_collects_the_same_tests_for_this_python():
    files = [f"{module.replace('.', '/')}.py" for module in onboard.modules()]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    listed = subprocess.run(command, cwd=onboard.ROOT, capture_output=True, text=True, timeout=60, check=True)
    collected = [line.split(".py::") for line in listed.stdout.splitlines() if "::" in line]
    assert sorted((path.replace("/", "."), name) for path, name in collected) == sorted(EXPECTED)


@pytest.mark.parametrize(("text", "error"), PLANTED.items())
def test_a_planted_failure_is_told_and_ends_the_run_badly(tmp_path: Path, text: str, error: str):
    run = plant(tmp_path, text)
    assert [said.split(":")[0] for said in run.results.values()] == [error]
    assert run.exit_code == 1


def test_a_run_without_a_single_test_is_a_failure(tmp_path: Path):
    assert plant(tmp_path, '"""Nothing here."""\n').exit_code == 1
