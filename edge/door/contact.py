"""Levels -> contact state, in the unit's nanoseconds, with the statistics that the pulse carries."""

import msgspec

from drivers.reed import FAULT, Reed
from edge import config


class Rest(msgspec.Struct, frozen=True):
    """What the contact did. `closed` is None while it chatters; times are boot ns."""

    closed: bool | None
    first_ns: int
    last_ns: int
    edges: int
    missed: bool  # no edge was delivered; the change is up to resample_ms older than first_ns
    faulty: bool  # it chattered before it came to rest

    @property
    def settle_us(self) -> int:
        """First edge to last edge."""
        return (self.last_ns - self.first_ns) // 1000


class Statistics(msgspec.Struct):
    """Since the agent started."""

    openings: int = 0
    edges_max: int = 0
    settle_max_us: int = 0
    faults: int = 0


class Settler:
    """Feeds the reed driver and counts. Time is an argument."""

    def __init__(self, door: config.Door) -> None:
        self._reed = Reed(door.settle_ms * 1000, door.chatter_ms * 1000, door.resample_ms * 1000)
        self.resample_ns = door.resample_ms * 1_000_000
        self.statistics = Statistics()

    @property
    def glitches(self) -> int:
        """Unrest that ended where it began."""
        return int(self._reed.glitches)

    def edge(self, boot_ns: int) -> None:
        """The line changed level at boot_ns."""
        self._reed.edge(boot_ns // 1000)

    def wait_ns(self, now_ns: int) -> int:
        """How long until `sample` should be called."""
        return int(self._reed.wait_us(now_ns // 1000)) * 1000

    def forget(self) -> None:
        """The contact could not be read for a while: the next rest is told, at whatever level."""
        self._reed.forget()

    def sample(self, now_ns: int, closed: bool) -> Rest | None:
        """The level as it is at now_ns; returns what there is to tell."""
        was_closed = self._reed.closed
        report = self._reed.sample(now_ns // 1000, closed)
        if report is None:
            return None
        rest = Rest(
            report.closed, report.first_us * 1000, report.last_us * 1000, report.edges, report.missed, report.faulty
        )
        self._count(rest, fault=report.kind == FAULT, opened=was_closed is True and report.closed is False)
        return rest

    def _count(self, rest: Rest, *, fault: bool, opened: bool) -> None:
        s = self.statistics
        s.faults += fault
        s.openings += opened
        s.edges_max = max(s.edges_max, rest.edges)
        if not fault:
            s.settle_max_us = max(s.settle_max_us, rest.settle_us)
