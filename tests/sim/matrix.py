"""The fault matrix: what goes wrong, what stays up, which warning shows, and how soon all is well again.

python tests/sim/matrix.py             # play every cell and print what was seen
python tests/sim/matrix.py --seeds 50  # each with that many draws of pauses, latencies and bounces; the worst counts
python tests/sim/matrix.py disk TLS    # those whose area or name has one of these words
"""

import argparse
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.clock import SECOND
from tests.sim import cells_here as here
from tests.sim import cells_sensors as sensors
from tests.sim import cells_there as there
from tests.sim.stage import Cell, Seen, play

CELLS = (
    *here.CAMERA_CELLS,
    *here.CONTACT_CELLS,
    *there.NETWORK_CELLS,
    *there.DNS_CELLS,
    *there.TLS_CELLS,
    *there.BROKER_CELLS,
    *there.RECEIPT_CELLS,
    *there.PICTURE_CELLS,
    *here.DISK_CELLS,
    *here.BOARD_CELLS,
    *sensors.SENSOR_CELLS,
    *here.CLOCK_CELLS,
    *here.PROCESS_CELLS,
    *here.MEMORY_CELLS,
    *there.COMMAND_CELLS,
)
SEEDS = 2  # as many as the tests play
STAYS = {
    "live": "every opening recorded, and live at the platform",
    "kept": "every opening recorded, and delivered afterwards",
    "none": "all but the contact",
}


def worst(cell: Cell, seeds: int) -> Seen:
    """What was seen with that many draws: the latest of each, and all that was wrong."""
    plays = [play(cell, seed) for seed in range(1, seeds + 1)]
    return Seen(
        openings=[one for seen in plays for one in seen.openings],
        shown_s=max((seen.shown_s for seen in plays if seen.shown_s is not None), default=None),
        well_s=max((seen.well_s for seen in plays if seen.well_s is not None), default=None),
        wrong=[f"seed {seed}: {line}" for seed, seen in enumerate(plays, 1) for line in seen.wrong],
    )


def row(cell: Cell, seen: Seen) -> str:
    """One line of the table."""
    stays = STAYS[cell.stays]
    meanwhile = seen.openings if cell.stays != "none" else []
    recorded = [one.recorded_ns - one.at_ns for one in meanwhile if one.recorded_ns is not None]
    live = [one.live_ns - one.at_ns for one in meanwhile if one.live_ns is not None]
    if recorded:
        stays += f": within {max(recorded) / SECOND:.2f} s"
    if live and cell.stays == "live":
        stays += f", {max(live) / SECOND:.2f} s"
    codes = " and ".join(f"`{code}`" for code in (cell.code, *cell.also))
    warning = "none" if seen.shown_s is None else f"{codes} after {seen.shown_s:.0f} s"
    well = "not within a minute" if seen.well_s is None else f"{seen.well_s:.1f} s"
    return f"| {cell.area} | {cell.name} | {cell.wrong} | {stays} | {warning} | {well} |"


def main() -> int:
    """0: every cell keeps its promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only cells whose area or name has one of these")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"draws of each cell (default {SEEDS})")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)  # every cell is a page of warnings
    chosen = [c for c in CELLS if not args.words or any(w in f"{c.area} {c.name}" for w in args.words)]
    print("| area | cell | what goes wrong | what stays up | warning | all well after its end |")
    print("| --- | --- | --- | --- | --- | --- |")
    broken = []
    for cell in chosen:
        seen = worst(cell, args.seeds)
        print(row(cell, seen), flush=True)
        broken += [f"{cell.name}: {line}" for line in seen.wrong]
    print(f"\n{len(chosen)} cells, {args.seeds} draws each: {len(broken) or 'no'} broken promises")
    print("\n".join(broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
