"""A live screen of this unit, once a second, until Ctrl-C. It asks the agent alone, and changes nothing."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from edge.cli import UNWELL, WELL
from edge.errors import LinkError
from edge.onsite import reach
from edge.onsite.watch import Watch, live, styled

EVERY_S = 1.0
ASK_S = 0.8


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit watch` takes."""
    reach.declare(parser)
    parser.add_argument("--times", type=int, default=0, metavar="N", help="end after N looks (default: Ctrl-C ends it)")


def run(args: argparse.Namespace) -> int:
    """0: the agent answered the last time; 1: it did not."""
    unit = reach.Reach(args)
    if unit.as_json or not sys.stdout.isatty():
        return _each(unit, args.times, _write)
    with live() as screen:
        return _each(unit, args.times, lambda _, lines: screen.update(styled(lines, unit.lang), refresh=True))


def _each(unit: reach.Reach, times: int, show: Callable[[str, list[str]], None]) -> int:
    watch, answered, looks = Watch(unit.lang), False, 0
    try:
        while True:
            status, events, silence = _look(unit)
            answered, looks = status is not None, looks + 1
            body = json.dumps({"schema": 1, "agent": status, "events": events}, ensure_ascii=False)
            show(body if unit.as_json else "", watch.lines(status, events, silence))
            if looks == times:
                break
            time.sleep(EVERY_S)  # clock: a person watches
    except KeyboardInterrupt:
        pass
    return WELL if answered else UNWELL


def _look(unit: reach.Reach) -> tuple[dict[str, Any] | None, list[dict[str, Any]], str]:
    try:
        return unit.ask("status", deadline_s=ASK_S), unit.ask("events", {"limit": 20}, ASK_S)["events"], ""
    except LinkError as err:
        return None, [], err.found


def _write(body: str, lines: list[str]) -> None:
    sys.stdout.write((body or "\n".join([*lines, ""])) + "\n")
    sys.stdout.flush()
