"""Every bench says what it measures and how much of it, and takes its sizes by flags."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bench.sizes import sizes

BENCHES = sorted(Path(__file__).parent.glob("bench_*.py"))


def test_every_bench_answers_to_help_with_its_sizes_and_measures_nothing():
    assert len(BENCHES) > 6
    with ThreadPoolExecutor(2) as pool:
        for bench, told in zip(BENCHES, pool.map(helped, BENCHES), strict=True):
            assert (told.returncode, told.stderr) == (0, ""), bench.name
            assert told.stdout.startswith(f"usage: {bench.name}"), bench.name
            assert "--" in told.stdout.replace("--help", ""), f"{bench.name} has no size"
            assert "###" not in told.stdout, "the head of a table"


def helped(bench: Path) -> "subprocess.CompletedProcess[str]":
    """What it says to --help."""
    words = [sys.executable, str(bench), "--help"]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_a_size_is_what_the_flag_says_and_else_its_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["bench", "--idle-s", "3"])
    asked = sizes("about", rounds=5, idle_s=20)
    assert (asked.rounds, asked.idle_s) == (5, 3)


@pytest.mark.parametrize("wrong", ["0", "-1", "1.5", "many", "", "²"])
def test_a_size_that_is_no_count_is_refused(monkeypatch: pytest.MonkeyPatch, capsys, wrong: str):
    monkeypatch.setattr(sys, "argv", ["bench", f"--rounds={wrong}"])
    with pytest.raises(SystemExit) as ended:
        sizes("about", rounds=5)
    assert ended.value.code == 2
    assert "want a whole number from 1" in capsys.readouterr().err
