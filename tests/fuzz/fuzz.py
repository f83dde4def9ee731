"""The fuzz campaign: everything that reads what strangers send, against bent messages and coverage-guided bytes.

    python tests/fuzz/fuzz.py [--inputs N] [--target NAME] [--seed S] [--play HEX|FILE]

Exit 0: no input broke a promise. 1: one did; it is printed with the command that plays it again. 2: misused.
Inputs that failed once (tests/fuzz/corpus) come first. Where Atheris has no wheel, dice play its part.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # as a script: the modules beside this one are known by their full names only
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.fuzz.engine import MODULES, by_atheris, by_dice, by_hypothesis, each, quiet, target
from tests.fuzz.player import ROOT, Found, Player

# Inputs of a whole campaign, by Hypothesis and by Atheris (or dice): more where one is cheap. The dearest come first.
SHARES = {
    "orders": (400, 300),
    "receipts": (1200, 4000),
    "receiver": (1500, 6000),
    "sip": (1500, 20_000),
    "commands": (2000, 12_000),
    "config": (2500, 12_000),
    "hubs": (1500, 6000),
    "page": (1500, 4000),
    "posts": (1500, 4000),
    "handed": (1500, 3000),
    "package": (800, 1500),
    "manifest": (1000, 4000),
    "identity": (1500, 8000),
    "seal": (2500, 50_000),
    "manscdp": (2500, 60_000),
    "sdp": (2500, 30_000),
    "wire": (2500, 90_000),
}
PATIENCE_S = 1800  # of a job: no part of a campaign of a million inputs takes as long
WHOLE = sum(map(sum, SHARES.values()))


def main() -> int:
    """Run a campaign, or play one input."""
    asked = _asked()
    quiet()
    if asked.play is not None:
        return _play(asked.target, asked.play)
    if asked.job:
        return _job(asked.target, asked.job, asked.inputs, asked.seed)
    return campaign([asked.target] if asked.target else list(SHARES), asked.inputs, asked.seed)


def campaign(names: list[str], inputs: int | None, seed: int) -> int:
    """All jobs, one a core at a time, and then what came of them."""
    by = ("hypothesis", "atheris" if find_spec("atheris") else "dice")
    jobs = _jobs(names, by, inputs)
    print(f"{sum(count for _, _, count in jobs)} inputs by {' and '.join(by)}, seed {seed}", flush=True)
    begun_s = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        ended = list(pool.map(lambda job: _child(*job, seed), jobs))
    rows = [json.loads(said.rpartition("\n")[2]) for code, said in ended if code == 0]
    for name in names:
        _tell(name, [row for row in rows if row["target"] == name])
    finds = [said for code, said in ended if code]
    played = sum(row["inputs"] for row in rows)
    print(f"{played} inputs in {time.monotonic() - begun_s:.0f} s, {len(finds)} of {len(jobs)} jobs found something")
    for said in finds:
        print(f"\n{said}")
    return 1 if finds else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, help=f"over all targets, or of the one; {WHOLE} or its part if left out")
    parser.add_argument("--target", choices=[*MODULES], help="only this one")
    parser.add_argument("--seed", type=int, default=1, help="a number (default 1)")
    parser.add_argument("--play", metavar="HEX|FILE", help="play one input against --target")
    parser.add_argument("--job", choices=["hypothesis", "atheris", "dice"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.play is not None and not asked.target:
        parser.error("--play needs a --target")
    return asked


def _jobs(names: list[str], by: tuple[str, ...], inputs: int | None) -> list[tuple[str, str, int]]:
    """(target, by what, inputs): together at least `inputs`."""
    part = 1.0 if inputs is None else inputs / sum(sum(SHARES[name]) for name in names)
    jobs = []
    for name in names:
        jobs += [(name, how, ceil(share * part)) for how, share in zip(by, SHARES[name], strict=True)]
    return jobs


def _child(name: str, how: str, inputs: int, seed: int) -> tuple[int, str]:
    """One job in a process of its own, for Atheris must be there before what it watches: its exit code and words."""
    command = [sys.executable, __file__, "--job", how, "--target", name, "--inputs", str(inputs), "--seed", str(seed)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return (
            1,
            f"{name} by {how}: has not ended after {PATIENCE_S} s; want an end. Again, to look: {' '.join(command)}",
        )
    return (
        done.returncode,
        done.stdout.strip() or f"{name} by {how} ended with {done.returncode}\n{done.stderr[-4000:]}",
    )


def _job(name: str, how: str, inputs: int, seed: int) -> int:
    begun_s = time.monotonic()

    def ended(player: Player) -> None:
        row = {"target": name, "by": how, "inputs": player.played, "seconds": round(time.monotonic() - begun_s, 1)}
        print(json.dumps(row | {"slowest_ms": round(player.slowest_s * 1000)}), flush=True)

    if how == "atheris":
        by_atheris(name, inputs, seed, ended)
    try:
        ended((by_dice if how == "dice" else by_hypothesis)(target(name), inputs, seed))
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


def _tell(name: str, rows: list[dict[str, Any]]) -> None:
    """One line: how many inputs each engine played, in how many seconds, and the slowest of them."""
    told = "".join(f"  {row['by']} {row['inputs']:>6} in {row['seconds']:>5} s" for row in rows)
    print(f"{name:10}{told}  slowest {max((row['slowest_ms'] for row in rows), default=0)} ms")


if __name__ == "__main__":
    sys.exit(main())
