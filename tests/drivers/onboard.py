"""Which driver tests are portable, and what MicroPython says of them: one run of node for all."""

import ast
import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/drivers/micropython"
PACKAGE = ROOT / ".venv/node/node_modules/@micropython/micropython-webassembly-pyscript"
TIMEOUT_S = 120  # it takes two seconds; a machine that is busy with other tests takes longer


class Run(NamedTuple):
    """What became of each (module, function): "" where it passed, else its error. `said`: all that was printed."""

    results: dict[tuple[str, str], str]
    exit_code: int
    said: str


def modules(root: Path = ROOT) -> list[str]:
    """The dotted names of the test modules that both Pythons run."""
    paths = [root / "tests/drivers/test_reed.py", *sorted((root / "tests/drivers/portable").glob("test_*.py"))]
    return [".".join(path.relative_to(root).with_suffix("").parts) for path in paths if path.exists()]


def expected(root: Path = ROOT) -> list[tuple[str, str]]:
    """(module, function) of every test that both Pythons run, read from the source."""
    found = []
    for name in modules(root):
        tree = ast.parse((root / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
        found += [(name, n.name) for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    return found


def run(root: Path = ROOT) -> Run:
    """Run them all on MicroPython."""
    node = shutil.which("node")
    assert node, "MicroPython: found no node to run it. Run: make setup-test"
    assert PACKAGE.exists(), f"MicroPython: found nothing at {PACKAGE}. Run: make setup-test"
    command = [node, str(HERE / "mpytest.mjs"), str(PACKAGE / "micropython.mjs"), str(root), str(HERE / "entry.py")]
    done = subprocess.run(
        [*command, *modules(root)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=root
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["tests.')]
    return Run({(module, name): error for module, name, error in told}, done.returncode, done.stdout + done.stderr)
