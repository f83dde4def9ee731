"""Whatever happens in whatever order: no seq comes twice, nothing committed is lost, and reads leave no gap."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from edge.errors import CorruptError, PartError
from edge.parts import Snapshot
from edge.records import Key
from edge.sim.time import SimClock
from edge.spool.journal import Rows
from tests.spool.desk import BROKEN, DAMAGE, Desk
from tests.spool.samples import RAM, event


class Spool(RuleBasedStateMachine):
    """A journal, its worker, its card and its plug, against what a reader would expect of them."""

    def __init__(self) -> None:
        super().__init__()
        self.ram = tempfile.TemporaryDirectory(dir=RAM)
        self.clock = SimClock()
        self.used: set[Key] = set()
        self.waiting: dict[Key, int] = {}  # what was put and not forgotten, with its row, in order
        self.safe: set[Key] = set()  # of these, what the card has acknowledged
        self.epoch = ""
        self.adoptions = 0

    @initialize(late=st.booleans())
    def begin(self, late: bool) -> None:
        self.clock.turn(1)
        self.waiting = {}
        self.desk = Desk(Path(self.ram.name), self.clock, at_once=False)
        self.desk.journal.on_adopted = self.adopted
        self.desk.journal.on_trouble = self.troubled
        self.desk.journal.open(self.desk.snapshots.append)
        if late:
            self.desk.live(1)
            assert self.desk.snapshots == [None]
            return
        self.desk.worker.step()
        self.desk.loop.turn()
        (snapshot,) = self.desk.snapshots
        assert snapshot is not None
        self.adopted(snapshot)

    def adopted(self, snapshot: Snapshot) -> None:
        """A spool was opened: it holds all that was safe, or it is a new one."""
        self.adoptions += 1
        unsafe = [key for key in self.waiting if key not in self.safe]
        if snapshot.epoch != self.epoch:
            self.epoch, self.safe = snapshot.epoch, set()
        journal, store = self.desk.journal, self.desk.store
        rows = [*store.read(0, 10_000), *journal._ram.items()]
        numbers = [n for n, _ in rows]
        assert numbers == sorted(set(numbers)), "what waited follows what was there"
        in_ram = [(record.epoch, record.seq) for record in journal._ram.values()]
        assert set(unsafe) <= set(in_ram), "what the card never acknowledged is not lost with it"
        self.waiting = {(record.epoch, record.seq): n for n, record in rows}
        assert self.safe <= set(self.waiting)
        assert set(self.waiting) <= self.used

    def troubled(self, err: PartError | None) -> None:
        if isinstance(err, CorruptError):
            self.note()

    def note(self) -> None:
        """What is no longer in RAM was acknowledged by the card."""
        self.safe |= {key for key, n in self.waiting.items() if n not in self.desk.journal._ram}

    @rule(count=st.integers(1, 40))
    def put(self, count: int) -> None:
        for _ in range(count):
            n, epoch, seq = self.desk.journal.mint()
            assert (epoch, seq) not in self.used
            self.used.add((epoch, seq))
            self.waiting[epoch, seq] = n
            self.desk.journal.put(n, event(seq, epoch))
            self.hear()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        keys = data.draw(st.lists(st.sampled_from(list(self.waiting)), max_size=4, unique=True))
        self.desk.journal.forget([self.waiting.pop(key) for key in keys])
        self.safe -= set(keys)

    @precondition(lambda self: len(self.desk.worker))
    @rule()
    def work(self) -> None:
        self.desk.worker.step()

    @precondition(lambda self: len(self.desk.worker) and not self.reads_next())
    @rule(done=st.booleans())
    def work_fails(self, done: bool) -> None:
        """The card refuses; or it did what it was told, and says that it did not."""
        self.desk.worker.fault = None if done else BROKEN
        self.desk.worker.step(lost=BROKEN if done else None)
        self.desk.worker.fault = None

    def reads_next(self) -> bool:
        return getattr(getattr(self.desk.worker._jobs[0][0], "func", None), "__name__", "") == "read"

    @rule()
    def hear(self) -> None:
        self.wait(0)

    @rule(seconds=st.sampled_from([1, 5, 60]))
    def wait(self, seconds: int) -> None:
        self.desk.live(seconds)
        assert self.desk.loop.faults == 0, "among them what `check` and `adopted` found"
        if self.desk.journal._is_open:
            self.note()

    @rule()
    def damage(self) -> None:
        self.desk.store.fault = DAMAGE

    @rule(data=st.data(), limit=st.integers(1, 50))
    def read(self, data: st.DataObject, limit: int) -> None:
        after = data.draw(st.sampled_from([0, *self.waiting.values()]))
        asked, adoptions = dict(self.waiting), self.adoptions
        hangs = self.desk.journal.pace.hangs

        def answered(rows: Rows) -> None:
            left = {key: n for key, n in asked.items() if key in self.waiting and n > after}
            if hangs or self.desk.journal.pace.hangs or not self.desk.journal._is_open:  # only what is in RAM is read
                left = {key: n for key, n in left.items() if n in self.desk.journal._ram}
            if adoptions == self.adoptions:
                self.check(rows, after, limit, left)

        self.desk.journal.read(after, limit, answered)

    def check(self, rows: Rows, after: int, limit: int, expected: dict[Key, int]) -> None:
        numbers = [n for n, _ in rows]
        assert len(rows) <= limit
        assert numbers == sorted(set(numbers))
        assert all(n > after for n in numbers)
        got = {(record.epoch, record.seq): n for n, record in rows}
        assert got.items() <= self.waiting.items(), "nothing that was forgotten, under its own row"
        if rows:
            expected = {key: n for key, n in expected.items() if n <= numbers[-1]}
        assert expected.items() <= got.items(), "no gap; and nothing at all only where nothing is left"

    @rule(late=st.booleans())
    def cut(self, late: bool) -> None:
        """The plug is pulled, and put back."""
        self.desk.store.close()
        self.begin(late)

    @precondition(lambda self: self.desk.journal._is_open and self.desk.store.fault is None)
    @rule()
    def end(self) -> None:
        """The unit ends in order, and starts again."""
        waiting, last = dict(self.waiting), self.desk.journal._next
        ended: list[bool] = []
        self.desk.journal.close(lambda: ended.append(True))
        self.desk.worker.run()
        self.wait(0)
        assert ended == [True]
        self.begin(late=False)
        snapshot = self.desk.snapshots[0]
        assert snapshot is not None
        assert (snapshot.clean, snapshot.next_seq) == (True, last)
        assert list(self.waiting) == list(waiting)

    def teardown(self) -> None:
        try:
            if hasattr(self, "desk"):
                self.heal()
        finally:
            self.ram.cleanup()

    def heal(self) -> None:
        """Once everything is well again, all that waits is on the card, in order, and counted."""
        self.desk.worker.at_once = True
        self.desk.worker.run()
        self.desk.journal.keep("alive", b"")  # finds any damage there is
        self.wait(200)
        assert self.desk.keys() == list(self.waiting) == self.desk.on_card()
        assert self.desk.journal.backlog == len(self.waiting)
        self.desk.store.close()


TestSpool = Spool.TestCase
TestSpool.settings = settings(
    max_examples=1500, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
