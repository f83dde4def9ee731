"""The fuzz campaign: everything that reads what strangers send, against bent messages and coverage-guided bytes.

    python tests/fuzz/fuzz.py [--inputs N] [--target NAME] [--seed S] [--play HEX|FILE]

Exit 0: no input broke a promise. 1: one did; it is printed with the command that plays it again. 2: misused.
Old finds (tests/fuzz/corpus) are played first. Without Atheris (it has no wheel for some machines) Hypothesis plays all.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

if __name__ == "__main__":  # as a script: the modules beside this one are known by their full names only
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.fuzz.engine import MODULES, ROOT, Found, Player, by_atheris, by_hypothesis, each, quiet, target

# Inputs of a default campaign, so shared that each target costs about as much as any other: by Hypothesis, by Atheris.
SHARES = {
    "config": (3000, 40_000),
    "commands": (3000, 25_000),
    "orders": (700, 700),
    "receipts": (2000, 8000),
    "wire": (4000, 60_000),
    "seal": (3000, 25_000),
    "posts": (2000, 5000),
    "page": (2000, 5000),
    "receiver": (2500, 10_000),
    "identity": (2500, 10_000),
}
WHOLE = sum(map(sum, SHARES.values()))


def main() -> int:
    """Run a campaign, or play one input."""
    asked = _asked()
    if asked.play is not None:
        return _play(asked.target, asked.play)
    if asked.job:
        return _job(asked.target, asked.job, asked.inputs, asked.seed)
    by = ("hypothesis", "atheris") if find_spec("atheris") else ("hypothesis",)
    jobs = _jobs([asked.target] if asked.target else list(SHARES), by, asked.inputs)
    print(f"{sum(job[2] for job in jobs)} inputs, seed {asked.seed}, by {' and '.join(by)}", flush=True)
    begun_s = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        told = list(pool.map(lambda job: _child(*job, asked.seed), jobs))
    rows = [json.loads(last) for code, _, last in told if code == 0]
    for name in SHARES:
        _row(name, [row for row in rows if row["target"] == name])
    played, finds = sum(row["inputs"] for row in rows), [text for code, text, _ in told if code]
    print(f"{played} inputs in {time.monotonic() - begun_s:.0f} s, {len(finds)} of {len(jobs)} jobs found something")
    for text in finds:
        print(f"\n{text}")
    return 1 if finds else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, help=f"over all targets, or of the one; {WHOLE} if left out")
    parser.add_argument("--target", choices=[*MODULES], help="only this one")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="a number; random if left out")
    parser.add_argument("--play", metavar="HEX|FILE", help="play one input against --target")
    parser.add_argument("--job", choices=["hypothesis", "atheris"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.play is not None and not asked.target:
        parser.error("--play needs --target")
    return asked


def _jobs(names: list[str], by: tuple[str, ...], inputs: int | None) -> list[tuple[str, str, int]]:
    """(target, by what, inputs), so that all together are at least `inputs`."""
    whole = sum(sum(SHARES[name]) for name in names)
    part = 1.0 if inputs is None else inputs / whole
    jobs = []
    for name in names:
        shares = SHARES[name] if len(by) > 1 else (sum(SHARES[name]),)
        jobs += [(name, how, max(1, -int(-share * part // 1))) for how, share in zip(by, shares, strict=True)]
    return jobs


def _child(name: str, how: str, inputs: int, seed: int) -> tuple[int, str, str]:
    """One job in a process of its own, for Atheris must be there before what it watches: exit code, output, last line."""
    command = [sys.executable, __file__, "--job", how, "--target", name, "--inputs", str(inputs), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = done.stdout.strip() or done.stderr[-4000:]
    return done.returncode, said, said.rpartition("\n")[2]


def _job(name: str, how: str, inputs: int, seed: int) -> int:
    quiet()
    begun_s = time.monotonic()

    def ended(player: Player) -> None:
        took_s = round(time.monotonic() - begun_s, 1)
        slowest_ms = round(player.slowest_s * 1000)
        row = {"target": name, "by": how, "inputs": player.played, "seconds": took_s, "slowest_ms": slowest_ms}
        print(json.dumps(row), flush=True)

    if how == "atheris":
        by_atheris(name, inputs, seed, ended)
    try:
        ended(by_hypothesis(target(name), inputs, seed))
    except Found as found:
        print(found.report())
        return 1
    return 0


def _play(name: str, told: str) -> int:
    path = Path(told)
    data = path.read_bytes() if len(told) < 256 and path.is_file() else bytes.fromhex(told)
    try:
        each(target(name), [data])
    except Found as found:
        print(found.report())
        return 1
    print(f"{name}: {len(data)} bytes kept every promise")
    return 0


def _row(name: str, rows: list[dict[str, object]]) -> None:
    """One line of the table: how many inputs each engine played, in how many seconds, and the slowest of them."""
    if rows:
        told = "".join(f"  {row['by']} {row['inputs']:>6} in {row['seconds']:>5} s" for row in rows)
        print(f"{name:10}{told}  slowest {max(int(str(row['slowest_ms'])) for row in rows)} ms")


if __name__ == "__main__":
    sys.exit(main())
