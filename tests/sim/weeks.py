"""Simulated weeks: many units, one seed each, judged against all that really happened.

python tests/sim/weeks.py                  # 200 unit-weeks, the size of CI
python tests/sim/weeks.py --weeks 10000    # the long run
python tests/sim/weeks.py --beside         # with a second platform, which comes and goes too
python tests/sim/weeks.py --seed 4711      # one history again, told in full
"""

import argparse
import logging
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.sim import script
from edge.sim.world import World
from tests.sim.beside import live_beside

RAM = Path("/dev/shm")  # what is simulated is the power, not the speed of this machine's disk


def live(seed: int, folder: Path) -> World:
    """One unit's week and the calm after it."""
    world = World(seed, folder, detour=seed % 2 == 1)
    world.run(script.write(world))
    return world


def judge(seed: int, live: Callable[[int, Path], World] = live) -> tuple[int, list[str], int, int]:
    """Seed, what was wrong, movements of the door, records held."""
    logging.disable(logging.CRITICAL)  # a week of faults is a week of warnings
    folder = Path(tempfile.mkdtemp(dir=RAM if RAM.is_dir() else None))
    try:
        world = live(seed, folder)
        return seed, world.wrong(), len(world.truth.moves), len(world.city.platform.held)
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """0: every promise was kept in every history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=200, help="how many unit-weeks (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--seed", type=int, help="replay this history alone, and print it")
    parser.add_argument("--beside", action="store_true", help="with a second platform")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    args = parser.parse_args()
    if args.seed is not None:
        return _tell(args.seed, live_beside if args.beside else live)
    begun = time.monotonic()
    moves = records = 0
    failed = []
    one = partial(judge, live=live_beside) if args.beside else judge
    with multiprocessing.Pool(args.processes) as pool:
        for seed, wrong, moved, held in pool.imap_unordered(one, range(args.first, args.first + args.weeks)):
            moves, records = moves + moved, records + held
            if wrong:
                failed.append(seed)
                print(f"seed {seed}: {wrong[0]}\n    python tests/sim/weeks.py --seed {seed}", flush=True)
    took_s = time.monotonic() - begun
    print(
        f"weeks: {args.weeks} unit-weeks, {moves} movements, {records} records, {len(failed)} histories with a broken"
        f" promise; {took_s:.1f} s, {args.weeks / took_s / args.processes:.1f} unit-weeks per second and core"
    )
    return 1 if failed else 0


def _tell(seed: int, live: Callable[[int, Path], World]) -> int:
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(dir=RAM if RAM.is_dir() else None))
    try:
        world = live(seed, folder)
        wrong = world.wrong()
    finally:
        shutil.rmtree(folder)
    told = [(m.at_ns, f"the door {'shuts' if m.closed else 'opens'}") for m in world.truth.moves]
    told += [(s.from_ns, "the agent starts") for s in world.truth.lives]
    told += [(s.to_ns, "the agent is gone") for s in world.truth.lives]
    told += [(s.from_ns, f"the card is bad until {s.to_ns / 1e9:.3f}") for s in world.truth.card_bad]
    for held in world.city.platform.held.values():
        record = held.envelope.data.record
        what = getattr(record, "change", "") or getattr(record, "reason", "")
        told.append((world.truth.of(record.at), f"  {record.epoch}/{record.seq} {type(record).__name__} {what}"))
    for at_ns, what in sorted(told):
        print(f"{at_ns / 1e9:16.6f}  {what}")
    print("\n".join(wrong) or "every promise was kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
