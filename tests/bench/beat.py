"""Moves a door at given instants. Runs inside every player; standard library only, for mqtt-io's Python runs it too."""

import json
import sys
import time
from collections.abc import Callable

EVENT_BYTES = 450  # an event of doorunit's, about; what is nothing but a message is made as long


def now_ns() -> int:
    """CLOCK_BOOTTIME: the unit's own clock, and the same one in every process."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def play(move: Callable[[bool], None], rests: Callable[[bool], bool] = lambda _is_open: True) -> None:
    """Say "ready"; then answer each line of instants (JSON, ns) with those at which `move(open)` really began.

    The door moves to and fro, and begins shut. It does not move before `rests(open)` says that it is known to be so:
    a real door takes longer to move than any settle time, whatever holds this process up. Returns once the bench has
    closed the pipe.
    """
    is_open = False
    _say("ready")
    for line in sys.stdin:
        moved_ns = []
        for due_ns in json.loads(line):
            while (wait_ns := due_ns - now_ns()) > 0 or not rests(is_open):
                time.sleep(max(wait_ns / 1e9, 0.001))
            is_open = not is_open
            moved_ns.append(now_ns())
            move(is_open)
        _say(json.dumps(moved_ns))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
