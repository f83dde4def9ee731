"""The spool as the deciding thread sees it: hands out seqs, holds what is not yet on the card, commits in groups.

Nothing here blocks. While one commit is on its way to the card, what arrives waits for the next, so a burst costs
few syncs. While the card cannot be written, records stay in RAM (counted, bounded) and are still read and sent.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from edge.clock import SECOND, Stamp
from edge.errors import CorruptError, PartError
from edge.loop import Loop, Worker
from edge.parts import FrameRow, Snapshot, Store
from edge.records import AnyRecord, GapReason
from edge.spool.batch import Forget, Keep, Op, Put, compact, merged, throw
from edge.spool.batch import Rows as Rows
from edge.spool.pace import Pace

log = logging.getLogger(__name__)

OPEN_DEADLINE_NS = SECOND  # a card that answers later is adopted later; the door does not wait for it
PAUSES_NS = tuple(s * SECOND for s in (1, 2, 5, 15, 30))  # after a failure, then the last one again and again
IN_RAM_MAX = 5000  # records of about 400 bytes: 2 MB
_REFILL = 32  # ask for more seqs when fewer than this are left
_EVICT = 100  # records that go at a time when there are more than records_max
_COMPACT = 200  # operations that wait, from which on idle ones are left out

_NOTHING: Mapping[str, bytes] = {}


class Journal:
    """Seqs, records and small state, through one worker that owns the card.

    Hooks, all called in the deciding thread: on_trouble(error, or None once the card is well again), on_slow(whether
    the card takes longer than it should), on_lost(reason, rows that had to go), on_adopted(snapshot of a spool that
    was opened after the start), on_passed_over() when rows on the card were passed over: it is to be read again,
    on_stored(row numbers) once they are on the card.
    """

    def __init__(
        self,
        store: Store,
        open_store: Callable[[], Snapshot],
        worker: Worker,
        loop: Loop,
        new_epoch: Callable[[], str],
        records_max: int,
    ) -> None:
        self._store = store
        self._open_store = open_store
        self._worker = worker
        self._loop = loop
        self._new_epoch = new_epoch
        self._records_max = records_max
        self.on_trouble: Callable[[PartError | None], None] = lambda _: None
        self.on_slow: Callable[[bool], object] = lambda _: None
        self.on_lost: Callable[[GapReason, Rows], None] = lambda _reason, _rows: None
        self.on_adopted: Callable[[Snapshot], None] = lambda _: None
        self.on_passed_over: Callable[[], None] = lambda: None
        self.on_stored: Callable[[Sequence[int]], None] = lambda _: None
        self.anchors: dict[str, Stamp] = {}
        self.backlog = self.commits = 0
        self.epoch = ""  # of the spool that is open
        self._next = self._limit = 0
        self._asked = 0  # the limit that the next commit sets; 0: none
        self._making: Callable[[], Snapshot] | None = None  # the spool that takes this one's place
        self._spare_epoch = ""  # for records whose seqs cannot be set aside on the card
        self._n = self._spare_next = 1
        self._ram: dict[int, AnyRecord] = {}  # by row number: not yet on the card
        self._ops: list[Op] = []
        self._under_way: list[Op] = []  # those of the commit in hand
        self._compact_at = _COMPACT
        self._after: list[Callable[[], None]] = []
        self._is_open = self._started = False
        self._waiting = False  # for the pause after a failure
        self.pace = Pace(loop)
        self.pace.on_slow = lambda slow: self.on_slow(slow)
        self.pace.on_trial = lambda: self.keep("trial", b"")
        self._gathering = False  # what is asked for waits for the end of `together`
        self._failures = 0  # commits running
        self._unread = False  # the last read did not come off, and the card is being tried
        self._evicting = False
        self._forgotten: set[int] = set()  # rows that may still be on the card
        self._passed_over = False  # a reader was given what is in RAM only, because the card hung

    # Opening and closing

    def open(self, then: Callable[[Snapshot | None], None]) -> None:
        """Open the spool; `then` gets its snapshot, or None where the card gave none within a second."""

        def start(snapshot: Snapshot | None) -> None:
            if not self._started:
                self._started = True
                deadline.cancel()
                then(snapshot)

        deadline = self._loop.after(OPEN_DEADLINE_NS, lambda: start(None))
        self._reopen(start)

    def replace(self, make: Callable[[Sequence[AnyRecord]], Snapshot]) -> None:
        """Go on with the spool that `make` makes: it is given what was in RAM only, and tried until it comes off.

        What is recorded meanwhile goes into the new one; on_adopted follows.
        """
        self._making = partial(make, list(self._ram.values()))
        self._ram.clear()
        self.backlog = 0
        self._ops, self._after = [], []
        self._is_open = False
        self._limit = self._next  # what is recorded until then has a spare epoch
        self._commit()

    def close(self, then: Callable[[], None]) -> None:
        """Commit what waits, note a clean end and close; `then` follows, also where the card refuses."""
        if not self._is_open:
            then()
            return
        next_seq = self._limit = self._next  # what is still recorded after this good-bye gets a spare epoch
        self._ops.append(lambda store: store.reserve(next_seq, clean=True))
        again = self._under_way  # should the commit in hand be refused: to do them twice changes nothing
        puts, ops = self._batch()

        def last() -> None:
            self._store.commit([*puts, *again, *ops])
            self._store.close()

        def done(_: None) -> None:
            for act in self._after:
                act()
            then()

        self._is_open = False
        self._worker.do(last, done, lambda _: then())

    def _reopen(self, start: Callable[[Snapshot | None], None] = lambda _: None) -> None:
        making = self._making or self._open_store

        def opened(snapshot: Snapshot) -> None:
            self._end()
            if self._making is making or self._making is None:
                self._making = None
                self._adopt(snapshot)
            start(snapshot)
            self._commit()

        def failed(err: Exception) -> None:
            self._end()
            start(None)
            self._fail(err, self._reopen)

        self.pace.begin()
        self._worker.do(making, opened, failed)

    def _adopt(self, snapshot: Snapshot) -> None:
        """Go on with this spool; records that waited in RAM follow those that it holds."""
        self._is_open = True
        self.epoch, self._next, self._limit = snapshot.epoch, snapshot.next_seq, snapshot.limit_seq
        self._asked = 0
        self.anchors = {**snapshot.anchors, **self.anchors}
        self.backlog = snapshot.backlog + len(self._ram)
        waiting = list(self._ram.values())
        self._n = max(self._n, snapshot.next_n)
        self._ram = {self._n + i: record for i, record in enumerate(waiting)}
        self._n += len(waiting)
        self._forgotten.clear()
        self._ops, self._after = [], []  # what they spoke of belongs to another spool, or is kept again by on_adopted
        self._unread = False
        if self._failures:
            self._failures = 0
            self._praise()
        if self._started:
            self.on_adopted(snapshot)

    # Writing

    def mint(self) -> tuple[int, str, int]:
        """Row number, epoch and seq for one new record; (epoch, seq) was never used and never will be."""
        n = self._n
        self._n += 1
        if self._next < self._limit:
            seq = self._next
            self._next += 1
            if self._limit - self._next < _REFILL and not self._asked:
                limit = self._asked = self._limit + 2 * _REFILL
                self._ops.append(lambda store: store.reserve(limit))
            return n, self.epoch, seq
        if not self._spare_epoch:  # nothing can be set aside: a new random epoch cannot collide with anything
            self._spare_epoch = self._new_epoch()
        seq = self._spare_next
        self._spare_next += 1
        return n, self._spare_epoch, seq

    def put(self, n: int, record: AnyRecord, keep: Mapping[str, bytes] = _NOTHING) -> None:
        """Keep a record, minted just now, until `forget`, and in the same commit some state that goes with it."""
        self._ram[n] = record
        self._ops += [Keep(key, value) for key, value in keep.items()]
        self.backlog += 1
        self._make_room()
        self._commit()

    def forget(self, rows: Sequence[int]) -> None:
        """The platform holds these. While more is owed that waits for company: a cut costs a second sending."""
        going = [n for n in rows if n not in self._forgotten]
        for n in going:
            self._ram.pop(n, None)
        self._forgotten.update(going)
        self.backlog -= len(going)
        self._ops.append(Forget(going))
        self.pace.soon(self._commit, wait=self.backlog > 0)

    def keep(self, key: str, value: bytes, then: Callable[[], None] | None = None) -> None:
        """Remember a small piece of state; `then` follows once it is on the card."""
        if then is not None:
            self._after.append(then)
        self.do(Keep(key, value))

    def anchor(self, stamp: Stamp) -> None:
        """Remember what ties this boot's clock to UTC."""
        self.anchors[stamp.boot] = stamp
        self.do(lambda store: store.anchor(stamp))

    def add_frame(self, row: FrameRow) -> None:
        """A sealed frame's file is on the card."""
        self.do(lambda store: store.add_frame(row))

    def drop_frame(self, name: str, then: Callable[[], None]) -> None:
        """A frame is no longer needed; `then` follows once that is committed."""
        self._after.append(then)
        self.do(lambda store: store.drop_frame(name))

    def do(self, op: Op) -> None:
        """Any operation, in the next commit."""
        self._ops.append(op)
        self._commit()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is asked for within goes into one commit: after a cut all of it is on the card, or nothing."""
        outer, self._gathering = self._gathering, True
        try:
            yield
        finally:
            self._gathering = outer
            self._commit()

    # Reading

    def read(self, after_n: int, limit: int, then: Callable[[Rows], None]) -> None:
        """Records with row number above after_n, in order, those in RAM included.

        While the card hangs those in RAM alone; on_passed_over follows when it does no more.
        """
        in_ram = [(n, record) for n, record in self._ram.items() if n > after_n]
        if not self._is_open or self.pace.hangs:
            self._passed_over = self._passed_over or self.pace.hangs
            then(in_ram[:limit])
            return

        def ended(found: Rows) -> None:
            rows = found[:limit]
            left = [item for item in rows if item[0] not in self._forgotten]
            if left or not rows:
                then(left)
            else:  # nothing is left of these, and there may be more
                self.read(rows[-1][0], limit, then)

        def came(rows: Rows) -> None:
            if self._unread:
                self._unread, self._passed_over = False, True
                self._praise()
            ended(merged(rows, in_ram, limit))

        def failed(err: Exception) -> None:
            log.warning("spool: the backlog waits: %s", err)
            self._fail_to_read(err)
            ended(in_ram)

        self._worker.do(partial(self._store.read, after_n, limit), came, failed)

    def _fail_to_read(self, err: Exception) -> None:
        if isinstance(err, CorruptError):
            self._give_up(err)
            return
        if not self._unread:  # else it is being tried already
            self._unread = True
            self._loop.after(PAUSES_NS[-1], self._read_again)
        if isinstance(err, PartError):
            self.on_trouble(err)
        else:  # a fault of ours
            self._loop.call(throw, err)

    def _read_again(self) -> None:
        if self._unread:
            self._loop.after(PAUSES_NS[-1], self._read_again)
            self.read(0, 1, lambda _: None)
            self.on_passed_over()

    def _praise(self) -> None:
        if not self._unread and not self._failures:
            self.on_trouble(None)

    # The commit in hand

    def _commit(self) -> None:
        self._slim()
        if not self._is_ready():
            return
        self.pace.begin()
        written, forgotten, asked = list(self._ram), set(self._forgotten), self._asked
        puts, ops = self._batch()
        self._under_way = ops
        after, self._after = self._after, []

        def done(_: None) -> None:
            self._end()
            self.commits += 1
            self._forgotten -= forgotten
            if self._is_open:  # else it went into a spool that is set aside, and goes into the next one too
                self.on_stored(written)
                for n in written:
                    self._ram.pop(n, None)
                if asked:
                    self._limit, self._asked = asked, 0
                if self._failures:
                    self._failures = 0
                    self._praise()
            for act in after:
                act()
            self._commit()

        def failed(err: Exception) -> None:
            self._end()
            self._ops = ops + self._ops
            self._after = after + self._after
            if isinstance(err, CorruptError):
                self._give_up(err)
            else:
                self._fail(err, self._commit)

        self._worker.do(partial(self._store.commit, [*puts, *ops]), done, failed)

    def _is_ready(self) -> bool:
        if self._making is not None and not self.pace.busy and not self._waiting:
            self._reopen()
        idle = self._waiting or self.pace.busy or self._gathering or not (self._ram or self._ops)
        return self._is_open and not idle

    def _slim(self) -> None:
        if len(self._ops) > self._compact_at:
            self._ops = compact(self._ops)
            self._compact_at = 2 * len(self._ops) + _COMPACT

    def _end(self) -> None:
        self._under_way = []
        self.pace.end()
        if self._passed_over:
            self._passed_over = False
            self._loop.call(lambda: self.on_passed_over())

    def _batch(self) -> tuple[list[Op], list[Op]]:
        ops, self._ops, self._compact_at = self._ops, [], _COMPACT
        return [Put(n, record) for n, record in self._ram.items()], ops

    def _give_up(self, err: CorruptError) -> None:
        """The spool is damaged: it is set aside when it is opened again. Safe to repeat."""
        if self._is_open:
            self._is_open = False
            self._limit = self._next  # seqs of the damaged spool may not be set aside any more
            self._fail(err, self._reopen)

    def _fail(self, err: Exception, again: Callable[[], None]) -> None:
        pause_ns = PAUSES_NS[min(self._failures, len(PAUSES_NS) - 1)]
        self._failures += 1
        self._waiting = True

        def over() -> None:
            self._waiting = False
            again()

        self._loop.after(pause_ns, over)
        if not isinstance(err, PartError):  # a fault of ours; the card is tried again all the same
            raise err
        self.on_trouble(err)

    def _make_room(self) -> None:
        if len(self._ram) > IN_RAM_MAX:
            lost = [(n, self._ram[n]) for n in list(self._ram)[:_EVICT]]
            self._evict(GapReason.OVERRUN, lost)
        elif self.backlog > self._records_max and self._is_open and not self._evicting and not self.pace.hangs:
            self._evicting = True
            self.read(0, _EVICT, partial(self._evict, GapReason.FULL))

    def _evict(self, reason: GapReason, rows: Rows) -> None:
        self._evicting = False
        if rows:
            with self.together():  # none goes uncounted
                self.forget([n for n, _ in rows])
                self.on_lost(reason, rows)
