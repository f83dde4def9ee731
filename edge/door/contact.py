"""Levels -> contact state, in the unit's nanoseconds, with the statistics that the pulse carries.

The contact's long memory is here too; whoever owns the card keeps it.
"""

import logging

import msgspec

from drivers.contact_health import FAILING_REED, INDUCED_NOISE, MAGNET_DRIFTING, NAMES, ContactHealth
from drivers.reed import FAULT, Reed
from edge import config

log = logging.getLogger(__name__)

# What the memory finds and stays so until it is mended -> health.py's code.
WEAR = {FAILING_REED: "contact.failing", MAGNET_DRIFTING: "contact.magnet"}


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
        self.memory = ContactHealth()
        self._remembered = 0  # glitches
        self._was_closed: bool | None = None  # as last told

    @property
    def noisy(self) -> bool:
        """More glitches than the door's movements explain."""
        return INDUCED_NOISE in self.memory.findings()

    @property
    def findings(self) -> list[str]:
        """What the memory holds against this contact, in its words."""
        return [NAMES[finding] for finding in self.memory.findings()]

    @property
    def glitches(self) -> int:
        """Unrest that ended where it began."""
        return int(self._reed.glitches)

    @property
    def settling(self) -> bool:
        """Whether the contact has left its rest, and it is not known yet what comes of it."""
        return bool(self._reed.settling())

    def recall(self, kept: bytes) -> None:
        """Go on from what `memory.pack` gave an earlier run; what cannot be read is learned anew."""
        try:
            self.memory = ContactHealth.unpack(kept)
        except ValueError as err:
            log.warning("%s; it is learned anew", err)

    def edge(self, boot_ns: int) -> None:
        """The line changed level at boot_ns."""
        self._reed.edge(boot_ns // 1000)

    def wait_ns(self, now_ns: int) -> int:
        """How long until `sample` should be called."""
        return int(self._reed.wait_us(now_ns // 1000)) * 1000

    def forget(self) -> None:
        """The contact could not be read for a while: the next rest is told, at whatever level."""
        self._reed.forget()
        self._was_closed = None

    def sample(self, now_ns: int, closed: bool) -> Rest | None:
        """The level as it is at now_ns; returns what there is to tell."""
        report = self._reed.sample(now_ns // 1000, closed)
        while self._remembered < self._reed.glitches:
            self._remembered += 1
            self.memory.glitched()
        if report is None:
            return None
        rest = Rest(
            report.closed, report.first_us * 1000, report.last_us * 1000, report.edges, report.missed, report.faulty
        )
        self._count(rest, fault=report.kind == FAULT, opened=self._was_closed is True and report.closed is False)
        if rest.closed is not None:
            self._was_closed = rest.closed
        return rest

    def _count(self, rest: Rest, *, fault: bool, opened: bool) -> None:
        s = self.statistics
        s.faults += fault
        s.openings += opened
        s.edges_max = max(s.edges_max, rest.edges)
        if not fault and rest.edges and not rest.missed:  # else nobody knows how it came to rest
            self.memory.moved(bool(rest.closed), rest.settle_us, rest.edges, rest.faulty)
        if not fault:
            s.settle_max_us = max(s.settle_max_us, rest.settle_us)
