"""Weeks in minutes: does the unit grow? A campaign.

    python tests/soak/soak.py                   # 30 simulated days, then 10 real minutes
    python tests/soak/soak.py --minutes 480     # a night

Simulated: the whole unit under edge/sim/world.py; what its own files allocate may grow by 2 MB between the second day
and the thirtieth. Real: `doorunit run --simulate` as a process with a small camera and a real broker, its door never
at rest for long and its network cut now and then; its own memory may grow by 2 MB after the first fifth, descriptors
and threads not at all.
"""

import argparse
import gc
import logging
import random
import shutil
import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.sim import remote, script
from edge.sim.world import World
from tests.whole.conftest import Demo

GROWTH_MAX_MB = 2.0
PATIENCE_S = 60  # other campaigns keep the machine busy
DAY_NS = 86_400 * 1_000_000_000
OURS = [tracemalloc.Filter(True, f"*/edge/{room}/*") for room in ("unit", "uplink", "spool", "door", "board")]
OURS += [tracemalloc.Filter(True, f"*/edge/{file}.py") for file in ("loop", "health", "records", "wire", "parts")]


def simulated(days: int) -> bool:
    """True if what the unit allocates is the same after many days as after two."""
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp())
    world = World(30, folder)
    end_ns = script.write(world, weeks=days / 7)
    sizes: list[float] = []

    def look() -> None:
        gc.collect()
        taken = tracemalloc.take_snapshot().filter_traces(OURS)
        sizes.append(sum(s.size for s in taken.statistics("filename")) / 1e6)

    tracemalloc.start()
    world.at(2 * DAY_NS, look)
    world.at(days * DAY_NS + 4 * 3600 * 1_000_000_000, look)
    world.run(end_ns)
    wrong = world.wrong()
    tracemalloc.stop()
    logging.disable(logging.NOTSET)
    shutil.rmtree(folder)
    growth_mb = sizes[1] - sizes[0]
    print(f"soak: {days} simulated days: {sizes[0]:.2f} MB after two, {sizes[1]:.2f} MB at the end; {wrong or 'well'}")
    return growth_mb <= GROWTH_MAX_MB and not wrong


class Watched:
    """A process, from outside."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")

    def own_mb(self) -> float:
        """Anonymous memory, MB: unlike PSS it does not change when another Python starts or ends beside this one."""
        for line in (self._proc / "smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise LookupError("Anonymous")

    def handles(self) -> tuple[int, int]:
        """File descriptors and threads."""
        return len(list((self._proc / "fd").iterdir())), len(list((self._proc / "task").iterdir()))


def real(minutes: float) -> bool:
    """True if memory, descriptors and threads stay as they are."""
    folder = Path(tempfile.mkdtemp())
    demo = Demo(folder / "demo")
    _small_pictures(demo, folder / "demo" / "unit" / "doorunit.toml")
    dice = random.Random(1)
    watched = Watched(_unit_pid(folder / "demo" / "unit"))
    socket = folder / "demo" / "unit" / "state" / remote.NAME
    own_mb: list[float] = []
    handles: list[tuple[int, int]] = []
    movements = 0
    end = time.monotonic() + minutes * 60
    sample_s = max(2.0, minutes * 60 / 120)
    next_sample = next_cut = time.monotonic() + sample_s
    try:
        while time.monotonic() < end:
            wave = dice.choice(("clean", "bounce", "rattle", "glitch"))
            remote.move(socket, ("open", "shut")[movements % 2], wave, timeout_s=PATIENCE_S)
            movements += 1
            time.sleep(dice.uniform(0.3, 1.5))
            if time.monotonic() > next_cut:
                demo.bench("network", on=False)
                time.sleep(dice.uniform(1, 5))
                demo.bench("network", on=True)
                next_cut = time.monotonic() + 30
            if time.monotonic() > next_sample:
                own_mb.append(watched.own_mb())
                handles.append(watched.handles())
                next_sample += sample_s
        deadline = time.monotonic() + PATIENCE_S
        while (backlog := demo.door()["pulse"]["backlog"]) and time.monotonic() < deadline:
            time.sleep(1)
    finally:
        code = demo.end()
        shutil.rmtree(folder)
    fifth = max(1, len(own_mb) // 5)
    early_mb = min(own_mb[fifth : 2 * fifth])  # the least: a picture in hand is no growth
    growth_mb = min(own_mb[-fifth:]) - early_mb
    fds, threads = (max(n) - min(n) for n in zip(*handles[fifth:], strict=True))
    print(
        f"soak: {minutes:g} real minutes, {movements} movements: {early_mb:.1f} MB of its own early, grew by"
        f" {growth_mb:.2f} MB; descriptors vary by {fds}, threads by {threads}; backlog {backlog}"
    )
    # A cut connection's descriptor may still be open at one sample and not at the next; a leak would add up.
    early, late = handles[fifth][0], statistics.median([f for f, _ in handles[-fifth:]])
    return growth_mb <= GROWTH_MAX_MB and late <= early + 3 and threads <= 1 and backlog == 0 and code == 0


def _small_pictures(demo: Demo, settings: Path) -> None:
    """One picture more or less in hand must not look like a leak: at 1280x720 it is 3.7 MB."""
    demo.bench("power", on=False)
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("[camera]\n", "[camera]\nwidth = 320\nheight = 240\n"), encoding="utf-8")
    demo.bench("power", on=True)


def _unit_pid(folder: Path) -> int:
    wanted = str(folder / "doorunit.toml")
    for proc in Path("/proc").iterdir():
        try:
            words = (proc / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted.encode() in words and b"run" in words:
            return int(proc.name)
    raise SystemExit(f"tests/soak/soak.py: found no unit with {wanted}")


def main() -> int:
    """0: nothing grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30, help="simulated (default 30; 0: none)")
    parser.add_argument("--minutes", type=float, default=10, help="real (default 10; 0: none)")
    args = parser.parse_args()
    well = args.minutes == 0 or real(args.minutes)
    well = (args.days == 0 or simulated(args.days)) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
