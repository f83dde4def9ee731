"""Feeds a reed as the unit's deciding thread does: edges first, then the timer, both late where the loop is busy."""

import random
from bisect import bisect_right
from collections.abc import Callable, Container
from itertools import accumulate
from typing import NamedTuple

from drivers.reed import Reed, Report
from edge.sim import waves

PERIOD = 1 << 30  # of MicroPython's ticks_us

Edge = tuple[int, bool]  # when, and the level after it


class Heard(NamedTuple):
    """One sample: when, the true level, what the reed then held for true, and what it reported."""

    now_us: int
    level: bool
    closed: bool | None
    report: Report | None


def ticks_diff(later: int, earlier: int) -> int:
    """time.ticks_diff, as a board has it."""
    return (later - earlier + PERIOD // 2) % PERIOD - PERIOD // 2


def never() -> int:
    """Not late at all."""
    return 0


def feed(
    reed: Reed,
    edges: list[Edge],
    until_us: int,
    *,
    before: bool,
    heard: Container[int] | None = None,
    late: Callable[[], int] = never,
    lag: Callable[[], int] = never,
    clock: Callable[[int], int] = lambda t_us: t_us,
) -> list[Heard]:
    """Every sample of a contact that has `before` as its level, then these edges; it runs from 0 to until_us.

    heard: the edges that are delivered (None: all). lag: how long one is on its way from pin to inbox. late: how
    late the thread wakes for a timer or an edge. clock: what the reed is told instead of true time.
    """
    times, levels = [t for t, _ in edges], [before, *(level for _, level in edges)]
    delivered = [t for t in times if heard is None or t in heard]
    inbox = list(zip(accumulate((t + lag() for t in delivered), max), delivered, strict=True))  # never out of order
    told, now, due, taken = [], 0, 0, 0
    while True:
        woken = min(due, inbox[taken][0]) if taken < len(inbox) else due
        now = max(now, woken) + late()
        if now > until_us:
            return told
        while taken < len(inbox) and inbox[taken][0] <= now:
            reed.edge(clock(inbox[taken][1]))
            due = now + reed.wait_us(clock(now))
            taken += 1
        if due <= now:
            level = levels[bisect_right(times, now)]
            report = reed.sample(clock(now), level)
            told.append(Heard(now, level, reed.closed, report))
            due = now + reed.wait_us(clock(now))
            assert [h.now_us for h in told[-3:]] != [now] * 3, "asks to be sampled at the same instant for ever"


def reports(told: list[Heard]) -> list[Report]:
    """What the reed reported."""
    return [h.report for h in told if h.report is not None]


def movement(name: str, from_us: int, closed: bool, seed: int, lasts_us: int = 0) -> list[Edge]:
    """The edges of one waveform that begins at from_us with the contact at `closed`; chatter ends after lasts_us."""
    edges = []
    level = closed
    for at_us, to in waves.wave(name, not closed, random.Random(seed)):
        if name == "chatter" and at_us > lasts_us:
            break
        if to is not level:
            edges.append((from_us + at_us, to))
        level = to
    return edges
