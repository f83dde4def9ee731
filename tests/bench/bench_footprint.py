"""Memory, idle load and writes of `doorunit run --simulate` without camera, beside the plain script's.

Two processes, idle side by side, then one opening after another. The unit's door is moved through its socket, as the
demo does it; every event is on the disk and has its receipt.
"""

import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import proc
from ear import Ear, Heard
from sizes import sizes
from stage import Player, Stage, command, said, soon_ns, stage
from table import show

from edge.records import Change, Event
from edge.sim import remote
from edge.wire import decode

SIZES = sizes(__doc__, openings=1000, idle_s=20, sync_events=100)
OPENINGS = SIZES.openings
SETTLE_MS = 5  # the least that door.settle_ms takes: not to wait longer than need be
WARM_S = 10
IDLE_S = SIZES.idle_s
SYNC_EVENTS = SIZES.sync_events
MS = 1_000_000


class Idle(NamedTuple):
    """A process after WARM_S, and what it does by itself in IDLE_S."""

    rss: float
    pss: float
    cpu_ms: float  # a second
    switches: float  # a second


def main() -> None:
    """One table for both."""
    with ExitStack() as closing:
        on = closing.enter_context(stage("footprint"))
        broker = on.broker("broker")
        ear = Ear(broker.port)
        closing.callback(ear.close)
        plain = on.play("plain", "play_plain.py", "plain", str(broker.port))
        unit = start(on, closing, str(on.unit("unit", broker, SETTLE_MS)))
        plain.ready()
        ear.wait(lambda one: one.topic == "door/v1/unit/online", 1, 20)
        ours, theirs = idle(unit.pid, plain.pid)
        before = proc.load(unit.pid), proc.load(plain.pid)
        move_plain(plain, ear)
        move_unit(on.folder / "unit" / "state", ear, 2 * OPENINGS)
        time.sleep(1)  # for the last receipt to have been written down
        after = proc.load(unit.pid), proc.load(plain.pid)
        rows = [
            row("doorunit", unit.pid, ours, before[0], after[0]),
            row("plain script", plain.pid, theirs, before[1], after[1]),
        ]
        notes = [
            f"Idle: {IDLE_S} s, from {WARM_S} s after the start. Of doorunit's, 2 switches/s and 0.7 ms/event are its",
            "simulated door's socket, which no real unit has.",
            syncs(on, ear, unit.pid),
        ]
    head = ["", "RSS MiB idle", "PSS", f"RSS after {OPENINGS}", "PSS", "idle CPU ms/s", "idle switches/s"]
    head += ["CPU ms/event", "kB written/event", "kB to disk/event"]
    show(said(), "Footprint", head, rows, notes)


def start(on: Stage, closing: ExitStack, settings: str) -> subprocess.Popen:
    """`doorunit run --simulate`; it is ended with the bench."""
    with (on.folder / "unit.log").open("ab") as log:
        process = subprocess.Popen(command(settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end() -> None:
        process.terminate()
        process.wait(10)

    closing.callback(end)
    return process


def idle(*pids: int) -> list[Idle]:
    """Each of them while nothing happens."""
    time.sleep(WARM_S)
    memory = [proc.memory(pid) for pid in pids]
    before = [proc.load(pid) for pid in pids]
    time.sleep(IDLE_S)
    after = [proc.load(pid) for pid in pids]
    return [
        Idle(*held, (new.run_ns - old.run_ns) / MS / IDLE_S, (new.switches - old.switches) / IDLE_S)
        for held, old, new in zip(memory, before, after, strict=True)
    ]


def move_plain(plain: Player, ear: Ear) -> None:
    """As many movements as the unit's; the script has no settle time."""
    plain.go([soon_ns(0.1) + number * 2 * MS for number in range(2 * OPENINGS)])
    plain.moved_ns()
    ear.wait(lambda one: one.topic == "door/v1/plain/event", 2 * OPENINGS, 10)


def move_unit(state: Path, ear: Ear, movements: int) -> None:
    """One movement after another, each as soon as the one before has been told."""
    for number in range(movements):
        seen = len(ear.heard)
        remote.move(state / remote.NAME, "shut" if number % 2 else "open")
        await_told(ear, seen)


def await_told(ear: Ear, seen: int) -> None:
    """Until a movement of the unit's door is among what was heard after the first `seen`."""
    deadline_s = time.monotonic() + 10
    while not any(is_movement(one) for one in ear.heard[seen:]):
        if time.monotonic() > deadline_s:
            raise RuntimeError("a movement was not told within 10 s")
        time.sleep(0.001)


def is_movement(one: Heard) -> bool:
    """Whether this is the record of a door that was moved."""
    if one.topic != "door/v1/unit/event":
        return False
    record = decode("unit", one.payload).data.record
    return isinstance(record, Event) and record.change in (Change.OPENED, Change.SHUT)


def row(name: str, pid: int, quiet: Idle, before: proc.Load, after: proc.Load) -> list[str]:
    """One process's line."""
    events = 2 * OPENINGS
    rss, pss = proc.memory(pid)
    per = proc.Load(*((new - old) / events for new, old in zip(after, before, strict=True)))
    figures = [f"{quiet.rss:.1f}", f"{quiet.pss:.1f}", f"{rss:.1f}", f"{pss:.1f}"]
    figures += [f"{quiet.cpu_ms:.2f}", f"{quiet.switches:.1f}"]
    cpu_ms, written, stored = per.cpu_s * 1000, per.written_bytes / 1000, per.stored_bytes / 1000
    return [name, *figures, f"{cpu_ms:.1f}", f"{written:.1f}", f"{stored:.1f}"]


def syncs(on: Stage, ear: Ear, pid: int) -> str:
    """How often the unit syncs for an event, counted by strace where there is one."""
    strace = shutil.which("strace")
    if strace is None:
        return "Syncs are not counted: there is no strace here."
    out = on.folder / "strace.txt"
    words = [strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(out), "-p", str(pid)]
    tracer = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)  # to attach itself to every thread
        move_unit(on.folder / "unit" / "state", ear, SYNC_EVENTS)
        time.sleep(1)
    finally:
        tracer.terminate()
        tracer.wait(10)
    count = sum("sync(" in line for line in out.read_text(encoding="ascii").splitlines())
    return f"Syncs for an event and its receipt: {count / SYNC_EVENTS:.2f} (strace, {SYNC_EVENTS} events)."


main()
