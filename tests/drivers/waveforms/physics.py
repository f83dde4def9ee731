"""What a door's contact does when somebody comes and goes: levels with microsecond times, and the right answer beside.

Pure and byte-stable: one seed, one corpus, on every machine (only `random.random` and the four operations are used).
Where the figures are from (read for this file unless marked; a distribution between published limits is our choice):

reed    Bounce on closing 0.5 to 1 ms, less with a stronger magnet (Reed Relays and Electronics India, glossary,
        "Bounce time"); operate time with bounce at most 0.25 ms (Standex KSK-1A04, 40 % overdrive), 0.6 ms (PIC
        MS-108-5); release at most 0.15 and 0.2 ms (the same), without bounce. A contact still unquiet 1 ms after it
        closed is rejected (Standex, dynamic contact resistance test).
slow    A reed closed with little overdrive, by a leaf that is drawn shut slowly: up to 10 ms (notes/micropython.md).
micro   Change-over 1 to 15 ms (Festo FP 1110, mechanical limit switches); keys 5 ms at most (Omron B3F); Ganssle's
        18 kinds of switches, from memory: 1.6 ms on average, 6.2 ms at most, but for one outlier of 157 ms. Both ways.
rattle  A slammed or ill-fitting door: 50 to 250 ms, 50 ms of debounce too short (ratgdo/mqtt-ratgdo#3).
rebound The leaf comes back before it stays: shut, open 822 ms later, shut 266 ms later (letscontrolit/ESPEasy#2034).
burst   Electrical fast transients: 15 ms of pulses at 5 kHz, every 300 ms (IEC 61000-4-4, from memory).
"""

import random
from typing import Any, NamedTuple

MS, SECOND = 1_000, 1_000_000
SETTLE_US = 50 * MS  # of the default settings: what rests for less is no opening by definition
Edge = tuple[int, bool]  # when, and whether the contact is closed after it


class Waveform(NamedTuple):
    """One visit. The contact is closed from 0 to the first edge; `dropped`: times of edges that nobody is told of."""

    kind: str
    edges: list[Edge]
    dropped: list[int]
    until_us: int
    answer: list[Edge]  # each true movement: the time of its first edge, and where it led
    faults: int  # times the contact did not come to rest within 3 s


class Pen:
    """Draws the level changes of one visit."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.edges: list[Edge] = []
        self.answer: list[Edge] = []
        self.now_us = SECOND + self.between(0, SECOND)
        self.closed = True

    def between(self, least: int, most: int) -> int:
        """Evenly, both included."""
        return least + int(self.dice.random() * (most - least + 1))

    def skewed(self, least: int, most: int) -> int:
        """Mostly near the least."""
        u = self.dice.random()
        return least + int(u * u * (most - least + 1))

    def wait(self, least: int, most: int) -> None:
        self.now_us += self.between(least, most)

    def flip(self) -> None:
        self.closed = not self.closed
        self.edges.append((self.now_us, self.closed))

    def bounce(self, lasts_us: int, gap_us: tuple[int, int]) -> None:
        """Go over to the other level, and come back to it after every gap, until it has lasted; gaps grow shorter."""
        end_us, (least, most) = self.now_us + lasts_us, gap_us
        self.flip()
        while True:
            gaps = self.skewed(least, most), self.skewed(least, most)
            if self.now_us + sum(gaps) > end_us:
                return
            for gap in gaps:
                self.now_us += gap
                self.flip()
            most = max(least + 1, most * 7 // 8)

    def move(self, contact: str) -> None:
        """The leaf goes the other way: this contact's bounce, remembered as a true movement."""
        self.answer.append((self.now_us, not self.closed))
        closing = not self.closed
        if contact == "reed" and closing:
            self.bounce(self.skewed(50, MS), (5, 300))
        elif contact == "slow" and closing:
            self.bounce(self.between(MS, 10 * MS), (20, 2 * MS))
        elif contact == "micro":
            self.bounce(self.skewed(200, 6_200) if self.dice.random() < 0.9 else self.between(MS, 15 * MS), (20, 900))
        elif contact == "rattle":
            self.bounce(self.between(50 * MS, 250 * MS), (2 * MS, 44 * MS))
        else:
            self.flip()

    def blink(self, lasts_us: int) -> None:
        """Away and back: no movement."""
        self.flip()
        self.now_us += lasts_us
        self.flip()


def _visit(contact: str, pen: Pen) -> None:
    pen.move(contact)
    pen.wait(SECOND, 6 * SECOND)
    pen.move(contact)


def _rebound(pen: Pen) -> None:
    """The leaf is thrown shut, and stands open again for longer than the settle time before it stays."""
    _visit("reed", pen)
    for _ in range(pen.between(1, 2)):
        pen.wait(SETTLE_US + 10 * MS, 822 * MS)
        pen.move("reed")
        pen.wait(SETTLE_US + 10 * MS, 266 * MS)
        pen.move("reed")


def _peek(pen: Pen) -> None:
    """The shortest opening that is one: a little longer than the settle time."""
    pen.move("reed")
    pen.wait(SETTLE_US + MS, 400 * MS)
    pen.move("reed")


def _nudge(pen: Pen) -> None:
    """The leaf is pushed against its latch: open for less than the settle time, no opening by definition."""
    pen.blink(pen.between(5 * MS, SETTLE_US - 2 * MS))


def _glitch(pen: Pen) -> None:
    for _ in range(pen.between(1, 4)):
        pen.blink(pen.skewed(1, 3 * MS))
        pen.wait(200 * MS, 2 * SECOND)


def _burst(pen: Pen) -> None:
    for _ in range(pen.between(1, 3)):
        for _ in range(pen.between(20, 75)):
            pen.blink(pen.between(5, 60))
            pen.wait(130, 190)
        pen.wait(285 * MS, 300 * MS)


def _noisy(pen: Pen) -> None:
    """A disturbance so short before the opening that nobody can tell the two apart: the time may err by so much."""
    pen.blink(pen.skewed(1, 3 * MS))
    pen.wait(5 * MS, SETTLE_US - 5 * MS)
    _visit("reed", pen)


def _chatter(pen: Pen) -> None:
    """A magnet at the threshold, or a contact that dies: unrest for longer than chatter_us, then shut."""
    end_us = pen.now_us + pen.between(3_200 * MS, 6 * SECOND)
    while pen.now_us < end_us:
        pen.blink(pen.between(MS, 20 * MS))
        pen.wait(MS, 20 * MS)


# kind, how many in a thousand, how it is drawn. dropped: the kernel loses a movement's last edge (lg#18).
_KINDS = (
    ("reed", 350, lambda pen: _visit("reed", pen)),
    ("slow", 100, lambda pen: _visit("slow", pen)),
    ("micro", 150, lambda pen: _visit("micro", pen)),
    ("rattle", 200, lambda pen: _visit("rattle", pen)),
    ("rebound", 40, _rebound),
    ("peek", 50, _peek),
    ("nudge", 30, _nudge),
    ("glitch", 30, _glitch),
    ("burst", 20, _burst),
    ("noisy", 10, _noisy),
    ("dropped", 15, lambda pen: _visit("micro", pen)),
    ("chatter", 5, _chatter),
)
KINDS = tuple(kind for kind, _, _ in _KINDS)
_DRAW = {kind: draw for kind, _, draw in _KINDS}
_DECK = tuple(kind for kind, weight, _ in _KINDS for _ in range(weight))


def draw(kind: str, dice: random.Random) -> Waveform:
    """One waveform of this kind. Raises KeyError."""
    pen = Pen(dice)
    _DRAW[kind](pen)
    if not pen.closed:
        raise AssertionError(f"{kind} ends open; every visit ends shut")
    dropped = []
    if kind == "dropped":  # the one that ends a movement: the level stays where nobody was told it is
        start_us = pen.answer[1][0]
        opening = [t for t, _ in pen.edges if t < start_us]
        dropped = [opening[-1] if len(opening) > 1 else pen.edges[-1][0]]
    return Waveform(kind, pen.edges, dropped, pen.edges[-1][0] + 1_500 * MS, pen.answer, int(kind == "chatter"))


def any_kind(dice: random.Random) -> Waveform:
    """One waveform of a kind as often as it comes."""
    return draw(_DECK[int(dice.random() * len(_DECK))], dice)


def plain(waveform: Waveform) -> dict[str, Any]:
    """As it is written beside the generator: 1 is closed, 0 is open."""
    return {
        "edges": [[t, int(closed)] for t, closed in waveform.edges],
        "dropped": waveform.dropped,
        "until_us": waveform.until_us,
        "answer": [[t, int(closed)] for t, closed in waveform.answer],
        "faults": waveform.faults,
    }


def from_plain(kind: str, row: dict[str, Any]) -> Waveform:
    """The waveform that `plain` wrote."""
    edges, answer = ([(t, bool(closed)) for t, closed in row[name]] for name in ("edges", "answer"))
    return Waveform(kind, edges, row["dropped"], row["until_us"], answer, row["faults"])
