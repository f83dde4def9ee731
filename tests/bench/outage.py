"""Parts of the report: what an outage and a kill -9 cost each peer, and how a long backlog drains."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import peer
import proc
from costs import Rows
from ear import Ear, Heard
from peer import OURS, SETTLE_MS
from stage import HERE, Player, Stage, soon_ns, stage
from table import percentile

from edge.clock import SystemClock
from edge.records import Change, Event
from edge.spool.store import SqliteStore
from edge.wire import decode

MS = 1_000_000
APART_MS = 25
LIVE_APART_MS = 40
ONE_MESSAGE_NS = 10 * MS  # all within this: they came in one message, and that is no rate
KILL_AFTER_S = 0.1  # ours is on the card some 20 ms after an edge, its settling included


def outages(events: int, there: dict[str, str], *, kill: bool) -> Rows:
    """The broker goes, the door moves, with `kill` the program is killed; the broker is back, and what comes?"""
    rows: Rows = {}
    for name, told in there.items():
        with stage(f"report-outage-{name}") as on, ExitStack() as closing:
            got = _outage(on, closing, name, told, events, kill)
            rows[name] = {"after_kill" if kill else "after_outage": len(got) / events}
            if not kill and len(got) > 1 and got[-1] - got[0] > ONE_MESSAGE_NS:
                rows[name]["drain_s"] = (len(got) - 1) * 1e9 / (got[-1] - got[0])
        sys.stderr.write(f"report: {name}, {'kill -9' if kill else 'outage'}: {len(got)} of {events}\n")
    return rows


def _outage(on: Stage, closing: ExitStack, name: str, told: str, events: int, kill: bool) -> list[int]:
    """When each of its movements arrived, in order of arrival."""
    broker = on.broker("broker")
    feed = on.broker("feed") if name == "thingsboard" else None
    player = peer.start(on, broker, name, told, feed)
    player.ready()
    time.sleep(1)
    broker.close()
    begun_s = time.monotonic()
    player.go([soon_ns(0.5) + number * APART_MS * MS for number in range(events)])
    player.moved_ns()
    time.sleep(KILL_AFTER_S if kill else 1)
    away_s = time.monotonic() - begun_s
    if kill:
        _kill(player)
    back = on.broker("broker-back", port=broker.port)
    ear = Ear(back.port)
    closing.callback(ear.close)
    if kill:
        again = peer.start(on, back, name, told, feed)
        again.ready()
    return _arrivals(name, ear, events, away_s + 20)  # paho's pauses double, so the last is as long as all before


def _arrivals(name: str, ear: Ear, events: int, patience_s: float) -> list[int]:
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        time.sleep(0.5)
        if len(peer.delivered(name, list(ear.heard))) >= events:
            break
    return sorted(peer.delivered(name, ear.heard))[:events]


def _kill(player: Player) -> None:
    """kill -9, what it started included."""
    for pid in {proc.eldest(player.pid), player.pid}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def drains(records: int) -> Rows:
    """Records per second of a backlog, ours beside the least and the most that paho does; and latency meanwhile."""
    rows: Rows = {OURS: _drain(records)}
    for name, share in (("raw", 1), ("one-sync", 20)):
        with stage(f"report-drain-{name}") as on, ExitStack() as closing:
            broker = on.broker("broker")
            ear = Ear(broker.port)
            closing.callback(ear.close)
            count = max(50, records // share)
            words = [sys.executable, str(HERE / "play_drain.py"), name, str(broker.port), str(count), str(on.folder)]
            subprocess.run(words, check=True, timeout=600)
            time.sleep(0.5)
            first, last = ear.heard[0].arrived_ns, ear.heard[-1].arrived_ns
            rows[name] = {"backlog_drain_s": (len(ear.heard) - 1) * 1e9 / (last - first)}
    return rows


def _drain(records: int) -> dict[str, float]:
    with stage("report-drain") as on, ExitStack() as closing:
        broker = on.broker("broker")
        ear = Ear(broker.port)
        closing.callback(ear.close)
        settings = on.unit("unit", broker, SETTLE_MS)
        last_seq = fill(settings.parent / "state", records)
        player = on.play("unit", "play_unit.py", str(settings))
        player.ready()
        moved_ns: list[int] = []
        while len(ear.heard) < records and len(moved_ns) < 10_000:
            player.go([soon_ns(0.05) + number * LIVE_APART_MS * MS for number in range(10)])
            moved_ns += player.moved_ns()
        time.sleep(2)
        return _drained(ear.heard, last_seq, records, moved_ns)


def _drained(heard: list[Heard], last_seq: int, records: int, moved_ns: list[int]) -> dict[str, float]:
    backlog: dict[int, int] = {}
    live: dict[int, int] = {}
    for one in heard:
        if one.topic == "door/v1/unit/event":
            record = decode("unit", one.payload).data.record
            if record.seq <= last_seq:
                backlog.setdefault(record.seq, one.arrived_ns)
            elif isinstance(record, Event) and record.change in (Change.OPENED, Change.SHUT):
                live.setdefault(record.seq, one.arrived_ns)
    ended_ns = max(backlog.values())
    pairs = zip(sorted(live.values()), moved_ns, strict=True)
    took = [(told - moved) / MS - SETTLE_MS for told, moved in pairs if told < ended_ns]
    rate = (len(backlog) - 1) * 1e9 / (ended_ns - min(backlog.values()))
    row = {"backlog_drain_s": rate, "backlog_came": len(backlog) / records, "live_samples": float(len(took))}
    if took:
        row |= {"live_p50_ms": percentile(took, 50), "live_p99_ms": percentile(took, 99)}
    return row


def fill(state: Path, records: int) -> int:
    """A spool with so many events that nobody has a receipt for; the last of their seqs."""
    store, clock = SqliteStore(state, lambda: "bench-backlog"), SystemClock(assume_synced=True)
    known = store.open()
    first, at = known.next_seq, clock.read()

    def put(n: int) -> Event:
        change, door = (Change.SHUT, "shut") if n % 2 else (Change.OPENED, "open")
        return Event(epoch=known.epoch, seq=first + n, at=at.at(at.boot_ns - records + n), change=change, door=door)

    for low in range(0, records, 1000):
        batch = range(low, min(low + 1000, records))
        store.commit([lambda s, n=n: s.put(known.next_n + n, put(n)) for n in batch])
    store.commit([lambda s: s.reserve(first + records, clean=True), lambda s: s.anchor(at)])
    store.close()
    return first + records - 1
