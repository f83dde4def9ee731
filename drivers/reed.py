"""Reed switch or any door contact: settles by sampling again, keeps the first edge's time.

Pure: it is fed times (integer microseconds) and levels, and owns neither pin nor clock. An edge is only a wake-up;
what counts is the level once the contact has been at rest for settle_us. One opening is one report, however much
the contact bounced; what the bounce looked like is kept, because it tells a failing contact from a good one.

    reed = Reed(settle_us=50_000, diff=time.ticks_diff)          # on a board; CPython needs no diff
    pin.irq(lambda p: reed.edge(time.ticks_us()))
    while True:
        report = reed.sample(time.ticks_us(), pin.value() == 0)  # low = closed
        if report and report.kind == SETTLED:
            print("shut" if report.closed else "open", report.edges)
        time.sleep_ms(reed.wait_us(time.ticks_us()) // 1000 + 1)
"""

from collections import namedtuple

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable

SETTLED = 1  # the contact came to rest at another level, or for the first time, or after FAULT
FAULT = 2  # it has not come to rest within chatter_us; reported once, SETTLED follows when it does

# kind; closed: level at rest (None with FAULT); first_us, last_us: first and last edge; edges: level changes seen;
# missed: found by sampling, no edge was seen, so it happened up to resample_us before first_us;
# faulty: a FAULT came before.
Report = namedtuple("Report", ("kind", "closed", "first_us", "last_us", "edges", "missed", "faulty"))


def _minus(later_us: int, earlier_us: int) -> int:
    return later_us - earlier_us


class Reed:
    """One contact. `closed` is its level at rest: True, False, or None before the first rest.

    settle_us: rest that counts. chatter_us: unrest that is a fault. resample_us: how often to sample at least,
    for an edge that was never delivered. diff(later, earlier): for clocks that wrap, time.ticks_diff.
    """

    def __init__(
        self,
        settle_us: int = 50_000,
        chatter_us: int = 3_000_000,
        resample_us: int = 1_000_000,
        diff: "Callable[[int, int], int]" = _minus,
    ) -> None:
        if not 0 < settle_us < chatter_us:
            raise ValueError("settle_us is %d; want 1 to below chatter_us (%d)" % (settle_us, chatter_us))
        self.settle_us = settle_us
        self.chatter_us = chatter_us
        self.resample_us = resample_us
        self._diff = diff
        self.closed: "bool | None" = None
        self.glitches = 0  # unrest that ended at the level it began with
        self._moving = False
        self._faulty = False
        self._missed = False
        self._first_us = 0
        self._last_us = 0
        self._edges = 0
        self._seen: "bool | None" = None  # the last sampled level while moving
        self._owed: "Report | None" = None  # a rest that an edge ended before it was sampled

    def settling(self) -> bool:
        """Whether it has left its rest, and it is not known yet what comes of it."""
        return self._moving and not self._faulty

    def edge(self, t_us: int) -> None:
        """The line changed level at t_us."""
        if not self._moving or (self._missed and self._edges == 1 and self._diff(self._first_us, t_us) >= 0):
            self._begin(t_us, False)  # also where `sample` saw the level before this edge was delivered
        elif self._seen is not None and self._diff(t_us, self._last_us) >= self.settle_us:
            self._owed = self._rest(self._seen)  # it had come to rest; whoever samples was too late to see it
            self._begin(t_us, False)
        self._edges += 1
        self._seen = None  # what was sampled before this edge tells nothing of the level after it
        if self._diff(t_us, self._last_us) > 0:
            self._last_us = t_us

    def wait_us(self, now_us: int) -> int:
        """Microseconds until `sample` should be called; 0: now."""
        if self._owed is not None:
            return 0
        if not self._moving:
            return self.resample_us
        # Half-way and at the end: two samples that differ are an edge that nobody delivered.
        age_us = self._diff(now_us, self._last_us)
        half_us = self.settle_us // 2
        wait_us = (half_us if age_us < half_us else self.settle_us) - age_us
        if not self._faulty:  # edges that never end must not put off for ever the sample that finds them a fault
            wait_us = min(wait_us, self.chatter_us - self._diff(now_us, self._first_us))
        return max(0, min(wait_us, self.resample_us))

    def sample(self, now_us: int, closed: bool) -> "Report | None":
        """Tell the level as it is at now_us; returns a Report where there is something to tell, else None."""
        if self._owed is not None:
            owed, self._owed = self._owed, None
            return owed  # and the level is sampled again half-way
        if not self._moving:
            if closed == self.closed:
                return None
            self._begin(now_us, self.closed is not None)
        if self._seen is not None and closed != self._seen and self._diff(now_us, self._last_us) > 0:
            self._edges += 1
            self._last_us = now_us
        self._seen = closed
        if self._diff(now_us, self._last_us) >= self.settle_us:
            return self._rest(closed)
        if not self._faulty and self._diff(now_us, self._first_us) >= self.chatter_us:
            self._faulty = True
            return Report(FAULT, None, self._first_us, self._last_us, self._edges, self._missed, True)
        return None

    def forget(self) -> None:
        """The contact could not be read for a while: the next rest is reported, at whatever level."""
        self.closed = None
        self._moving = False
        self._faulty = False
        self._owed = None

    def _begin(self, t_us: int, missed: bool) -> None:
        self._moving = True
        self._missed = missed
        self._first_us = self._last_us = t_us
        self._edges = 1 if missed else 0
        self._seen = None

    def _rest(self, closed: bool) -> "Report | None":
        self._moving = False
        faulty, self._faulty = self._faulty, False
        if closed == self.closed and not faulty:
            self.glitches += 1
            return None
        self.closed = closed
        return Report(SETTLED, closed, self._first_us, self._last_us, self._edges, self._missed, faulty)
