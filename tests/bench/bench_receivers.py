"""Records committed and receipted in a second: one receiver on SQLite, then 1, 2 and 4 side by side on PostgreSQL.

Each receiver is `doorunit station receive` as a process, on one mosquitto with a shared subscription; every commit is
synced. CPU times stand beside, for they say what a machine of its own for each would do where this one has few cores.
"""

import argparse
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import proc
from feed import Feed
from stage import Stage, said, stage
from table import show

from edge.station.ledger import Ledger
from edge.station.postgres import PostgresStore
from tests.station.database import Database

UNITS = 1000
WITHIN_S = 120
ROWS = (("SQLite", 1), ("PostgreSQL", 1), ("PostgreSQL", 2), ("PostgreSQL", 4))


def main() -> None:
    """One row for each of ROWS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=20, help=f"records of each of {UNITS} units (default 20)")
    each = parser.parse_args().each
    rows = [measure(kind, count, each) for kind, count in ROWS]
    head = [
        "",
        "records/s",
        "records a commit",
        "receivers' CPU us a record",
        "database's",
        "broker's",
        "disk bytes a record",
        "log bytes a record",
        "lost",
    ]
    notes = [
        f"{UNITS * each} openings of {UNITS} units, offered at once. Publisher, broker and database share the cores."
    ]
    show(said(), "Receivers side by side", head, rows, notes)


def measure(kind: str, count: int, each: int) -> list[str]:
    """One row: the table's columns."""
    feed = Feed(UNITS, each)
    total = len(feed.messages)
    with stage("receivers") as on, ExitStack() as closers:
        broker = on.broker("broker")
        database = Database() if kind == "PostgreSQL" else None
        if database:
            closers.callback(database.close)
        place = database.url if database else str(on.folder / "ledger")
        receivers = [start(on, closers, broker.port, place, i) for i in range(count)]
        before = spent(receivers), 0.0 if database is None else database.cpu_s()
        lasted_s = feed.play(broker.port, WITHIN_S)
        cpu_s = spent(receivers) - before[0]
        theirs_s = 0.0 if database is None else database.cpu_s() - before[1]
        broker_s = proc.load(broker.pid).cpu_s
        store = PostgresStore(place) if database else Path(place)
        with closing(Ledger(store)) as ledger:
            kept = int(ledger.read("SELECT count(*) FROM record")[0][0])
            disk, journal = sizes(on.folder) if database is None else theirs(ledger)
            commits = len(ledger.read("SELECT DISTINCT xmin::text FROM record")) if database else 0
    return [
        f"{kind}, {count}",
        f"{total / lasted_s:,.0f}",
        f"{total / commits:.0f}" if commits else "-",
        f"{cpu_s / total * 1e6:.0f}",
        f"{theirs_s / total * 1e6:.0f}" if database else "within",
        f"{broker_s / total * 1e6:.0f}",
        f"{disk / total:.0f}",
        f"{journal / total:.0f}" if journal else "-",
        str(total - kept),
    ]


def sizes(folder: Path) -> tuple[int, int]:
    """Bytes of the file; its last writer folded the log into it."""
    return (folder / "ledger" / "ledger.db").stat().st_size, 0


def theirs(ledger: Ledger) -> tuple[int, int]:
    """Bytes of the record table with its indices; of all that was written to the write-ahead log since its making."""
    (disk,) = ledger.read("SELECT pg_total_relation_size('record')")[0]
    (journal,) = ledger.read("SELECT wal_bytes FROM pg_stat_wal")[0]
    return int(disk), int(journal)


def start(on: Stage, closers: ExitStack, port: int, place: str, i: int) -> int:
    """A receiver that receives; its process id."""
    words = ["--ledger", place, "--broker", f"mqtt://127.0.0.1:{port}", "--group", "bench", "--client", f"bench-{i}"]
    with (on.folder / f"receiver-{i}.log").open("ab") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge.cli", "station", "receive", *words, "--json"],
            stdout=subprocess.PIPE,
            stderr=err,
        )
    closers.callback(end, process)
    if process.stdout is None or not process.stdout.readline():
        raise RuntimeError(f"a receiver ended too soon; its last words are in {on.folder}")
    return process.pid


def end(process: "subprocess.Popen[bytes]") -> None:
    """In order."""
    process.terminate()
    process.wait(10)
    if process.stdout is not None:
        process.stdout.close()


def spent(pids: list[int]) -> float:
    """CPU seconds of all of them."""
    return sum(proc.load(pid).cpu_s for pid in pids)


main()
