"""Every bench says what it measures and how much of it, and takes its sizes by flags."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.sizes import sizes

BENCHES = sorted(Path(__file__).parent.glob("bench_*.py"))


def test_every_bench_answers_to_help_with_its_sizes_and_measures_nothing():
    running = {
        bench: subprocess.Popen(
            [sys.executable, str(bench), "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for bench in BENCHES
    }
    assert len(running) > 6
    for bench, process in running.items():
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, ""), bench.name
        assert out.startswith(f"usage: {bench.name}"), bench.name
        assert "--" in out.replace("--help", ""), f"{bench.name} has no size"
        assert "###" not in out


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
