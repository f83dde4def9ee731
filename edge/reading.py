"""How a platform reads what a unit sent. Pure.

A unit that lost power between sending a change live and committing it does not know that it told it, and tells it
again when it starts, with the interval in which it happened. Whoever holds both sees that the second adds nothing.
So it is with the set of an opening's pictures: the one that is told again names all that the first one named.
"""

from collections.abc import Iterable

from edge.clock import Stamp
from edge.records import Boot, Change, Event, FrameSet, Gap, GapReason, Key
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


def superseded(envelopes: Iterable[Envelope]) -> set[str]:
    """The ids of FrameSets that were cut off before they were kept, and for which another one came."""
    envelopes = list(envelopes)
    lost = void(envelopes)
    sets: dict[Key, list[tuple[str, FrameSet]]] = {}
    for e in envelopes:
        if isinstance(record := e.data.record, FrameSet):
            sets.setdefault((record.of, record.event), []).append((e.id, record))
    found: set[str] = set()
    for same in sets.values():
        cut = [name for name, record in same if (record.epoch, record.seq) in lost]
        found.update(cut if len(cut) < len(same) else cut[:-1])
    return found


def void(envelopes: Iterable[Envelope]) -> set[Key]:
    """What was handed out and never came onto the card, though it may have been sent live."""
    found: set[Key] = set()
    for record in (e.data.record for e in envelopes):
        if isinstance(record, Boot) and record.void is not None:
            found |= {(record.epoch, seq) for seq in range(record.void[0], record.void[1] + 1)}
        elif isinstance(record, Gap) and record.reason is GapReason.VOID:
            found |= {(record.of, seq) for low, high in record.seqs for seq in range(low, high + 1)}
    return found


def _between(since: Stamp, at: Stamp, until: Stamp) -> bool:
    """Whether `at` lies after `since` and before `until`, as far as the boot clocks can tell."""
    if at.boot == since.boot and at.boot_ns < since.boot_ns:
        return False
    if at.boot == until.boot and at.boot_ns > until.boot_ns:
        return False
    return at.boot in (since.boot, until.boot)
