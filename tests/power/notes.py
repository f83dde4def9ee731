"""What is noted on the tape between operations, and what it all promises: a power cut may not break any of it."""

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from edge.clock import Stamp
from edge.parts import FrameRow, Snapshot
from edge.records import AnyRecord, Event, Gap, GapReason, Key, unpack


@dataclass
class Held:
    """What the spool holds between two commits."""

    meta: dict[str, bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    anchor: Stamp | None = None  # the newest
    frames: dict[str, FrameRow] = field(default_factory=dict)

    def copy(self) -> "Held":
        return Held(dict(self.meta), dict(self.records), self.anchor, dict(self.frames))

    @classmethod
    def of(cls, snapshot: Snapshot, records: Mapping[int, bytes]) -> "Held":
        """As an opened store shows it."""
        anchor = max(snapshot.anchors.values(), key=lambda stamp: stamp.wall_ns, default=None)
        return cls(dict(snapshot.state), dict(records), anchor, {row.name: row for row in snapshot.frames})


@dataclass(frozen=True)
class Handed:
    """A seq was handed out: it may be at the platform already, whatever becomes of the unit."""

    key: Key


@dataclass
class Begun:
    """A commit is under way; `after` is set once it is done."""

    before: Held
    after: Held | None = None


@dataclass(frozen=True)
class Acked:
    """That commit has returned."""

    after: Held


@dataclass(frozen=True)
class Anew:
    """A new, empty spool stands where there was none, or a damaged one."""


@dataclass(frozen=True)
class Received:
    """The platform says that it holds these records."""

    records: tuple[tuple[int, AnyRecord], ...]


@dataclass(frozen=True)
class Evicted:
    """These records had to go; a Gap will count them."""

    records: tuple[AnyRecord, ...]


@dataclass(frozen=True)
class EvictedFrames:
    """These frames had to go; a Gap will count them."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Framed:
    """This frame is about to be written."""

    row: FrameRow


@dataclass(frozen=True)
class LetGo:
    """This frame is at the platform, or had to make room."""

    name: str


@dataclass(frozen=True)
class Did:
    """One more of what the workload is to cover."""

    what: str


@dataclass
class Promise:
    """All that is promised at one instant. `hear` every note up to it."""

    held: Held | None = None  # by the last acknowledged commit; None: no spool was ever opened to its end
    coming: Begun | None = None  # the commit that may or may not be on the card
    handed: dict[str, int] = field(default_factory=dict)  # epoch -> the highest seq handed out
    used: set[Key] = field(default_factory=set)  # all that were handed out
    owed: dict[Key, bytes] = field(default_factory=dict)  # acknowledged, and neither received nor evicted
    bodies: dict[Key, bytes] = field(default_factory=dict)  # everything that ever was in a commit
    going: set[Key] = field(default_factory=set)  # to be evicted; what never was acknowledged nobody has to count
    evicted: set[Key] = field(default_factory=set)
    gone: set[Key] = field(default_factory=set)  # received
    rows: dict[str, FrameRow] = field(default_factory=dict)  # every frame there ever was
    let_go: set[str] = field(default_factory=set)
    damaged: int = 0  # spools that were damaged on purpose
    loss_received: bool = True  # whether the platform knows of the last of them
    evicted_frames: set[str] = field(default_factory=set)
    told_frames: int = 0  # how many frames are gone by the Gaps received
    events: dict[int, Key] = field(default_factory=dict)  # when each Event was, by the wall clock
    done: Counter[str] = field(default_factory=Counter)

    def copy(self) -> "Promise":
        """For another life that begins here."""
        return Promise(**{one.name: copy.copy(getattr(self, one.name)) for one in fields(self)})

    def settle(self, found: Held) -> None:
        """The power is back, and this is what the card held: the commit under way is on it or is not."""
        self.held, self.coming = found, None
        self.going.clear()
        self.evicted -= keyed(found).keys()  # what was to go is still there, and nobody remembers that it was to go
        self.owe(found)

    def damage(self) -> None:
        """The spool will be found damaged; its records are lost, and a Gap has to say so."""
        self.held = self.coming = None
        self.damaged += 1
        self.loss_received = False
        self.owed.clear()
        self.going.clear()
        self.evicted.clear()
        self.evicted_frames.clear()
        self.done["damaged spools"] += 1

    def hear(self, note: object) -> None:
        """The next note on the tape."""
        match note:
            case Handed(key=(epoch, seq)):
                self.used.add((epoch, seq))
                self.handed[epoch] = max(seq, self.handed.get(epoch, 0))
            case Begun():
                self._begin(note)
            case Acked(after=after):
                self.held, self.coming = after, None
                self.owe(after)
            case Anew():
                self.held = self.coming = None
            case Received(records=records):
                self._receive(records)
            case Evicted(records=records):
                self.going.update((record.epoch, record.seq) for record in records)
                self._evict()
            case Did(what=what):
                self.done[what] += 1
            case _:
                self._hear_of_frame(note)

    def owe(self, held: Held) -> None:
        """What is held now must be there until it is received; frames too."""
        for key, body in keyed(held).items():
            if key not in self.gone and key not in self.evicted:
                self.owed[key] = body
        self._evict()

    def _hear_of_frame(self, note: object) -> None:
        match note:
            case Framed(row=row):
                self.rows[row.name] = row
            case LetGo(name=name):
                self.let_go.add(name)
                self.evicted_frames.discard(name)
            case EvictedFrames(names=names):
                self.evicted_frames.update(names)

    def _evict(self) -> None:
        for key in self.going & self.owed.keys():
            del self.owed[key]
            self.evicted.add(key)

    def _begin(self, begun: Begun) -> None:
        self.held = self.held or begun.before
        self.coming = begun
        if begun.after is not None:
            self.bodies.update(keyed(begun.after))
            for record in map(unpack, begun.after.records.values()):
                if isinstance(record, Event):
                    self.events[record.at.wall_ns] = record.epoch, record.seq
            self.let_go -= begun.after.frames.keys() - begun.before.frames.keys()  # adopted: it waits again

    def _receive(self, records: tuple[tuple[int, AnyRecord], ...]) -> None:
        for _, record in records:
            key = (record.epoch, record.seq)
            self.gone.add(key)
            self.owed.pop(key, None)
            self.evicted.discard(key)
            if isinstance(record, Gap):
                self.loss_received = self.loss_received or tells_of_loss(record)
                self.evicted -= counted(record)
                self.told_frames += record.frames or 0


def keyed(held: Held) -> dict[Key, bytes]:
    """The records by (epoch, seq)."""
    return {(record.epoch, record.seq): body for body in held.records.values() for record in (unpack(body),)}


def tells_of_loss(gap: Gap) -> bool:
    """Whether this Gap says that a whole spool was lost."""
    return gap.reason is GapReason.CORRUPT and gap.records is None


def counted(gap: Gap) -> set[Key]:
    """The records that a Gap says were evicted."""
    if gap.reason is not GapReason.FULL:
        return set()
    return {(gap.of, seq) for first, last in gap.seqs for seq in range(first, last + 1)}
