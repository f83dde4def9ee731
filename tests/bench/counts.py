"""What an opening and an idle hour cost, in counts that are the same on every machine and under any load.

    python tests/bench/counts.py              # counts, and compares with counts.json
    python tests/bench/counts.py --accept     # what was counted is what is right from now on

One fixed history of the simulated world: the real unit on the settings as shipped, without camera; an hour in which
nothing happens, then an hour with an opening every two minutes. SQLite really writes, and the kernel's calls are
counted (strace), so a sync is a sync. It counts work, not time: what a second is worth is for the benches to say.
"""

import argparse
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.board.host import HostReading
from edge.clock import SECOND
from edge.sim.world import World

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("counts.json")
TOLERANCE = 0.02  # a version number that is longer by a digit is no reason to stop anybody
BLOCKS = "blocks kept"  # of memory, by Python's own count; the only figure that wobbles
OPENINGS = 30
HOUR = 3600 * SECOND
PATIENCE_S = 60
CALLS = "calls of edge's functions"  # another Python version inlines other things: compared on the same one only
_HOST = HostReading(temperature_c=44.3, under_voltage=False, memory_mb=24.6, available_mb=301.2, disk_free_mb=11_204.0)
_SYSCALL = re.compile(r"^\d+ +(\w+)\(\d+<([^>]*)>.*= (\d+)$")

ROOM = {("idle hour", BLOCKS): 150}  # 202 to 244 were seen; a block that each pulse left behind would be 180 more
LOOSER = {BLOCKS: 0.15, CALLS: 0.05}  # calls: every feature adds a few, and a loop over all of something adds many

Counts = dict[str, float]  # what -> how often


def count() -> dict[str, Counts]:
    """{"opening": ..., "idle hour": ...}, by playing the history in a process of its own under strace."""
    strace = shutil.which("strace")
    if strace is None:
        raise SystemExit("tests/bench/counts.py: found no strace; want it. Debian: apt-get install strace")
    with tempfile.TemporaryDirectory(prefix="doorunit-counts-") as name:
        folder = Path(name)
        trace = folder / "trace"
        traced = "fsync,fdatasync,write,pwrite64,ftruncate"
        words = [strace, "-f", "-qq", "--seccomp-bpf", "-y", "-s", "16", "-e", f"trace={traced}", "-o", str(trace)]
        child = [sys.executable, str(Path(__file__)), "--play", str(folder / "state")]
        env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        ended = subprocess.run([*words, *child], env=env, capture_output=True, text=True, timeout=PATIENCE_S)
        if ended.returncode != 0:
            raise SystemExit(f"tests/bench/counts.py: the history ended with {ended.returncode}\n{ended.stderr}")
        hours: list[Counts] = json.loads(ended.stdout)
        for hour, card in zip(hours, _card(trace.read_text(encoding="utf-8"), folder / "state"), strict=True):
            hour.update(card)
    idle, busy = hours
    return {"opening": {what: (busy[what] - idle[what]) / OPENINGS for what in idle}, "idle hour": idle}


def worse(was: Mapping[str, Counts], now: Mapping[str, Counts], *, same_python: bool) -> list[str]:
    """A sentence for each count that is higher than `was` allows, or that `was` does not know."""
    found = []
    for of, counts in now.items():
        for what, is_now in counts.items():
            before = was.get(of, {}).get(what)
            if what in (CALLS, BLOCKS) and not same_python:
                continue
            tolerance = LOOSER.get(what, TOLERANCE)
            if before is None:
                found.append(f"{what} per {of}: was never counted, is {is_now:g}")
            elif is_now > before + max(before * tolerance, ROOM.get((of, what), 0.05)):
                found.append(f"{what} per {of}: was {before:g}, is {is_now:g}")
    return found


def accepted() -> tuple[dict[str, Counts], bool]:
    """What is right, and whether it was counted by this Python's minor version."""
    table = json.loads(TABLE.read_text(encoding="ascii"))
    return table["counts"], table["python"] == _python()


def remedy(found: list[str]) -> str:
    """What somebody whose change made it worse must know."""
    return "\n".join([*found, "If that is intended, run: python tests/bench/counts.py --accept"])


def play(folder: Path) -> list[Counts]:
    """The history, in this process: an idle hour, then one with openings. What the card sees is for strace."""
    folder.mkdir(parents=True)
    world = World(1, folder, {"camera": {"enabled": False}})
    world.host = _HOST
    world.city.latency_ms = (10, 10)
    world.city.window = 65_535
    counter = Counter[str]()
    _listen(world, counter)
    world.run(2 * 3600 * SECOND)  # past the start, and whatever it does later than that
    for minute in range(2 * OPENINGS):
        world.at(world.now_ns + HOUR + minute * 60 * SECOND + SECOND, partial(world.move, minute % 2 == 1, "bounce"))
    _watch(world, counter)
    hours = []
    with (folder / "marks").open("wb", buffering=0) as marks:
        for number in (1, 2):
            marks.write(b"%d" % number)
            blocks = _blocks()
            counter.clear()
            sys.setprofile(_profiler(counter))
            world.advance((2 + number) * HOUR)
            sys.setprofile(None)
            hours.append({**{what: counter[what] for what in _COUNTED}, BLOCKS: max(0, _blocks() - blocks)})
        marks.write(b"3")
    if wrong := world.wrong():
        raise SystemExit("\n".join(wrong))
    return hours


_COUNTED = ("MQTT messages up", "MQTT messages down", "bytes up", "bytes down", "steps of the loop", CALLS)


def _listen(world: World, counter: Counter[str]) -> None:
    """Count what goes over the link: each message with its topic; frames of MQTT, TLS and TCP are bench_wire's."""
    publish, reply = world.city.publish, world.city._reply

    def up(topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        sent = publish(topic, payload, qos=qos, retain=retain, token=token)
        counter["MQTT messages up"] += sent
        counter["bytes up"] += len(topic) + len(payload) if sent else 0
        return sent

    def down(session: int, fact: object) -> None:
        counter["MQTT messages down"] += 1
        counter["bytes down"] += len(fact.topic) + len(fact.payload)
        reply(session, fact)

    world.city.publish = up
    world.city._reply = down


def _watch(world: World, counter: Counter[str]) -> None:
    guard = world.loop._guard

    def step(act: Callable[..., None], *args: object) -> None:
        counter["steps of the loop"] += 1
        guard(act, *args)

    world.loop._guard = step


def _profiler(counter: Counter[str]) -> Callable[[FrameType, str, object], None]:
    ours, simulated = f"{ROOT}/edge/", f"{ROOT}/edge/sim/"
    known: dict[CodeType, bool] = {}

    def profile(frame: FrameType, kind: str, _arg: object) -> None:
        code = frame.f_code
        if kind == "call":
            if code not in known:
                known[code] = code.co_filename.startswith(ours) and not code.co_filename.startswith(simulated)
            counter[CALLS] += known[code]

    return profile


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def _card(trace: str, state: Path) -> list[Counts]:
    """Syncs and bytes of each hour. SQLite's index of its -wal is shared memory, which nobody waits for."""
    hours: list[Counts] = []
    for line in trace.splitlines():
        call = _SYSCALL.match(line)
        if call is None or not call[2].startswith(f"{state}"):
            continue
        name, path, result = call.groups()
        if path.endswith("/marks"):
            hours.append({"syncs": 0, "bytes to the card": 0})
        elif hours and "sync" in name:
            hours[-1]["syncs"] += 1
        elif hours and "write" in name:
            hours[-1]["bytes to the card"] += int(result)
    return hours[:2]


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> int:
    """0: nothing is worse than what was accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true", help="write what is counted into counts.json")
    parser.add_argument("--play", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.play is not None:
        print(json.dumps(play(args.play)))
        return 0
    now = count()
    if args.accept:
        TABLE.write_text(json.dumps({"python": _python(), "counts": now}, indent=2) + "\n", encoding="ascii")
    was, same_python = accepted()
    print("| | was | is |\n| --- | ---: | ---: |")
    for of, counts in now.items():
        for what, is_now in counts.items():
            print(f"| {what} per {of} | {was.get(of, {}).get(what, '-')} | {is_now:g} |")
    found = worse(was, now, same_python=same_python)
    if found:
        print(remedy(found), file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
