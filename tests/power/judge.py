"""Opens what a cut left with the unit's own code, and says which promises are broken."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.parts import Snapshot
from edge.records import AnyRecord, Event, Gap, Key, pack
from edge.spool.frames import FrameFiles
from edge.spool.recover import open_spool
from edge.spool.store import SqliteStore
from edge.unit.recorder import stored_door
from tests.power.notes import Held, Promise, counted, tells_of_loss

FRESH = "epoch-of-the-judge"


@dataclass
class Verdict:
    """`broken` says what is wrong; `found` is what the card held before it was opened."""

    broken: list[str]
    found: Held | None = None


class _Store(SqliteStore):
    """Keeps what was found, before frames without a row are adopted and rows without a frame dropped."""

    seen: Snapshot
    records: list[tuple[int, AnyRecord]]
    frames: set[str]

    def open(self) -> Snapshot:
        self.seen = super().open()
        self.records = self.read(0, 1_000_000)
        folder = self.path.parent / "frames"
        self.frames = {path.name for path in folder.iterdir()} if folder.exists() else set()
        return self.seen


def judge(folder: Path, promise: Promise) -> Verdict:
    """The unit starts on this card."""
    store, files = _Store(folder, lambda: FRESH), FrameFiles(folder / "frames")
    try:
        snapshot = open_spool(store, files)
        (sound,) = store._connection().execute("PRAGMA integrity_check(1)").fetchone()
    except Exception as err:  # whatever it is, the unit would not have its spool
        return Verdict([f"the spool does not open: {err!r}"])
    finally:
        store.close()
    found = Held.of(store.seen, {n: pack(record) for n, record in store.records})
    case = _Case(folder, promise, store, snapshot, found)
    corrupt = [] if sound == "ok" else [f"integrity_check says {sound}"]
    return Verdict([*corrupt, *case.spool(), *case.records(), *case.seqs(), *case.frames(), *case.commits()], found)


class _Case:
    """One opened card against what was promised. Each method yields one sentence for each promise that is broken."""

    def __init__(self, folder: Path, promise: Promise, store: _Store, snapshot: Snapshot, found: Held) -> None:
        self._folder = folder
        self._promise = promise
        self._store = store
        self._snapshot = snapshot
        self._found = found
        self._keys = [(record.epoch, record.seq) for _, record in store.records]
        self._gaps = [record for _, record in store.records if isinstance(record, Gap)]

    def spool(self) -> Iterator[str]:
        aside = {path.name for path in self._folder.glob("spool.db.damaged-*[0-9]")}
        if len(aside) > self._promise.damaged:
            yield f"a spool was corrupt: set aside are {sorted(aside)}"
        elif len(aside) < self._promise.damaged:
            yield "a damaged spool is gone, or was opened as if it were whole"
        elif aside and not self._snapshot.loss and not self._loss_told():
            yield "a spool was set aside and nobody is told"
        elif self._promise.held and self._snapshot.epoch == FRESH:
            yield "the whole spool is gone, and another one was begun"

    def records(self) -> Iterator[str]:
        promise, have = self._promise, dict(zip(self._keys, self._found.records.values(), strict=True))
        if len(have) != len(self._keys):
            yield f"a record is there twice: {sorted(self._keys)}"
        lost = [key for key, body in promise.owed.items() if have.get(key) != body]
        if lost:
            yield f"{len(lost)} acknowledged records are lost: {_some(lost)}"
        strange = [key for key, body in have.items() if promise.bodies.get(key) != body]
        if strange:
            yield f"{len(strange)} records were never put like this: {_some(strange)}"
        untold = promise.evicted - set(self._keys) - {key for gap in self._gaps for key in counted(gap)}
        if untold:
            yield f"{len(untold)} records were evicted and no Gap counts them: {_some(untold)}"
        waiting = {row.name for row in (*self._snapshot.frames, *self._snapshot.gone)}  # these are told at the start
        untold_frames = len(promise.evicted_frames - waiting)
        if untold_frames > promise.told_frames + sum(gap.frames or 0 for gap in self._gaps):
            yield f"{untold_frames} frames were evicted and no Gap counts them"

    def seqs(self) -> Iterator[str]:
        snapshot = self._snapshot
        highest = self._promise.handed.get(snapshot.epoch, 0)
        if snapshot.next_seq <= highest:
            yield f"seq {snapshot.next_seq} is handed out again: the unit had come to {highest}"
        if snapshot.limit_seq <= snapshot.next_seq:
            yield "no seqs are set aside"
        if snapshot.clean and snapshot.last_seq < highest and (snapshot.epoch, highest) not in self._promise.gone:
            yield f"a clean end is claimed, yet seq {highest} is neither kept nor void"

    def frames(self) -> Iterator[str]:
        promise, folder = self._promise, self._folder / "frames"
        orphans = self._found.frames.keys() - self._store.frames - promise.let_go
        if orphans:
            yield f"{len(orphans)} rows name a frame that is missing"
        held = promise.held.frames if promise.held else {}
        lost = held.keys() - promise.let_go - {row.name for row in self._snapshot.frames}
        if lost:
            yield f"{len(lost)} frames that were safe are lost"
        for row in self._snapshot.frames:
            if hashlib.sha256((folder / row.name).read_bytes()).hexdigest() != row.name:
                yield f"a frame is not what its name says: {row.name}"
            if row != promise.rows.get(row.name):
                yield f"a frame's row is not what it was: {row}"

    def commits(self) -> Iterator[str]:
        """The kept state is that of one commit, whole: the last one acknowledged or the one under way."""
        coming = self._promise.coming
        wanted = [held for held in (self._promise.held, coming.after if coming else None) if held is not None]
        if wanted and not any(self._is(held) for held in wanted):
            found, held = self._found, wanted[0]
            other = sorted(key for key in held.meta | found.meta if held.meta.get(key) != found.meta.get(key))
            yield f"half a commit, or an older one, is on the card; other than acknowledged is: {other or 'no key'}"
        if not wanted and (self._found.records or self._snapshot.next_seq != 1):
            yield "a new spool is not empty"
        yield from self._door()

    def _is(self, held: Held) -> bool:
        found = self._found
        same = (found.meta, found.anchor, found.frames) == (held.meta, held.anchor, held.frames)
        return same and held.records.items() <= found.records.items()  # what was forgotten may come back

    def _door(self) -> Iterator[str]:
        """The door is kept in the commit of the Event that says so."""
        door = stored_door(self._store.seen)
        events = [record for _, record in self._store.records if isinstance(record, Event)]
        newest = max((event.at.wall_ns for event in events), default=0)
        if door is None:
            if events:
                yield "an Event is on the card and the door's state is not"
            return
        if newest > door.since.wall_ns:
            yield "an Event is on the card and the door's state is older"
        key = self._promise.events.get(door.since.wall_ns)
        if key not in {*self._keys, *self._promise.gone, *self._promise.evicted}:
            yield "the door's state is on the card and its Event is not"

    def _loss_told(self) -> bool:
        return self._promise.loss_received or any(map(tells_of_loss, self._gaps))


def _some(keys: "list[Key] | set[Key]") -> str:
    shown = sorted(keys)[:3]
    return ", ".join(f"{epoch}/{seq}" for epoch, seq in shown) + (" ..." if len(keys) > len(shown) else "")
