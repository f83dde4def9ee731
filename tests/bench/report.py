"""One command, one report: ours and its peers in one run, on one machine, with one broker. build/bench/report.md

    python tests/bench/report.py                  # 18 minutes, on a machine with nothing else to do
    python tests/bench/report.py --quick          # 5 minutes: shows that all of it runs; its figures mean little
    python tests/bench/report.py --part drain --part wire --without thingsboard

A part that does not end within its deadline, or breaks, is a sentence in the report and the next one goes on.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import bench_wire
import costs
import outage
import peer
import picture
import write
from costs import Rows
from peer import OURS, PEERS
from stage import BUILD, said


class Sizes(NamedTuple):
    """How much of everything."""

    events: int
    idle_s: float
    rounds: int
    outage: int
    backlog: int
    pictures: int
    deadline_s: int  # of each part


FULL = Sizes(events=500, idle_s=60, rounds=5, outage=1000, backlog=100_000, pictures=20, deadline_s=900)
QUICK = Sizes(events=20, idle_s=5, rounds=1, outage=40, backlog=3000, pictures=2, deadline_s=150)


class LateError(Exception):
    """A part has used up its time."""


def main() -> int:
    """0: the report is written, whatever it says."""
    args = _arguments()
    sizes = QUICK if args.quick else FULL
    there, missing = peer.installed([name for name in PEERS if name not in args.without])
    missing |= dict.fromkeys(args.without, "left out by --without")
    rows: Rows = {name: {} for name in PEERS}
    took: dict[str, str] = {}
    for name, part in parts(sizes, there).items():
        if args.part and name not in args.part:
            continue
        begun_s = time.monotonic()
        try:
            with within(sizes.deadline_s):
                for who, figures in part().items():
                    rows.setdefault(who, {}).update(figures)
            took[name] = f"{time.monotonic() - begun_s:.0f} s"
        except (LateError, RuntimeError, OSError, ValueError, IndexError, subprocess.SubprocessError) as err:
            took[name] = f"broke off after {time.monotonic() - begun_s:.0f} s: {type(err).__name__}: {err}"
        sys.stderr.write(f"report: {name}: {took[name]}\n")
        write.report(BUILD, rows, write.Circumstances(said(), machine(), sizes._asdict(), took, missing))
    write.plots(BUILD)
    print(BUILD / "report.md")
    return 0


def parts(sizes: Sizes, there: dict[str, str]) -> dict[str, Callable[[], Rows]]:
    """Name -> what measures it."""
    return {
        "running": lambda: costs.running(sizes.events, sizes.idle_s, there),
        "start": lambda: costs.starts(sizes.rounds, there),
        "import": lambda: costs.imports(3 * sizes.rounds, there),
        "picture": lambda: picture.pictures(sizes.pictures),
        "drain": lambda: outage.drains(sizes.backlog),
        "outage": lambda: outage.outages(sizes.outage, there, kill=False),
        "kill": lambda: outage.outages(sizes.outage, there, kill=True),
        "wire": lambda: _wire(min(sizes.events, 100)),
    }


def machine() -> str:
    """What it ran on, and what else that had to do."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    python = platform.python_version()
    return f"{os.cpu_count()} cores of {model}; Linux {platform.release()}; Python {python}; load at the end {load}"


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise LateError in this thread once they are over. What was started on a stage ends on the way out."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise LateError(f"its deadline of {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _wire(openings: int) -> Rows:
    weighed = bench_wire.ways(openings)[True]
    days = {plan.key: plan.day(weighed)[0] / 1e6 for plan in bench_wire.PLANS}
    return {OURS: {**{f"day_mb_{key}": mb for key, mb in days.items()}, "opening_bytes": weighed.opening}}


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--part", action="append", choices=list(parts(QUICK, {})), help="only this one; may be repeated"
    )
    parser.add_argument("--without", action="append", choices=[name for name in PEERS if name != OURS], default=[])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
