"""Old bugs, each a patch that the campaign must go on catching. One line of it says how to run, one what is found.

Run: --file edge/spool/journal.py --within Journal._evict --scene "too many records, eager"
Caught as: nobody knows
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RAM = "/dev/shm"
DEADLINE_S = 300  # some ten times what the slowest takes on a machine that others use too


def patches(root: Path) -> list[Path]:
    """Those of this campaign."""
    return sorted((root / "tests/power/bugs").glob("statements-*.patch"))


def caught(root: Path, patch: Path) -> tuple[bool, str]:
    """Whether the campaign fails as it should on a copy of the source with the bug in it; and what it said."""
    text = patch.read_text(encoding="utf-8")
    run, wanted = (text.partition(f"{key}: ")[2].splitlines()[0] for key in ("Run", "Caught as"))
    with tempfile.TemporaryDirectory(prefix="statements-", dir=RAM) as copy:
        for folder in ("edge", "drivers", "tests/power"):
            shutil.copytree(root / folder, Path(copy) / folder, ignore=shutil.ignore_patterns("__pycache__"))
        applied = subprocess.run(["git", "apply", str(patch)], cwd=copy, capture_output=True, text=True, timeout=60)
        if applied.returncode != 0:
            return False, f"it no longer applies; mend the patch. {applied.stderr}"
        command = [sys.executable, "tests/power/statements.py", *shlex.split(run)]
        environment = {**os.environ, "PYTHONPATH": copy, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
    return done.returncode == 1 and wanted in done.stdout, done.stdout + done.stderr


def hunt(root: Path) -> int:
    """Hunt them all; 0 where each was caught."""
    missed = 0
    for patch in patches(root):
        well, said = caught(root, patch)
        missed += not well
        print(f"{patch.name}: {'caught' if well else 'NOT CAUGHT'}")
        if not well:
            print(said)
    return 1 if missed else 0
