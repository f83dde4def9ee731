"""Compares all that a door did with all that the platform holds. Pure; returns what is wrong, in sentences."""

from collections import Counter

import msgspec

from edge import wire
from edge.clock import MS, Quality, Stamp
from edge.reading import repeats, superseded, void
from edge.records import Audit, Boot, Change, Event, FrameSet, Gap, GapReason
from edge.sim.city import Held

SLACK_NS = 2 * MS  # the driver counts in microseconds, and a clock is read a little after the edge


class Move(msgspec.Struct, frozen=True):
    """The door moved at at_ns (true time); its contact was at rest from rest_ns on."""

    at_ns: int
    closed: bool
    rest_ns: int


class Span(msgspec.Struct, frozen=True):
    """A stretch of true time."""

    from_ns: int
    to_ns: int

    def holds(self, at_ns: int) -> bool:
        """Whether at_ns lies in it."""
        return self.from_ns <= at_ns <= self.to_ns


class Truth(msgspec.Struct):
    """All that really happened."""

    base_ns: int  # UTC at true time 0
    settle_ns: int
    moves: list[Move] = []
    lives: list[Span] = []  # the agent watched the door
    boots: dict[str, int] = {}  # boot id -> true time of its first instant
    card_bad: list[Span] = []  # commits failed or were late
    contact_bad: list[Span] = []  # the contact did not tell the door
    unwatched: list[Span] = []  # the term was over, or may have been: nothing need be told
    silent: list[Span] = []  # it surely was: nothing may be told
    looking: list[Span] = []  # a camera was there
    take_ns: int = 0  # an opening's pictures are told at the latest so long after it

    def of(self, stamp: Stamp) -> int:
        """The true time of a stamp's instant."""
        return self.boots[stamp.boot] + stamp.boot_ns


def judge(truth: Truth, held: list[Held]) -> list[str]:
    """Everything that breaks the promise; empty where it was kept."""
    events = [h for h in held if isinstance(h.envelope.data.record, Event)]
    events.sort(key=lambda h: (truth.of(_at(h)), _event(h).since is None))  # what changed, then how it was found
    doors = [h for h in events if _event(h).change in (Change.OPENED, Change.SHUT)]
    told = repeats([h.envelope for h in doors])
    fresh = [h for h in doors if h.envelope.id not in told]
    return [
        *_unordered(truth, held),
        *_untimely(truth, held),
        *_holes(held),
        *_invented(truth, fresh),
        *_lost(truth, fresh, _erasures(truth, held)),
        *_indiscreet(truth, events),
        *_alternation(truth, [h for h in events if h.envelope.id not in told]),
        *_unpictured(truth, held, fresh),
    ]


def _event(held: Held) -> Event:
    record = held.envelope.data.record
    assert isinstance(record, Event)  # noqa: S101 - judge keeps only these
    return record


def _at(held: Held) -> Stamp:
    return held.envelope.data.record.at


def _unordered(truth: Truth, held: list[Held]) -> list[str]:
    """Within an epoch, order by seq is order of time: of changes by their first edge, of all else by its making."""
    wrong = []
    for is_event in (True, False):
        records = [r for h in held if isinstance(r := h.envelope.data.record, Event) is is_event]
        records.sort(key=lambda r: (r.epoch, r.seq))
        for one, two in zip(records, records[1:], strict=False):
            if one.epoch == two.epoch and truth.of(one.at) > truth.of(two.at):
                wrong.append(f"{two.epoch}/{two.seq} is earlier than {one.epoch}/{one.seq}")
    return wrong


def _untimely(truth: Truth, held: list[Held]) -> list[str]:
    """A synced time is within its error of the truth; an interval holds the truth."""
    wrong = []
    for h in held:
        data, at_ns = h.envelope.data, truth.base_ns + truth.of(_at(h))
        if data.clock is Quality.SYNCED:
            claimed = h.envelope.time
            late_ns = abs(wire.from_rfc3339(claimed) - at_ns) if claimed else None
            if late_ns is None or data.error_ms is None or late_ns > data.error_ms * MS + SLACK_NS:
                wrong.append(f"{h.envelope.id} claims {claimed} +- {data.error_ms} ms; it is off by {late_ns} ns")
        if data.interval is not None:
            low, high = (wire.from_rfc3339(t) if t else None for t in data.interval)
            error_ns = (data.error_ms or 0) * MS + 1000 * MS
            if (low is not None and low > at_ns + error_ns) or (high is not None and high < at_ns - error_ns):
                wrong.append(f"{h.envelope.id} claims the interval {data.interval}, which does not hold its time")
    return wrong


def _holes(held: list[Held]) -> list[str]:
    """Every seq below the last of a durable epoch is held, or declared void or gone."""
    seqs: dict[str, set[int]] = {}
    durable = set()
    for h in held:
        record = h.envelope.data.record
        seqs.setdefault(record.epoch, set()).add(record.seq)
        if isinstance(record, Boot):
            durable.add(record.epoch)
            if record.void:
                seqs[record.epoch] |= set(range(record.void[0], record.void[1] + 1))
        if isinstance(record, Gap):
            for low, high in record.seqs:
                seqs.setdefault(record.of, set()).update(range(low, high + 1))
    gone = any(isinstance(h.envelope.data.record, Gap) and _uncounted(h) for h in held)
    return [
        f"epoch {epoch}: seqs {missing} are missing and nobody says why"
        for epoch in durable
        if (missing := wire.ranges(set(range(1, max(seqs[epoch]))) - seqs[epoch])) and not gone
    ]


def _uncounted(held: Held) -> bool:
    record = held.envelope.data.record
    return isinstance(record, Gap) and record.records is None


def _invented(truth: Truth, fresh: list[Held]) -> list[str]:
    """Every opening and shutting that is told really happened, when it is said to have happened.

    A door that moves while its contact chatters has the chatter's first edge for its time.
    """
    wrong = []
    used: set[int] = set()
    for h in fresh:
        event = _event(h)
        closed = event.change is Change.SHUT
        at_ns = truth.of(event.at)
        nonsense = [] if event.since else [bad.to_ns for bad in truth.contact_bad if bad.holds(at_ns)]
        high = max([at_ns, *nonsense]) + SLACK_NS
        low = truth.of(event.since) - SLACK_NS if event.since else at_ns - SLACK_NS
        match = [
            i
            for i, move in enumerate(truth.moves)
            if move.closed is closed and move.at_ns <= high and move.rest_ns >= low and i not in used
        ]
        if match:
            nearest = min(match, key=lambda i: abs(truth.moves[i].at_ns - at_ns))
            used.add(match[-1] if event.since else nearest)
        else:
            wrong.append(f"{h.envelope.id} says {event.change} at {at_ns}, and the door did not")
    return wrong


def _indiscreet(truth: Truth, events: list[Held]) -> list[str]:
    """Nothing of the door is recorded outside the term, but by a unit whose card did not give the term at its start."""
    unsure = [life for life in truth.lives if _in(truth.card_bad, life.from_ns)]
    told = [(h, truth.of(_at(h))) for h in events]
    return [
        f"{h.envelope.id} is of {at_ns}, outside the term"
        for h, at_ns in told
        if _in(truth.silent, at_ns) and not _in(unsure, at_ns)
    ]


def _erasures(truth: Truth, held: list[Held]) -> list[tuple[int, int]]:
    """When the unit erased, and how many records that were not delivered it counted; all where it could not count."""
    audits = [r for h in held if isinstance(r := h.envelope.data.record, Audit) and r.what == "erased"]
    counts = [audit.detail.get("records") for audit in audits]
    return [
        (truth.of(audit.at), len(truth.moves) if count is None else int(count))
        for audit, count in zip(audits, counts, strict=True)
    ]


def _in(spans: list[Span], at_ns: int) -> bool:
    return any(span.holds(at_ns) for span in spans)


def _lost(truth: Truth, fresh: list[Held], erasures: list[tuple[int, int]]) -> list[str]:
    """Every movement that the unit must have seen is held, with its own time, or was erased and counted."""
    told = {(_event(h).change is Change.SHUT, truth.of(_at(h)) // MS) for h in fresh}
    wrong: list[tuple[int, str]] = []
    for move, after in zip(truth.moves, [*truth.moves[1:], None], strict=True):
        if not _must_be_told(truth, move, after):
            continue
        near = {(move.closed, move.at_ns // MS + d) for d in (-2, -1, 0, 1, 2)}
        if not near & told:
            wrong.append((move.at_ns, f"the door {'shut' if move.closed else 'opened'} at {move.at_ns}, nobody knows"))
    for erased_ns, count in erasures:
        before = [one for one in wrong if one[0] < erased_ns]
        wrong = [one for one in wrong if one not in before[:count]]
    return [sentence for _, sentence in wrong]


def _must_be_told(truth: Truth, move: Move, after: Move | None) -> bool:
    """Watched throughout, at rest long enough, and the card well until the unit was next without power."""
    known_ns = move.rest_ns + truth.settle_ns + 1000 * MS
    life = next((life for life in truth.lives if life.from_ns + 2000 * MS <= move.at_ns <= life.to_ns), None)
    if life is None or life.to_ns < known_ns or (after is not None and after.at_ns < known_ns):
        return False
    if _in(truth.unwatched, move.at_ns) or _in(truth.unwatched, known_ns):
        return False
    if any(bad.from_ns - 5000 * MS <= move.at_ns <= bad.to_ns + 5000 * MS for bad in truth.contact_bad):
        return False
    cut_while_bad = any(bad.holds(move.at_ns) and life.to_ns <= bad.to_ns for bad in truth.card_bad)
    return not cut_while_bad


def _unpictured(truth: Truth, held: list[Held], fresh: list[Held]) -> list[str]:
    """Every opening that a camera saw has one FrameSet, or its record was gone and counted, or all was erased."""
    envelopes = [h.envelope for h in held]
    again = superseded(envelopes)
    records = [e.data.record for e in envelopes if e.id not in again]
    told = Counter((r.of, r.event) for r in records if isinstance(r, FrameSet))
    gone = [truth.of(r.at) for r in records if isinstance(r, Gap) and r.reason is not GapReason.VOID and r.records != 0]
    gone += [at_ns for at_ns, _ in _erasures(truth, held)]
    lost = void(envelopes)
    wrong = []
    for h in fresh:
        event = _event(h)
        key, at_ns = (event.epoch, event.seq), truth.of(event.at)
        if event.change is not Change.OPENED or event.since is not None:
            continue
        owed = key not in lost and _must_be_pictured(truth, at_ns) and not any(gone_ns >= at_ns for gone_ns in gone)
        if told[key] > 1 or (owed and not told[key]):
            wrong.append(f"{h.envelope.id} opened at {at_ns} and has {told[key]} sets of pictures")
    return wrong


def _must_be_pictured(truth: Truth, at_ns: int) -> bool:
    """A camera looked, and the unit lived on, or started again, for long enough; the card was well when it was cut."""
    life = next((one for one in truth.looking if one.from_ns + 2000 * MS <= at_ns <= one.to_ns), None)
    if life is None or _in(truth.unwatched, at_ns) or _in(truth.card_bad, life.from_ns):
        return False
    ended = at_ns + truth.take_ns > life.to_ns
    later = [one for one in truth.lives if one.from_ns > life.to_ns and one.to_ns - one.from_ns >= 5000 * MS]
    if ended and any(bad.from_ns <= life.to_ns and bad.to_ns >= at_ns for bad in truth.card_bad):
        return False
    return not ended or bool(later)


def _alternation(truth: Truth, events: list[Held]) -> list[str]:
    """A door that opened must shut before it can open again, as a change or as it was found.

    A spool that opens late tells the change since it was last written, with its interval: after what was found since,
    and after what was told live meanwhile and never came onto its card.
    """
    wrong = []
    shut: bool | None = None
    known_ns = 0  # when the state that the door is in was first told
    for h in events:
        event = _event(h)
        if event.change not in (Change.FOUND, Change.OPENED, Change.SHUT):
            continue
        is_shut = event.door == "shut" if event.change is Change.FOUND else event.change is Change.SHUT
        told_late = event.since is not None and truth.of(event.since) <= known_ns
        if shut is is_shut and event.change is not Change.FOUND and not told_late:
            wrong.append(f"{h.envelope.id} says {event.change}, and it was so before")
        if shut is not is_shut:
            shut, known_ns = is_shut, truth.of(event.at)
    return wrong
