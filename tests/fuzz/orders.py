"""The life of commands: restarts, cuts, a card that hangs, fails or comes late, a link that goes, a clock that is lost.

An input is a story, a letter a step. However it goes, no command is done twice, or late, and one that was not done and
has not expired can still be.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from edge import wire
from edge.clock import SECOND, Quality
from edge.errors import CorruptError, PartError
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from tests.fuzz.bend import Pick
from tests.fuzz.player import Play, Target
from tests.unit.rig import UNIT, Rig, sign

LONGEST = 16  # steps
LONG_NS, SHORT_NS = 3 * 86_400 * SECOND, 60 * SECOND
PAUSE_NS = 70 * SECOND  # longer than a short life, and than the journal's longest pause after a card that failed
DAMAGED = CorruptError("spool", found="damage", wanted="what was written there", remedy="It is set aside.")
BROKEN = PartError("card", found="broken", wanted="whole", remedy="Change it.")


class Slow(Rig):
    """A unit whose card may hang from its first moment."""

    def __init__(self, folder: Path, clock: SimClock, *, hangs: bool) -> None:
        self._hangs = hangs
        super().__init__(folder, clock)

    def _worker(self, name: str) -> SimWorker:
        at_once = not (self._hangs and name == "card")
        return self.workers.setdefault(name, SimWorker(self.loop, at_once=at_once))


class Story:
    """One card, one clock, and the units that live on them one after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = SimClock()
        self._hangs = False
        self._given: list[bytes] = []
        self._ends_ns: dict[str, int] = {}
        self._times: Counter[str] = Counter()
        self._start()
        self.steps: dict[str, Callable[[], object]] = {
            "n": lambda: self._say([self._new(LONG_NS)]),
            "N": lambda: self._say([self._new(SHORT_NS)]),
            "o": lambda: self._say(self._given[:1]),
            "s": lambda: self._say(self._given[-3:]),
            "R": self._start,
            "g": self._restart,
            "h": lambda: self._card(hangs=True),
            "f": lambda: self._card(fault=BROKEN),
            "w": lambda: self._card(),
            "x": self._damage,
            "l": lambda: self._rig.link.drop(),
            "u": lambda: self._rig.link.accept(),
            "t": lambda: live(self._rig.loop, self._clock, 2 * SECOND),
            "T": lambda: live(self._rig.loop, self._clock, PAUSE_NS),
            "q": lambda: self._quality(Quality.RESTORED),
            "d": lambda: self._quality(Quality.SYNCED),
        }

    def step(self, letter: str) -> None:
        """One step of the story; a letter that stands for none is none."""
        self.steps.get(letter, lambda: None)()
        self._rig.loop.turn()
        assert self._rig.loop.faults == 0
        assert max(self._times.values(), default=0) <= 1, f"{letter}: done twice: {self._times}"

    def end(self) -> None:
        """All is well again, and the platform says once more all it ever wanted."""
        for letter in "wdTTu":  # the link last: a unit that hears nothing for so long connects anew
            self.step(letter)
        self._say(self._given)
        self.step("t")
        due = {id_ for id_, ends_ns in self._ends_ns.items() if ends_ns > self._clock.read().wall_ns}
        assert due <= self._times.keys(), f"never done: {due - self._times.keys()}"

    def _new(self, life_ns: int) -> bytes:
        id_, now_ns = f"c{len(self._given)}", self._clock.read().wall_ns
        first, last = wire.rfc3339(now_ns - 60 * SECOND), wire.rfc3339(now_ns + life_ns)
        self._ends_ns[id_] = now_ns + life_ns
        self._given.append(wire.command(wire.Command(id_, UNIT, "pulse", first, last, {"id": id_}), sign))
        return self._given[-1]

    def _say(self, some: list[bytes]) -> None:
        for payload in some:
            self._rig.unit._commands._looked_at = 0  # how many it looks at in a second is not the question here
            if self._rig.link.up:
                self._rig.obey(payload)

    def _done(self, args: Mapping[str, Any]) -> str:
        assert self._clock.read().wall_ns <= self._ends_ns[args["id"]], "done when it had expired"
        self._times[args["id"]] += 1
        return "done"

    def _start(self) -> None:
        """Also after a cut: what the card was given and has not done is gone."""
        self._rig = Slow(self._folder, self._clock, hangs=self._hangs)
        self._rig.unit._commands._verbs = {"pulse": self._done}
        self._rig.link.accept()

    def _restart(self) -> None:
        self._rig.stop()
        self._rig.live(4)
        self._start()

    def _card(self, *, hangs: bool = False, fault: PartError | None = None) -> None:
        self._hangs = hangs
        card = self._rig.workers["card"]
        card.at_once, card.fault = not hangs, fault
        if not hangs:
            card.run()

    def _damage(self) -> None:
        """The card returns what was never written there: a new spool takes the old one's place while the unit runs."""
        journal = self._rig.unit._c.journal
        if journal._is_open:  # else nobody can know what was done before
            journal._store._damaged = True
            self._rig.loop.call(journal._give_up, DAMAGED)

    def _quality(self, quality: Quality) -> None:
        self._clock.quality = quality


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """A fresh card for each story."""
    number = count()

    def play(data: bytes) -> None:
        story = Story(folder / str(next(number)))
        for letter in data[:LONGEST].decode("latin-1"):
            story.step(letter)
        story.end()

    yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """A step more, a step less, or other steps."""
    at = pick(range(len(raw) + 1))
    some = bytes(pick(b"nnNosRRghhfwwxlutTqd") for _ in range(pick((1, 1, 2, 3))))
    return (raw[:at] + some + raw[at + pick((0, 0, 1, 2)) :])[:LONGEST]


SEEDS = (b"nonRo", b"hnwRo", b"nhRonw", b"nlusgo", b"fnTws", b"hNTw", b"nhnxwtRo", b"qndno")
TARGET = Target("orders", opened, SEEDS, bend, longest=LONGEST)
