"""The lives of the last records, in RAM alone: when each was settled, stored, sent and answered, and what stood by.

Others call it in one line each, in the deciding thread; it decides nothing, and is bounded in every direction.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

import msgspec

from edge.parts import FrameRow
from edge.records import Alarm, AnyRecord, Audit, Event, FrameSet, Key

LIVES = 64  # about 2 kB each
EDGES = 256  # raw changes of the contact; an opening has some ten, one that chatters hundreds
EDGES_OF_ONE = 64
HINDRANCES = 16
TRACED = (Event, Alarm, Audit)


class Picture(msgspec.Struct):
    """One picture of an opening; boot ns."""

    taken_ns: int
    sealed_ns: int
    kept_ns: int | None = None
    delivered_ns: int | None = None


class Way(msgspec.Struct):
    """One record on its way to the platform; boot ns, None: not yet."""

    key: Key
    row: int
    made_ns: int
    stored_ns: int | None = None
    sent_ns: int | None = None  # for the first time
    sends: int = 0
    acked_ns: int | None = None
    denied_ns: int | None = None  # the broker last refused it
    receipt_ns: int | None = None


class Life(msgspec.Struct):
    """What is known of one record. `pictures` by name; `told`: its set of pictures on its own way."""

    record: AnyRecord
    number: int  # counts lives since the start
    way: Way
    edges_ns: tuple[int, ...]
    backlog: int  # records that waited when it was made
    down_ns: int | None  # since when there was no link then; None: there was one
    hindrances: dict[str, int]  # warning code -> since when (boot ns), while it was on its way
    pictures: dict[str, Picture] = {}
    told: Way | None = None
    missing: str = ""


class Trace:
    """The last LIVES records of what was done to the door and to the unit. `wrong()`: codes now, and since when."""

    def __init__(self, now: Callable[[], int], backlog: Callable[[], int], wrong: Callable[[], dict[str, int]]) -> None:
        self._now = now
        self._backlog = backlog
        self._wrong = wrong
        self._edges: deque[int] = deque(maxlen=EDGES)
        self._lives: OrderedDict[Key, Life] = OrderedDict()
        self._ways: dict[Key, Way] = {}  # of what is in _lives, and of their sets of pictures
        self._rows: dict[int, Way] = {}  # by row number: not stored yet
        self._down_ns: int | None = now()
        self._number = 0

    @property
    def lives(self) -> list[Life]:
        """Oldest first."""
        return list(self._lives.values())

    def clear(self) -> None:
        """What the unit held is erased, and so is this."""
        self._edges.clear()
        self._lives.clear()
        self._ways.clear()
        self._rows.clear()

    # What happens

    def edge(self, at_ns: int) -> None:
        """The contact's line changed."""
        self._edges.append(at_ns)

    def made(self, n: int, record: AnyRecord, made_ns: int, sent: bool) -> None:
        """A record was minted, under this row number, and if there is a link it was sent."""
        way = Way((record.epoch, record.seq), n, made_ns)
        if sent:
            way.sends, way.sent_ns = 1, self._now()
        if isinstance(record, TRACED):
            self._number += 1
            life = Life(
                record, self._number, way, self._edges_of(record), self._backlog(), self._down_ns, self._hindrances()
            )
            self._lives[record.epoch, record.seq] = life
            self._make_room()
        elif isinstance(record, FrameSet) and (record.of, record.event) in self._lives:
            life = self._lives[record.of, record.event]
            life.told, life.missing = way, record.missing
        else:
            return
        self._ways[record.epoch, record.seq] = self._rows[n] = way

    def stored(self, rows: Sequence[int]) -> None:
        """These rows are on the card."""
        now = self._now()
        for n in self._rows.keys() & set(rows):
            self._rows.pop(n).stored_ns = now

    def link(self, up: bool) -> None:
        """The broker accepted this unit, or there is no connection any more."""
        if up:
            self._down_ns = None
        elif self._down_ns is None:
            self._down_ns = self._now()

    def sent(self, record: AnyRecord) -> None:
        """It was handed to the link, perhaps again."""
        way = self._ways.get((record.epoch, record.seq))
        if way is not None:
            way.sends += 1
            way.sent_ns = way.sent_ns or self._now()

    def acked(self, record: AnyRecord, taken: bool) -> None:
        """The broker answered."""
        way = self._ways.get((record.epoch, record.seq))
        if way is None:
            return
        if taken:
            way.acked_ns = way.acked_ns or self._now()
        else:
            way.denied_ns = self._now()

    def receipt(self, key: Key) -> None:
        """The platform holds it."""
        way = self._ways.get(key)
        if way is not None:
            way.receipt_ns = way.receipt_ns or self._now()

    def wrong(self, code: str, now_ns: int) -> None:
        """A warning began: it stands by whatever is on its way."""
        for life in self._lives.values():
            if life.way.receipt_ns is None and len(life.hindrances) < HINDRANCES:
                life.hindrances.setdefault(code, now_ns)

    def sealed(self, row: FrameRow) -> None:
        """A picture is sealed, in RAM."""
        life = self._lives.get((row.epoch, row.event))
        if life is not None:
            life.pictures[row.name] = Picture(row.at.boot_ns, self._now())

    def kept(self, row: FrameRow) -> None:
        """Its file is on the card."""
        life = self._lives.get((row.epoch, row.event))
        if life is not None and row.name in life.pictures:
            life.pictures[row.name].kept_ns = self._now()

    def delivered(self, name: str) -> None:
        """The platform holds this picture."""
        for life in self._lives.values():
            if name in life.pictures:
                life.pictures[name].delivered_ns = self._now()

    def _edges_of(self, record: AnyRecord) -> tuple[int, ...]:
        if not isinstance(record, Event) or not record.edges:
            return ()
        first_ns = record.at.boot_ns
        last_ns = first_ns + (record.settle_us + 1) * 1000
        return tuple(ns for ns in self._edges if first_ns <= ns <= last_ns)[:EDGES_OF_ONE]

    def _hindrances(self) -> dict[str, int]:
        return dict(list(self._wrong().items())[:HINDRANCES])

    def _make_room(self) -> None:
        while len(self._lives) > LIVES:
            _, old = self._lives.popitem(last=False)
            for way in (old.way, old.told):
                if way is not None:
                    self._ways.pop(way.key, None)
                    self._rows.pop(way.row, None)
