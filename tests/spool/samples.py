"""Records and rows as a unit makes them, for the spool's tests."""

import shutil
from pathlib import Path

from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.parts import FrameRow
from edge.records import Change, Event
from edge.spool.store import SqliteStore

RAM = "/dev/shm"  # where a sync costs nothing


def stamp(boot_ns: int = SECOND, boot: str = "boot-1") -> Stamp:
    return Stamp(boot, boot_ns, FLOOR_NS + boot_ns, Quality.SYNCED, 1)


def event(seq: int, epoch: str = "epoch-1", *, reason: str = "") -> Event:
    return Event(epoch=epoch, seq=seq, at=stamp(seq * SECOND), change=Change.OPENED, reason=reason)


def row(name: str, size_bytes: int = 100, *, event: int = 1) -> FrameRow:
    return FrameRow(name, "epoch-1", event, stamp(event * SECOND), size_bytes)


def put(store: SqliteStore, *seqs: int, epoch: str = "epoch-1") -> None:
    """Records whose row numbers are their seqs, in one commit."""
    store.commit([lambda s, seq=seq: s.put(seq, event(seq, epoch)) for seq in seqs])


def seqs(store: SqliteStore) -> list[int]:
    return [record.seq for _, record in store.read(0, 1000)]


def power_cut(folder: Path, to: Path) -> Path:
    """The folder as it lies on the card at this instant."""
    shutil.copytree(folder, to)
    (to / "spool.db-shm").unlink(missing_ok=True)  # it is memory, and gone with the power
    return to
