"""Have this unit blink and beep, so that you see which one it is."""

import argparse

from edge.cli import WELL
from edge.onsite import reach

SAID = {"en": "it shows itself for {} s", "zh": "设备将闪灯鸣响 {} 秒"}
FOR_S = 30


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit identify` takes."""
    reach.declare(parser)
    parser.add_argument("--for", dest="for_s", type=int, default=FOR_S, metavar="S", help=f"seconds (default {FOR_S})")


def run(args: argparse.Namespace) -> int:
    """0: it does."""
    unit = reach.Reach(args)
    told = unit.ask("identify", {"for_s": args.for_s})
    unit.tell({**told, "for_s": args.for_s}, SAID[unit.lang].format(args.for_s))
    return WELL
