"""One spool, several platforms: who still lacks which record. Pure; lives in the deciding thread.

A row leaves the spool once every platform that wants it has given its receipt. Until then those that have are marked,
and the marks are on the card in the commit of what goes with them. With one platform nothing is added: no key, no
commit, no look at a record.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from edge.parts import Wish
from edge.records import AnyRecord, GapReason
from edge.spool.journal import Journal, Rows
from edge.spool.marks import Marks, read_marks

MAIN = "main"
PAGE = 200  # rows looked at in one go: 15 ms of a Pi Zero's card, which a live record's commit may have to wait for
_KEY = "held."

_EVERYTHING = Wish(MAIN, "all", lambda _: True)


class Share(msgspec.Struct):
    """One platform's. Its rows up to `floor` are settled; `waiting`: rows it lacks; `lost`: went before it had them."""

    wish: Wish
    marks: Marks
    floor: int = 0
    waiting: int = 0
    lost: int = 0
    written: bool = False  # there are marks on the card

    @property
    def key(self) -> str:
        """Where its marks lie in the spool's state."""
        return _KEY + self.wish.name

    def settled(self, record: AnyRecord) -> bool:
        """Whether it holds this record, or does not want it."""
        return (record.epoch, record.seq) in self.marks or not self.wish.wants(record)


class Shares:
    """Between the journal and the platforms' couriers.

    Hooks: on_lost(reason, records) that the main platform never had; on_robbed(share) when another lost some.
    """

    def __init__(self, journal: Journal, wishes: Sequence[Wish] = ()) -> None:
        self._journal = journal
        self.on_lost: Callable[[GapReason, list[AnyRecord]], None] = lambda _reason, _records: None
        self.on_robbed: Callable[[Share], None] = lambda _: None
        self.main = Share(_EVERYTHING, Marks())
        self.others = [Share(wish, Marks()) for wish in wishes]
        self._all = [self.main, *self.others]
        self._census = 0  # counts the countings: an answer to an earlier one is void
        self._counted = 0  # rows up to this one are in `waiting`,
        self._fresh: int | None = None  # and those from this one on, which were made since

    @property
    def backlog(self) -> int:
        """Records that the main platform lacks."""
        return self._journal.backlog if self._alone else self.main.waiting

    @property
    def commits(self) -> int:
        """Of the journal, since the start."""
        return self._journal.commits

    def begin(self, state: Mapping[str, bytes]) -> None:
        """A spool was opened that holds this state; marks of platforms that are not there any more are dropped."""
        for share in self._all:
            unkept = bool(share.marks)  # made before this spool was there
            raw = state.get(share.key, b"")
            share.written = bool(raw)
            share.marks.update(read_marks(raw, share.wish.rule) if raw else Marks())
            if unkept:
                self._keep(share)
        own = {share.key for share in self._all}
        for key, raw in state.items():
            if key.startswith(_KEY) and raw and key not in own:
                self._journal.keep(key, b"")
        self._tidy()
        self.afresh()

    def made(self, n: int, record: AnyRecord) -> None:
        """A record was put into the journal just now."""
        if self._alone:
            return
        if self._fresh is None:
            self._fresh = n
        for share in self._all:
            if share.wish.wants(record):
                share.waiting += 1
            else:
                share.marks.add((record.epoch, record.seq))  # so that ranges have no holes

    def read(self, share: Share, after_n: int, limit: int, then: Callable[[Rows], None]) -> None:
        """Records that this platform lacks, as journal.read gives them."""
        if self._alone:
            self._journal.read(after_n, limit, then)
        else:
            start = max(after_n, share.floor)
            self._journal.read(start, max(limit, PAGE), partial(self._sift, share, start, limit, then))

    def forget(self, share: Share, rows: Rows) -> None:
        """This platform holds these."""
        if self._alone:
            self._journal.forget([n for n, _ in rows])
            return
        new = [item for item in rows if (item[1].epoch, item[1].seq) not in share.marks]  # others went by eviction
        for n, record in new:
            self._settle(share, n, record)
        with self._journal.together():
            gone = [n for n, record in new if self._is_done(record)]
            if gone:
                self._journal.forget(gone)
            if len(gone) < len(new):
                self._keep(share)
            self._tidy()

    def lost(self, reason: GapReason, rows: Rows) -> None:
        """These had to go. Within the journal's commit of that."""
        if self._alone:
            self.on_lost(reason, [record for _, record in rows])
            return
        for share in self._all:
            missed = [item for item in rows if not share.settled(item[1])]
            for n, record in missed:
                self._settle(share, n, record)
            if missed and share is self.main:
                self.on_lost(reason, [record for _, record in missed])
            elif missed:
                share.lost += len(missed)
                self.on_robbed(share)

    def afresh(self) -> None:
        """Row numbers changed, or some were passed over: look at all rows again."""
        self._reset()
        if not self._alone:
            self._journal.read(0, PAGE, partial(self._count, self._census))

    def erase(self) -> Callable[[AnyRecord], bool]:
        """All rows go. Returns what tells, in any thread, whether the main platform lacks one of them."""
        held = self.main.marks.copy()
        for share in self._all:
            share.marks.clear()
        self._reset()
        return partial(_lacks, held)

    @property
    def _alone(self) -> bool:
        return not self.others and not self.main.marks

    def _reset(self) -> None:
        self._census += 1
        self._counted, self._fresh = 0, None
        for share in self._all:
            share.floor = share.waiting = 0

    def _sift(self, share: Share, start: int, limit: int, then: Callable[[Rows], None], rows: Rows) -> None:
        owed = [item for item in rows if not share.settled(item[1])]
        left_over = [n for n, record in rows if self._is_done(record)]  # of platforms that are not there any more
        if left_over:
            with self._journal.together():
                self._journal.forget(left_over)
                self._tidy()
        if rows and start <= share.floor:
            share.floor = max(share.floor, owed[0][0] - 1 if owed else rows[-1][0])
        if owed or not rows:
            then(owed[:limit])
        else:
            self.read(share, rows[-1][0], limit, then)

    def _count(self, census: int, rows: Rows) -> None:
        if census != self._census:
            return
        for n, record in rows:
            if self._fresh is not None and n >= self._fresh:
                return
            for share in self._all:
                share.waiting += not share.settled(record)
            self._counted = n
        if rows:
            self._journal.read(self._counted, PAGE, partial(self._count, census))

    def _settle(self, share: Share, n: int, record: AnyRecord) -> None:
        share.marks.add((record.epoch, record.seq))
        share.waiting -= n <= self._counted or (self._fresh is not None and n >= self._fresh)

    def _is_done(self, record: AnyRecord) -> bool:
        return all(share.settled(record) for share in self._all)

    def _keep(self, share: Share) -> None:
        share.written = True
        self._journal.keep(share.key, share.marks.pack(share.wish.rule))

    def _tidy(self) -> None:
        """Nothing waits: marks speak of nothing any more."""
        if self._journal.backlog:
            return
        for share in self._all:
            share.marks.clear()
            if share.written:
                share.written = False
                self._journal.keep(share.key, b"")


def lacks(state: Mapping[str, bytes]) -> Callable[[AnyRecord], bool]:
    """What tells whether the main platform lacks a record of the spool that holds this state."""
    raw = state.get(_KEY + MAIN, b"")
    return partial(_lacks, read_marks(raw, _EVERYTHING.rule) if raw else Marks())


def _lacks(held: Marks, record: AnyRecord) -> bool:
    return (record.epoch, record.seq) not in held
