"""Cold start: from exec of `doorunit run --simulate` to its first event at a subscriber.

The first event says how the door was found; the settle time as shipped is part of what is measured, and stated.
"""

import subprocess
from contextlib import ExitStack

from beat import now_ns
from ear import Ear, Heard
from sizes import sizes
from stage import Stage, command, said, stage
from table import medians, show

from edge.records import Boot, Event
from edge.wire import decode

SIZES = sizes(__doc__, rounds=5)
ROUNDS = SIZES.rounds
SETTLE_MS = 50  # as shipped
WITHIN_S = 20
MS = 1_000_000


def main() -> None:
    """Five first starts, each followed by a second one."""
    first, second = [], []
    with ExitStack() as closing:
        on = closing.enter_context(stage("start"))
        broker = on.broker("broker")
        start(on, broker.port, "unit-0", str(on.unit("unit-0", broker, SETTLE_MS)))  # this one compiles, uncounted
        for number in range(1, ROUNDS + 1):
            settings = str(on.unit(f"unit-{number}", broker, SETTLE_MS))
            first.append(start(on, broker.port, f"unit-{number}", settings))
            second.append(start(on, broker.port, f"unit-{number}", settings))
    rows = [
        [words, *(f"{ms:.0f}" for ms in medians(rounds))]
        for words, rounds in (("first start, no spool yet", first), ("second start", second))
    ]
    notes = [
        f"Medians of {ROUNDS}; without camera, plain loopback, settle time of {SETTLE_MS} ms included in the last."
    ]
    show(said(), "Cold start, from exec", ["", "online ms", "boot record ms", "first event ms"], rows, notes)


def start(on: Stage, port: int, unit: str, settings: str) -> tuple[float, float, float]:
    """ms from exec to each of its first words; the unit has ended when this returns."""
    ear = Ear(port)
    try:
        with (on.folder / f"{unit}.log").open("ab") as log:
            begun_ns = now_ns()
            process = subprocess.Popen(command(settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            online = ear.wait(lambda one: one.topic == f"door/v1/{unit}/online" and b"true" in one.payload, 1, WITHIN_S)
            records = [ear.wait(lambda one, k=kind: is_kind(unit, one, k), 1, WITHIN_S) for kind in (Boot, Event)]
        finally:
            process.terminate()
            process.wait(10)
        return tuple((heard[0].arrived_ns - begun_ns) / MS for heard in (online, *records))
    finally:
        ear.close()


def is_kind(unit: str, one: Heard, kind: type) -> bool:
    """Whether this is a record of that kind."""
    return one.topic == f"door/v1/{unit}/event" and isinstance(decode(unit, one.payload).data.record, kind)


main()
