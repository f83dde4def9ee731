"""Old bugs and real temptations, each kept as a patch: the campaign has to go on finding them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUGS = sorted((ROOT / "tests" / "power" / "bugs").glob("cuts-*.patch"))
IMAGES = 3000
DEADLINE_S = 120  # some ten times what the slowest takes while the others run beside it


class Hunt:
    """The campaign, in a process of its own, on a copy of the source with the bug in it."""

    def __init__(self, bug: Path, folder: Path) -> None:
        copied = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "edge", folder / "edge", ignore=copied)
        shutil.copytree(ROOT / "tests" / "power", folder / "tests" / "power", ignore=copied)
        done = subprocess.run(["git", "apply", str(bug)], cwd=folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{bug.name} no longer applies; mend the patch. {done.stderr}"
        command = [sys.executable, "tests/power/cuts.py", "--mode", "FULL", "--first", "--images", str(IMAGES)]
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def end(self) -> tuple[int, str]:
        """The exit code, and all that was said."""
        said, _ = self._process.communicate(timeout=DEADLINE_S)
        return self._process.returncode, said

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def hunts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Hunt]]:
    """All of them, side by side."""
    begun = {bug.stem: Hunt(bug, tmp_path_factory.mktemp(bug.stem)) for bug in BUGS}
    yield begun
    for hunt in begun.values():
        hunt.close()


def test_there_are_patches_to_be_found() -> None:
    assert len(BUGS) >= 2


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.stem)
def test_the_campaign_finds_the_bug_and_says_which_promise_it_breaks(bug: Path, hunts: dict[str, Hunt]) -> None:
    wanted = bug.read_text(encoding="utf-8").partition("Caught as: ")[2].splitlines()[0]
    code, said = hunts[bug.stem].end()
    assert code == 1, said
    assert wanted in said, said
