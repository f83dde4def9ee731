"""A door contact's long memory: names a failing reed, a drifting magnet and induced noise from how it came to rest.

Pure, 39 bytes of state however many weeks it is fed, integers only. It is told each movement (how long the contact
took to settle, its edges) and each glitch (unrest that ended where it began), and learns what is usual at this door
from the first LEARN movements each way; a door that always rattled is no news.

    health = ContactHealth()                      # or ContactHealth.unpack(kept)
    health.moved(True, settle_us, edges)          # with each SETTLED report of drivers/reed.py that followed an edge
    health.glitched()                             # each time that Reed.glitches has grown by one
    for code in health.findings():
        print(NAMES[code])
    keep(health.pack())

What is unusual, and why there:
- Longer than 2 ms and than twice what this door did. A new reed bounces 0.5-1 ms on closing (Reed Relays and
  Electronics India, glossary), 0.6 ms with its operate time (PIC MS-108-5), and releases in 0.2 ms without bounce; a
  contact that is unquiet 1 ms after it closed is rejected as failing (Standex, dynamic contact resistance test). So
  2 ms is twice the worst that is published for a good reed. Micro switches (Festo: 1-15 ms) and slow leaves bounce
  for longer: there the door's own measure counts. It is the second longest of LEARN, so that one slam or one mishap
  while it was mounted neither blinds it nor warns.
- More than 8 edges and than twice what this door did: a good reed's bounce within 1 ms shows 3 to 7.
- WARN_AT of the last WINDOW movements one way. Of LEARN like movements 2 in 21 exceed the second longest, fewer its
  double; were it even 1 in 10, 10 of 16 would come by chance once in 10^6 windows. One bad week warns, a bad day not.
- A magnet at its threshold shows on closing alone, where the leaf creeps in; a bad contact both ways.
- A contact that did not come to rest at all (FAULT) FAULTS_AT times in WINDOW closings is the magnet's too.
- Glitches beyond one a movement and beyond twice what this door did while it was learned: NOISE_AT of them. Without
  movement a good contact gives none: its blades withstand 10 g of vibration (Standex KSK-1A04). Movements forgive.
"""

import struct

FAILING_REED = 1  # bounces longer and longer, both ways or on opening
MAGNET_DRIFTING = 2  # settles badly on closing only: the gap has grown, or the leaf hangs
INDUCED_NOISE = 4  # glitches without openings: the wire picks something up, or it is loose
NAMES = {FAILING_REED: "failing reed", MAGNET_DRIFTING: "magnet drifting", INDUCED_NOISE: "induced noise"}

LEARN = 20
WINDOW = 16
WARN_AT = 10
CLEAR_AT = 4  # at most so many of WINDOW, and it is well again
FAULTS_AT = 3
NOISE_AT = 32
FLOOR_US = 2_000
FLOOR_EDGES = 8

_VERSION = 1
_HEAD = "<BBBH"
_WAY = "<BIIHHHH"
_HEAD_BYTES = struct.calcsize(_HEAD)
_WAY_BYTES = struct.calcsize(_WAY)
_MOST_US = 0xFFFFFFFF
_MOST = 0xFFFF
_BITS = 0xFFFF  # WINDOW of them


class ContactHealth:
    """One contact. Feed it in the order in which things happened."""

    def __init__(self) -> None:
        self._opening = _Way()
        self._closing = _Way()
        self._flags = 0
        self._usual = 0  # glitches while it was learned, at most one a movement
        self._noise = 0  # glitches beyond what movements forgave, in 1/LEARN

    @property
    def learned(self) -> bool:
        """Whether both ways are known."""
        return self._opening.learned >= LEARN and self._closing.learned >= LEARN

    def moved(self, closed: bool, settle_us: int, edges: int, faulty: bool = False) -> None:
        """The contact came to rest at another level, settle_us after its first edge. faulty: after a FAULT."""
        way = self._closing if closed else self._opening
        way.add(settle_us, edges, faulty)
        self._noise = max(0, self._noise - LEARN - 2 * self._usual)
        self._judge()

    def glitched(self) -> None:
        """Unrest ended at the level that it began with."""
        if not self.learned:
            self._usual = min(LEARN, self._usual + 1)
        self._noise = min(_MOST, self._noise + LEARN)
        self._judge()

    def findings(self) -> "list[int]":
        """FAILING_REED, MAGNET_DRIFTING, INDUCED_NOISE: what is wrong now."""
        return [code for code in (FAILING_REED, MAGNET_DRIFTING, INDUCED_NOISE) if self._flags & code]

    def pack(self) -> bytes:
        """All that it knows, for `unpack` after a restart."""
        head = struct.pack(_HEAD, _VERSION, self._flags, self._usual, self._noise)
        return head + self._opening.pack() + self._closing.pack()

    @staticmethod
    def unpack(kept: bytes) -> "ContactHealth":
        """The one that was packed. Raises ValueError for anything else."""
        want = _HEAD_BYTES + 2 * _WAY_BYTES
        if len(kept) != want or kept[0] != _VERSION:
            found = "%d bytes, version %d" % (len(kept), kept[0]) if kept else "nothing"
            raise ValueError("contact health: found %s; want %d bytes, version %d" % (found, want, _VERSION))
        health = ContactHealth()
        _, health._flags, health._usual, health._noise = struct.unpack(_HEAD, kept[:_HEAD_BYTES])
        health._opening.take(kept[_HEAD_BYTES : _HEAD_BYTES + _WAY_BYTES])
        health._closing.take(kept[_HEAD_BYTES + _WAY_BYTES :])
        return health

    def _judge(self) -> None:
        opening, closing = _ones(self._opening.odd), _ones(self._closing.odd)
        faults = _ones(self._closing.faults)
        # What is bad on closing and half as bad on opening is the contact's: a magnet does nothing to a release.
        failing = opening >= WARN_AT or (closing >= WARN_AT and 2 * opening >= closing)
        magnet = not failing and (closing >= WARN_AT or faults >= FAULTS_AT)
        if failing:
            self._flags = (self._flags | FAILING_REED) & ~MAGNET_DRIFTING
        elif magnet and not self._flags & FAILING_REED:
            self._flags |= MAGNET_DRIFTING
        if max(opening, closing) <= CLEAR_AT:
            self._flags &= ~FAILING_REED
            if faults == 0:
                self._flags &= ~MAGNET_DRIFTING
        if self._noise >= NOISE_AT * LEARN:
            self._flags |= INDUCED_NOISE
        elif self._noise == 0:
            self._flags &= ~INDUCED_NOISE


class _Way:
    """Movements one way: the two longest of the first LEARN, then a bit for each of the last WINDOW."""

    def __init__(self) -> None:
        self.learned = 0
        self._longest_us = 0
        self._second_us = 0
        self._most_edges = 0
        self._second_edges = 0
        self.odd = 0
        self.faults = 0

    def add(self, settle_us: int, edges: int, faulty: bool) -> None:
        self.faults = (self.faults << 1 | (1 if faulty else 0)) & _BITS
        if faulty:  # teaches nothing of how it bounces
            self.odd = (self.odd << 1 | 1) & _BITS
            return
        if self.learned < LEARN:
            self.learned += 1
            self._learn(min(settle_us, _MOST_US), min(edges, _MOST))
            self.odd = self.odd << 1 & _BITS
            return
        odd = settle_us > max(FLOOR_US, 2 * self._second_us) or edges > max(FLOOR_EDGES, 2 * self._second_edges)
        self.odd = (self.odd << 1 | (1 if odd else 0)) & _BITS

    def pack(self) -> bytes:
        return struct.pack(
            _WAY,
            self.learned,
            self._longest_us,
            self._second_us,
            self._most_edges,
            self._second_edges,
            self.odd,
            self.faults,
        )

    def take(self, kept: bytes) -> None:
        (
            self.learned,
            self._longest_us,
            self._second_us,
            self._most_edges,
            self._second_edges,
            self.odd,
            self.faults,
        ) = struct.unpack(_WAY, kept)

    def _learn(self, settle_us: int, edges: int) -> None:
        if settle_us > self._longest_us:
            self._longest_us, self._second_us = settle_us, self._longest_us
        else:
            self._second_us = max(self._second_us, settle_us)
        if edges > self._most_edges:
            self._most_edges, self._second_edges = edges, self._most_edges
        else:
            self._second_edges = max(self._second_edges, edges)


def _ones(bits: int) -> int:
    count = 0
    while bits:
        bits &= bits - 1
        count += 1
    return count
