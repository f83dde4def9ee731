"""Move the door of a unit that was started with --simulate."""

import argparse
from pathlib import Path

from edge import config
from edge.cli import WELL
from edge.onsite import reach
from edge.sim import remote
from edge.sim.waves import NAMES

SAID = {"en": "the door is {}", "zh": "门：{}"}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit simulate` takes."""
    reach.declare(parser)
    parser.add_argument("to", nargs="?", choices=("open", "shut"), default="open", help="where the door moves to")
    parser.add_argument("--wave", choices=NAMES, default="bounce", help="what its contact does (default bounce)")


def run(args: argparse.Namespace) -> int:
    """0: it moves."""
    unit = reach.Reach(args)
    state = Path(config.load(args.config).unit.state_dir)
    told = remote.move(state / remote.NAME, args.to, args.wave)
    unit.tell({**told, "wave": args.wave}, SAID[unit.lang].format(told["door"]))
    return WELL
