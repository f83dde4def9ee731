"""Put a note among the unit's records, with your name; it reaches the platform. At most 200 characters."""

import argparse

from edge.cli import WELL
from edge.onsite import reach

SAID = {
    "en": "{}: noted. The note goes to the platform, with your name: nothing of residents belongs into it.",
    "zh": "{}：已记录。内容连同你的名字会发送到平台：请勿写入住户信息。",
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit mark` takes."""
    reach.declare(parser)
    parser.add_argument("note", help="what to note")


def run(args: argparse.Namespace) -> int:
    """0: noted."""
    unit = reach.Reach(args)
    told = unit.ask("mark", {"note": args.note})
    unit.tell(told, SAID[unit.lang].format(told["key"]))
    return WELL
