"""The life of one record: each step with its time, and what delayed it. With the agent dead, what the spool knows."""

import argparse

from edge.cli import UNWELL, WELL
from edge.onsite import events, life, reach


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit why` takes."""
    reach.declare(parser)
    parser.add_argument("event", nargs="?", default="last", help="seq, epoch/seq, or last (the default)")


def run(args: argparse.Namespace) -> int:
    """0: the platform holds it; 1: it waits, or nobody knows of it."""
    events.wanted(args.event)
    unit = reach.Reach(args)
    told = unit.ask_or_none("why", {"event": args.event})
    alive = told is not None
    if told is None:
        told = events.waiting(unit.folder, args.event)
    found = told["life"]
    slow = life.delays(found, unit.lang) if found else []
    unit.tell({"alive": alive, **told, "delays": slow}, life.why(told, unit.lang, alive=alive))
    return WELL if found and found["receipt_ms"] is not None else UNWELL
