"""Settled edge to message at an independent subscriber, on a card whose every sync takes long, or never ends."""

import os
import random
import subprocess
from contextlib import ExitStack
from pathlib import Path

from ear import Ear
from sizes import sizes
from stage import said, soon_ns, stage
from table import percentile, show

from edge.records import Change, Event
from edge.wire import decode

SETTLE_MS = 5
SIZES = sizes(__doc__, movements=40)
MOVEMENTS = SIZES.movements
TURN_MS = 50
MS = 1_000_000
AIM_MS = 50
SYNCS_MS = {"as the disk is": 0, "300 ms": 300, "3 s": 3000, "for ever": 3_600_000}
# Preloaded into the unit: waits in fsync and fdatasync for as long as the file that SLOW_SYNC names says.
PRELOAD = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void dawdle(void) {
    long ms = 0;
    FILE *f = fopen(getenv("SLOW_SYNC"), "r");
    if (f) { if (fscanf(f, "%ld", &ms) != 1) ms = 0; fclose(f); }
    while (ms > 0) { usleep(10000); ms -= 10; }
}
int fsync(int fd) { dawdle(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { dawdle(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""


def main() -> None:
    """One row for each speed of the card."""
    rows = []
    for words, sync_ms in SYNCS_MS.items():
        took_ms = measure(sync_ms)
        rows.append([words, *(f"{percentile(took_ms, p):.2f}" for p in (50, 99)), f"{max(took_ms):.2f}"])
    notes = [f"{MOVEMENTS} movements, {TURN_MS} ms apart; {SETTLE_MS} ms of settling taken out; aim {AIM_MS} ms."]
    show(
        said(),
        "A card that syncs slowly: settled edge to subscriber",
        ["each sync", "p50 ms", "p99 ms", "max ms"],
        rows,
        notes,
    )


def measure(sync_ms: int) -> list[float]:
    """Latencies in ms, the settle time taken out."""
    with stage("slow-card") as on, ExitStack() as closing:
        broker = on.broker("broker")
        ear = Ear(broker.port)
        closing.callback(ear.close)
        slow = on.folder / "slow"
        slow.write_text("0")
        os.environ |= {"LD_PRELOAD": str(_preload(on.folder)), "SLOW_SYNC": str(slow)}
        try:
            player = on.play("unit", "play_unit.py", str(on.unit("unit", broker, SETTLE_MS)))
        finally:
            del os.environ["LD_PRELOAD"], os.environ["SLOW_SYNC"]
        player.ready()
        ear.wait(lambda one: one.topic.endswith("/online"), 1, 10)
        slow.write_text(str(sync_ms))
        at_ns, dice = soon_ns(1), random.Random(1)
        player.go([at_ns + n * TURN_MS * MS + dice.randrange(MS) for n in range(MOVEMENTS)])
        moved_ns = player.moved_ns()
        heard = ear.wait(lambda one: one.topic.endswith("/event") and _moved(one.payload), MOVEMENTS, 10)
        slow.write_text("0")  # for the unit's end
        return [(one.arrived_ns - at) / MS - SETTLE_MS for at, one in zip(moved_ns, heard, strict=True)]


def _moved(payload: bytes) -> bool:
    record = decode("unit", payload).data.record
    return isinstance(record, Event) and record.change in (Change.OPENED, Change.SHUT)


def _preload(folder: Path) -> Path:
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(PRELOAD)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


main()
