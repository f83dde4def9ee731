"""How a platform reads what a unit sent. Pure.

A unit that lost power between sending a change live and committing it does not know that it told it, and tells it
again when it starts, with the interval in which it happened. Whoever holds both sees that the second adds nothing.
"""

from collections.abc import Iterable

from edge.clock import Stamp
from edge.records import Change, Event
from edge.wire import Envelope

_DOOR = (Change.OPENED, Change.SHUT)


def repeats(envelopes: Iterable[Envelope]) -> set[str]:
    """The ids of those changes with an interval that only say what an earlier record has said exactly."""
    doors = [(e.id, r) for e in envelopes if isinstance(r := e.data.record, Event) and r.change in _DOOR]
    found = set()
    for name, event in doors:
        if event.since is None:
            continue
        within = [e for other, e in doors if other != name and _between(event.since, e.at, event.at)]
        last = max(within, key=lambda e: (e.at.boot == event.at.boot, e.at.boot_ns), default=None)
        if last is not None and last.change is event.change:
            found.add(name)
    return found


def _between(since: Stamp, at: Stamp, until: Stamp) -> bool:
    """Whether `at` lies after `since` and before `until`, as far as the boot clocks can tell."""
    if at.boot == since.boot and at.boot_ns < since.boot_ns:
        return False
    if at.boot == until.boot and at.boot_ns > until.boot_ns:
        return False
    return at.boot in (since.boot, until.boot)
