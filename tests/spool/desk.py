"""A journal at its desk: in this thread, over a real spool, with a worker and a clock that are told what to do."""

from collections.abc import Callable, Sequence
from pathlib import Path

from edge.clock import SECOND
from edge.errors import CorruptError, FullError, PartError
from edge.loop import Loop
from edge.parts import Snapshot, Store
from edge.records import AnyRecord, GapReason, Key
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from edge.spool.journal import Journal, Rows
from edge.spool.store import SqliteStore
from tests.spool.samples import event

BROKEN = PartError("spool", found="a card that says no", wanted="a card that says yes", remedy="Change it.")
DAMAGE = CorruptError("spool", found="damage", wanted="what was written there", remedy="It is set aside.")
FULL = FullError("spool", found="a full card", wanted="room for records", remedy="Pictures make room.")


class Refusing(SqliteStore):
    """A real spool on a card that can be read, and refuses to be written while `fault` is set."""

    fault: PartError | None = None

    def open(self) -> Snapshot:
        if isinstance(self.fault, CorruptError):
            self.fault = None  # it is set aside now, and the new one is well
        return super().open()

    def commit(self, ops: Sequence[Callable[[Store], None]]) -> None:
        if self.fault is not None:
            self._damaged = self._damaged or isinstance(self.fault, CorruptError)
            raise self.fault
        super().commit(ops)


class Desk:
    """One life of a journal. What its hooks said is in `troubles`, `lost` and `adopted`."""

    def __init__(self, folder: Path, clock: SimClock, *, records_max: int = 10_000, at_once: bool = True) -> None:
        self.clock = clock
        self.loop = Loop(clock.now)
        self.worker = SimWorker(self.loop, at_once=at_once)
        epochs = (f"{folder.name}-{clock.now()}-{n}" for n in range(1000))
        self.store = Refusing(folder, lambda: next(epochs))
        self.journal = Journal(
            self.store, self.store.open, self.worker, self.loop, lambda: f"spare-{next(epochs)}", records_max
        )
        self.troubles: list[PartError | None] = []
        self.lost: list[tuple[GapReason, list[AnyRecord]]] = []
        self.adopted: list[Snapshot] = []
        self.passed_over = 0
        self.journal.on_trouble = self.troubles.append
        self.journal.on_lost = lambda reason, rows: self.lost.append((reason, [record for _, record in rows]))
        self.journal.on_adopted = self.adopted.append
        self.journal.on_passed_over = self._pass_over
        self.slow: list[bool] = []
        self.journal.on_slow = self.slow.append
        self.snapshots: list[Snapshot | None] = []

    def _pass_over(self) -> None:
        self.passed_over += 1

    def open(self) -> Snapshot | None:
        """Open the spool, waiting for as long as the journal does."""
        self.journal.open(self.snapshots.append)
        self.live(0)
        if not self.snapshots:
            self.live(1)
        return self.snapshots[-1]

    def put(self) -> Key:
        """One new record, and a turn of the loop."""
        n, epoch, seq = self.journal.mint()
        self.journal.put(n, event(seq, epoch))
        self.loop.turn()
        return epoch, seq

    def read(self, after_n: int = 0, limit: int = 1000) -> Rows:
        """What the courier would read now; the worker must be running."""
        answers: list[Rows] = []
        self.journal.read(after_n, limit, answers.append)
        self.loop.turn()
        return answers[0]

    def keys(self) -> list[Key]:
        """Everything that waits, in order."""
        return [(record.epoch, record.seq) for _, record in self.read()]

    def on_card(self) -> list[Key]:
        """What would be left if the power went now."""
        return [(record.epoch, record.seq) for _, record in self.store.read(0, 10_000)]

    def forget(self, *keys: Key) -> None:
        """The platform holds these."""
        self.journal.forget([n for n, record in self.read() if (record.epoch, record.seq) in keys])

    def live(self, seconds: float) -> None:
        """Let time pass."""
        live(self.loop, self.clock, int(seconds * SECOND))

    def end(self) -> bool:
        """End in order; whether the journal said that it is done."""
        done: list[bool] = []
        self.journal.close(lambda: done.append(True))
        self.loop.turn()
        return bool(done)
