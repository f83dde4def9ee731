"""Parts of the report: latency, footprint, what an event costs, cold start, time of import; all peers on one broker."""

import random
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from statistics import median

import peer
import proc
from beat import now_ns
from ear import Ear
from peer import OURS, PEERS
from stage import ROOT, Player, Stage, command, node_red, soon_ns, stage
from table import percentile

from edge.station.broker import Broker

MS = 1_000_000
Rows = dict[str, dict[str, float]]  # who -> measure -> figure
WARM_UP = 10
TURN_MS = (8, 16)


def running(events: int, idle_s: float, there: dict[str, str]) -> Rows:
    """Everybody started at once and idle together, then taking turns, then one by one under strace."""
    rows: Rows = {name: {} for name in there}
    with stage("report-running") as on, ExitStack() as closing:
        broker = on.broker("broker")
        ear = Ear(broker.port)
        closing.callback(ear.close)
        players = {name: peer.start(on, broker, name, told) for name, told in there.items()}
        raw = on.play("raw", "play_raw.py", "raw", str(broker.port))
        for player in (*players.values(), raw):
            player.ready()
        ear.wait(lambda one: one.topic == f"door/v1/{OURS}/online", 1, 20)
        pids = {name: peer.pid(name, player) for name, player in players.items()}
        idle(rows, pids, idle_s)
        latencies(rows, {**players, "raw": raw}, ear, events)
        for name, player in players.items():
            per_event(rows[name], name, player, pids[name], ear, events)
            syncs(rows[name], name, player, pids[name], on, min(events, 100))
    return rows


def idle(rows: Rows, pids: dict[str, int], idle_s: float) -> None:
    """Memory, and CPU and switches while nothing happens."""
    time.sleep(min(10, idle_s))
    before = {name: proc.load(pid) for name, pid in pids.items()}
    time.sleep(idle_s)
    for name, pid in pids.items():
        new, old = proc.load(pid), before[name]
        rows[name]["pss_mib"] = proc.memory(pid)[1]
        rows[name]["idle_cpu_pct"] = (new.run_ns - old.run_ns) / idle_s / 1e7
        rows[name]["idle_switches_s"] = (new.switches - old.switches) / idle_s


def latencies(rows: Rows, players: dict[str, Player], ear: Ear, events: int) -> None:
    """Edge to subscriber, in ms, settling taken out. Who works on beyond his turn comes last, alone."""
    dice = random.Random(1)
    together = [name for name in players if name not in PEERS or PEERS[name].per_turn]
    dice.shuffle(together)
    due_ns: dict[str, list[int]] = {name: [] for name in players}
    at_ns = soon_ns(0.5)
    alone = [[name] for name in players if name not in together]
    for group in (together, *alone):
        for _ in range(WARM_UP + events):
            for name in group:
                due_ns[name].append(at_ns)
                settle_ms = PEERS[name].settle_ms if name in PEERS else 0
                at_ns += int((dice.uniform(*TURN_MS) + settle_ms) * MS)
    begun = len(ear.heard)
    for name, player in players.items():
        player.go(due_ns[name])
    moved = {name: player.moved_ns() for name, player in players.items()}
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s and any(len(_told(ear, begun, name)) < WARM_UP + events for name in moved):
        time.sleep(0.2)
    for name, moved_ns in moved.items():
        told = _told(ear, begun, name)
        row = rows.setdefault(name, {})
        row["told_of_moved"] = len(told) / len(moved_ns)
        if len(told) != len(moved_ns):
            continue
        settle_ms = PEERS[name].settle_ms if name in PEERS else 0
        took = [(a - b) / MS - settle_ms for a, b in zip(told, moved_ns, strict=True)][WARM_UP:]
        row["latency_p50_ms"], row["latency_p99_ms"] = percentile(took, 50), percentile(took, 99)


def _told(ear: Ear, begun: int, name: str) -> list[int]:
    """Since `begun`; of mqtt-io, whose first message may be from before, since ever."""
    return peer.delivered(name, ear.heard[0 if name == "mqtt-io" else begun :])


def per_event(row: dict[str, float], name: str, player: Player, pid: int, ear: Ear, events: int) -> None:
    """CPU and bytes of one movement, its receipt included."""
    before = proc.load(pid)
    _play(player, events, 25)
    time.sleep(1)
    after = proc.load(pid)
    row["cpu_ms_event"] = (after.run_ns - before.run_ns) / MS / events
    row["written_kb_event"] = (after.stored_bytes - before.stored_bytes) / 1000 / events


def syncs(row: dict[str, float], name: str, player: Player, pid: int, on: Stage, events: int) -> None:
    """Calls of fsync and fdatasync for one movement; left out without strace."""
    strace = shutil.which("strace")
    if strace is None:
        return
    out = on.folder / f"{name}.strace"
    words = [strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(out), "-p", str(pid)]
    tracer = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)  # to attach itself to every thread
        _play(player, events, 40)
        time.sleep(1)
    finally:
        tracer.terminate()
        tracer.wait(10)
    row["syncs_event"] = sum("sync(" in line for line in out.read_text(encoding="ascii").splitlines()) / events


def starts(rounds: int, there: dict[str, str]) -> Rows:
    """From exec to the first delivered event: how ours found its door; of the others, a movement once they are up."""
    took: dict[str, list[float]] = {}
    with stage("report-start") as on:
        broker = on.broker("broker")
        for number in range(rounds + 1):
            for name, told in there.items():
                ms = _start(on, broker, name, told)
                if number:  # the first one compiles
                    took.setdefault(name, []).append(ms)
    return {name: {"start_ms": median(each)} for name, each in took.items()}


def imports(rounds: int, there: dict[str, str]) -> Rows:
    """Time that an interpreter with the program's modules takes to start, less that of a bare one; medians, ms."""
    ways = {
        OURS: (sys.executable, "import edge.cli.run, edge.assemble"),
        "plain": (sys.executable, "import gpiozero, paho.mqtt.client"),
        "mqtt-io": (there.get("mqtt-io", ""), "import mqtt_io.server"),
        "thingsboard": (there.get("thingsboard", ""), "import thingsboard_gateway.gateway.tb_gateway_service"),
    }
    rows = {}
    for name, (python, words) in ways.items():
        if name in there and python:
            rows[name] = {"import_ms": _timed([python, "-c", words], rounds) - _timed([python, "-c", ""], rounds)}
    if "node-red" in there:
        words = [f"require({node_red().removesuffix('red.js') + 'lib/red.js'!r})", ""]
        loaded, bare = (_timed(["node", "-e", one], rounds) for one in words)
        rows["node-red"] = {"import_ms": loaded - bare}
    return rows


def _timed(words: list[str], rounds: int) -> float:
    took = []
    for _ in range(rounds + 1):
        begun_ns = now_ns()
        subprocess.run(words, check=True, cwd=ROOT, capture_output=True, timeout=60)
        took.append((now_ns() - begun_ns) / MS)
    return median(took[1:])


def _play(player: Player, movements: int, apart_ms: int) -> None:
    player.go([soon_ns(0.1) + number * apart_ms * MS for number in range(movements)])
    player.moved_ns()


def _start(on: Stage, broker: Broker, name: str, told: str) -> float:
    ear = Ear(broker.port)
    try:
        if name == OURS:
            settings = on.folder / "cold" / "doorunit.toml"
            if not settings.exists():
                on.unit("cold", broker, 50)
            with (on.folder / "cold.log").open("ab") as log:
                begun_ns = now_ns()
                process = subprocess.Popen(command(str(settings)), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                found = ear.wait(lambda one: one.topic == "door/v1/cold/event" and b'"found"' in one.payload, 1, 20)
            finally:
                process.terminate()
                process.wait(10)
            return (found[0].arrived_ns - begun_ns) / MS
        begun_ns = now_ns()
        player = peer.start(on, broker, name, told)
        try:
            player.ready()
            player.go([now_ns()])
            player.moved_ns()
            deadline_s = time.monotonic() + 10
            while not (arrived := peer.delivered(name, ear.heard)) and time.monotonic() < deadline_s:
                time.sleep(0.002)
        finally:
            player.end()
        return (arrived[0] - begun_ns) / MS
    finally:
        ear.close()
