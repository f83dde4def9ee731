"""A spool with several platforms, each of which reads and gives receipts as its courier would."""

import sqlite3
from contextlib import closing
from pathlib import Path

from edge.parts import Wish
from edge.records import AnyRecord, Boot, Event, GapReason
from edge.sim.time import SimClock
from edge.spool.journal import Rows
from edge.spool.shares import Share, Shares
from tests.spool.desk import Desk
from tests.spool.samples import event, stamp

CLOUD = Wish("cloud", "events", lambda record: isinstance(record, Event))
VIDEO = Wish("video", "all", lambda _: True)


class House:
    """A journal with platforms, from one start to its end."""

    def __init__(
        self,
        folder: Path,
        *wishes: Wish,
        clock: SimClock | None = None,
        records_max: int = 10_000,
        at_once: bool = True,
    ) -> None:
        self.folder = folder
        self.desk = Desk(folder, clock or SimClock(), records_max=records_max, at_once=at_once)
        self.journal = self.desk.journal
        self.shares = Shares(self.journal, wishes)
        self.gaps: list[tuple[GapReason, list[int]]] = []
        self.robbed: list[str] = []
        self.journal.on_lost = self.shares.lost
        self.journal.on_adopted = lambda snapshot: self.shares.begin(snapshot.state)
        self.journal.on_passed_over = self.shares.afresh
        self.shares.on_lost = lambda reason, records: self.gaps.append((reason, [r.seq for r in records]))
        self.shares.on_robbed = lambda share: self.robbed.append(share.wish.name)
        self.snapshot = self.desk.open()
        self.shares.begin(self.snapshot.state if self.snapshot else {})
        self.desk.loop.turn()

    def put(self, count: int = 1) -> list[int]:
        """New events; their seqs."""
        seqs = []
        for _ in range(count):
            n, epoch, seq = self.journal.mint()
            seqs.append(self._put(event(seq, epoch), n))
            if self.desk.journal.backlog % 10 == 0:
                self.desk.loop.turn()  # commits, so that seqs are set aside
        self.desk.loop.turn()
        return seqs

    def put_boot(self) -> int:
        """A record that CLOUD does not want; its seq."""
        n, epoch, seq = self.journal.mint()
        return self._put(Boot(epoch=epoch, seq=seq, at=stamp(), version="1", clean=True, new_boot=True), n)

    def _put(self, record: AnyRecord, n: int) -> int:
        self.journal.put(n, record)
        self.shares.made(n, record)
        return record.seq

    def share(self, name: str) -> Share:
        (found,) = [s for s in (self.shares.main, *self.shares.others) if s.wish.name == name]
        return found

    def rows(self, name: str, after: int = 0, limit: int = 1000) -> Rows:
        """What that platform's courier would read."""
        answers: list[Rows] = []
        self.shares.read(self.share(name), after, limit, answers.append)
        self.desk.loop.turn()
        return answers[0]

    def lacks(self, name: str) -> list[int]:
        return [record.seq for _, record in self.rows(name)]

    def receipt(self, name: str, *seqs: int) -> None:
        """That platform holds these now."""
        self.shares.forget(self.share(name), [item for item in self.rows(name) if item[1].seq in seqs])
        self.desk.loop.turn()

    def again(self, *wishes: Wish, at_once: bool = True) -> "House":
        """Cut off, and started again."""
        self.desk.store.close()
        return House(self.folder, *wishes, clock=self.desk.clock, at_once=at_once)

    def work(self) -> None:
        """The card does all it was given, and goes on."""
        self.desk.worker.at_once = True
        while self.desk.worker:
            self.desk.worker.step()
            self.desk.loop.turn()

    def state(self) -> dict[str, bytes]:
        """The marks on the card."""
        with closing(sqlite3.connect(self.folder / "spool.db")) as db:
            return dict(db.execute("SELECT key, value FROM meta WHERE key LIKE 'held.%'"))
