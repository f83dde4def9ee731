"""Lives of one unit, each recorded, cut after every file operation and judged; most begin where another one was cut."""

import itertools
import logging
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.clock import SECOND, Quality
from edge.sim.time import SimClock
from tests.power import shift
from tests.power.disk import KINDS, Disk, Image
from tests.power.hands import watched
from tests.power.judge import Verdict, judge
from tests.power.notes import Promise
from tests.power.room import empty
from tests.power.shift import Shift
from tests.power.tape import Op, Tape
from tests.power.vfs import Connector, Recorder

STATE = "state"  # the unit's folder; it is made by the unit, so that it too may be lost


@dataclass(frozen=True)
class Plan:
    """One life: where it begins (nothing, a cut, or a cut and damage), what happens, and for how many operations."""

    begins: str
    weights: dict[str, int]
    ops: int


PLANS = (
    Plan("empty", shift.DAY, 260),
    Plan("cut", shift.LONELY, 300),
    Plan("cut", shift.BACKLOG, 260),
    Plan("damaged", shift.DAY, 200),
    Plan("cut", shift.NIGHT, 1000),  # long enough for a checkpoint that SQLite decides on
)
# What a campaign that has played all PLANS must have done; else the power was cut in all the wrong places.
COVERS = (
    *("starts", "clean ends", "cuts", "damaged spools", "blocks set aside", "floods past the seqs set aside"),
    *("records put in groups", "records forgotten", "records evicted", "anchors", "checkpoints", "autocheckpoints"),
    *("frames added", "frames dropped", "frames evicted"),
)


@dataclass(frozen=True)
class Failure:
    """One broken promise, and where to find it again."""

    point: int
    kind: str
    broken: str


@dataclass
class Result:
    """What came of a campaign."""

    mode: str
    points: int = 0
    images: int = 0
    marks: set[object] = field(default_factory=set)
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def uncovered(self) -> list[str]:
        """What the workload should have done and has not."""
        return [what for what in COVERS if not self.done[what]]


class Campaign:
    """One seed in one mode of synchronous. `run` judges; `one` lays a single image out and judges it."""

    def __init__(self, seed: int, mode: str, room: Path) -> None:
        self._seed = seed
        self._mode = mode
        self._room = room
        self._clock = SimClock()
        self.result = Result(mode)
        self.tape = Tape(room)  # of the life that is being cut

    def run(self, images: int, *, first: bool = False) -> Result:
        """Judge this many images, or up to the `first` failure."""
        begun = time.perf_counter()
        with _quiet(), closing(self._cuts()) as cuts:
            for cut in cuts:
                self.result.points += 1
                for kind in KINDS:
                    self._count(cut, kind)
                if self.result.images >= images or (first and self.result.failures):
                    break
        self.result.seconds = time.perf_counter() - begun
        return self.result

    def one(self, point: int, kind: str) -> tuple[Path, Verdict]:
        """The folder of one image, as it was before it was judged, and the verdict."""
        with _quiet(), closing(self._cuts()) as cuts:
            cut = next(cut for cut in cuts if cut.point == point)
            folder = empty(self._room / "replayed")
            cut.image(kind).build(folder)
            return folder, self._judge(cut, kind)

    def _count(self, cut: "Cut", kind: str) -> None:
        self.result.images += 1
        self.result.marks.add((cut.life, cut.image(kind).mark))
        self.result.failures += [Failure(cut.point, kind, broken) for broken in self._judge(cut, kind).broken[:1]]

    def _judge(self, cut: "Cut", kind: str) -> Verdict:
        folder = empty(self._room / "image")
        cut.image(kind).build(folder)
        return judge(folder / STATE, cut.promise)

    def _cuts(self) -> Iterator["Cut"]:
        """Every point of every life, for ever. A cut is good until the next one is asked for."""
        point = 0
        start: _Start | None = None
        for life in itertools.count():
            plan, dice = PLANS[life % len(PLANS)], random.Random(f"{self._seed}/{life}")
            folder, promise = self._begin(plan, start, dice)
            self.tape = tape = self._record(plan, folder, promise, dice, life)
            chosen, kind = point + dice.randrange(tape.ops // 2, tape.ops), dice.choice(KINDS)
            disk, start = Disk(tape), None
            try:
                for _ in _steps(tape, disk, promise):
                    point += 1
                    cut = Cut(self._seed, life, point, disk, promise)
                    yield cut
                    if point == chosen:
                        start = self._start(cut, kind)
            finally:
                self.result.done += promise.done

    def _begin(self, plan: Plan, start: "_Start | None", dice: random.Random) -> tuple[Path, Promise]:
        """Lay out what this life begins with."""
        folder = empty(self._room / "life")
        if plan.begins == "empty" or start is None:
            return folder, Promise()
        start.image.build(folder)
        promise = start.promise.copy()
        promise.done = Counter(["cuts"])
        if plan.begins == "damaged":
            _damage(folder / STATE, dice)
            promise.damage()
        return folder, promise

    def _record(self, plan: Plan, folder: Path, promise: Promise, dice: random.Random, life: int) -> Tape:
        """The whole life, undisturbed; where it may be cut is looked at afterwards."""
        self._clock.quality, self._clock.error_ms = Quality.RESTORED, None
        self._clock.reboot(f"boot-{life}", off_ns=60 * SECOND)
        tape = Tape(folder)
        connect = Connector(Recorder(tape, f"{self._seed}/{life}"), self._mode)
        with watched(tape):
            unit = Shift(folder / STATE, tape, connect, dice, self._clock, promise.held, set(promise.used))
            while tape.ops < plan.ops:
                unit.work(plan.weights)
            unit.end()
        return tape

    def _start(self, cut: "Cut", kind: str) -> "_Start | None":
        """What another life can go on from; None where a promise was broken here."""
        verdict = self._judge(cut, kind)
        if verdict.broken or verdict.found is None:
            return None
        promise = cut.promise.copy()
        promise.settle(verdict.found)
        return _Start(cut.image(kind), promise)


@dataclass(frozen=True)
class Cut:
    """The power goes here."""

    seed: int
    life: int
    point: int
    disk: Disk
    promise: Promise

    def image(self, kind: str) -> Image:
        """One of the cards that this may leave; the same one each time."""
        return self.disk.image(kind, random.Random(f"{self.seed}/{self.point}/{kind}"))


@dataclass(frozen=True)
class _Start:
    image: Image
    promise: Promise


def _steps(tape: Tape, disk: Disk, promise: Promise) -> Iterator[None]:
    """One step is an operation and what was noted after it, up to the next one."""
    begun = False
    for entry in tape.entries:
        if not isinstance(entry, Op):
            promise.hear(entry)
            continue
        if begun:
            yield
        begun = True
        disk.step(entry)
    yield


def _damage(folder: Path, dice: random.Random) -> None:
    """Something overwrites the beginning of the spool, or of its -wal where there is one."""
    wal = folder / "spool.db-wal"
    path = wal if wal.exists() and wal.stat().st_size > 100 and dice.random() < 0.5 else folder / "spool.db"
    with path.open("r+b") as file:
        file.write(b"\xa5" * 100)


@contextmanager
def _quiet() -> Iterator[None]:
    """The unit warns of what it finds after a cut, thousands of times."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
