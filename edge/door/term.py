"""Whether this unit watches, as a table: phases x signals -> next phase and effects; and which openings are expected.

Pure: time is an argument. The end of a term comes whatever the clock is. While the clock is not set, time is reckoned
from the last one that was known (Term.mark) plus what the boot clock counted since: the end is then late by as long
as the power was off meanwhile, and by up to MARK_NS more for each start in between; it is never early by that.
"""

from enum import StrEnum

import msgspec

from edge.clock import SECOND, Quality, Stamp, know

TERM_MAX_NS = 60 * 86_400 * SECOND
VISIT_MAX_NS = 86_400 * SECOND  # a longer one would hush the alarm for days
VISITS_MAX = 200  # announced and not over
OPENINGS_MAX = 100
MARK_NS = 3600 * SECOND  # how often the time that is known is written down


class Phase(StrEnum):
    """What the unit does with its door."""

    IDLE = "idle"  # not in a term: nothing is recorded but health, the camera is off
    ARMED = "armed"
    ENDING = "ending"  # the term is over and the door unwatched; what is pending may still be delivered
    UNSURE = "unsure"  # nobody knows whether a term runs: the door is watched, and the camera is off


class Signal(StrEnum):
    """What can happen to it."""

    BEGUN = "now lies within the term"
    BEFORE = "the term has not begun"
    OVER = "the term is over"
    DONE = "nothing is pending, or its time is up"
    ERASE = "told to erase"


class Effect(StrEnum):
    """What the unit then does."""

    WATCH = "watch the door"
    LOOK = "switch the camera on"
    REST = "watch no longer, camera off"
    ERASE = "erase"


class Move(msgspec.Struct, frozen=True):
    """One row's right side."""

    to: Phase
    effects: tuple[Effect, ...] = ()


P, S, E = Phase, Signal, Effect
_ERASED = Move(P.IDLE, (E.REST, E.ERASE))

TABLE: dict[tuple[Phase, Signal], Move] = {
    (P.IDLE, S.BEGUN): Move(P.ARMED, (E.WATCH, E.LOOK)),
    (P.IDLE, S.OVER): Move(P.ENDING),  # it ran while the unit was off, or its beginning could not be written down
    (P.IDLE, S.ERASE): Move(P.IDLE, (E.ERASE,)),
    (P.ARMED, S.OVER): Move(P.ENDING, (E.REST,)),
    (P.ARMED, S.BEFORE): Move(P.IDLE, (E.REST,)),  # a clock that was ahead has been set
    (P.ARMED, S.ERASE): _ERASED,
    (P.ENDING, S.BEGUN): Move(P.ARMED, (E.WATCH, E.LOOK)),  # made longer, or a clock that was ahead has been set
    (P.ENDING, S.DONE): Move(P.IDLE, (E.ERASE,)),
    (P.ENDING, S.ERASE): Move(P.IDLE, (E.ERASE,)),
    (P.UNSURE, S.BEGUN): Move(P.ARMED, (E.LOOK,)),
    (P.UNSURE, S.BEFORE): Move(P.IDLE, (E.REST,)),
    (P.UNSURE, S.OVER): Move(P.ENDING, (E.REST,)),
    (P.UNSURE, S.ERASE): _ERASED,
}
# Signals that tell nothing new. A pair in neither list is a fault in the caller and raises.
IGNORED: frozenset[tuple[Phase, Signal]] = frozenset(
    {
        (P.IDLE, S.BEFORE),
        (P.ARMED, S.BEGUN),
        (P.ENDING, S.OVER),
        (P.ENDING, S.BEFORE),  # the next term is known already
    }
)


class Span(msgspec.Struct, frozen=True):
    """A term, UTC in ns."""

    starts_ns: int
    ends_ns: int


class Visit(msgspec.Struct, frozen=True):
    """Openings between two instants (UTC, ns) are expected; `left`: how many more of them, None: all."""

    kind: str
    from_ns: int
    until_ns: int
    left: int | None = None


class Term(msgspec.Struct):
    """All that is kept of it. mark: the last time that was known, in UTC; over_ns: when the last term was over."""

    phase: Phase = Phase.IDLE
    span: Span | None = None
    visits: list[Visit] = []
    over_ns: int | None = None
    mark: Stamp | None = None

    @property
    def watching(self) -> bool:
        """Whether the door is watched."""
        return self.phase in (Phase.ARMED, Phase.UNSURE)

    def move(self, signal: Signal) -> tuple[Effect, ...]:
        """Take the row for `signal`. Raises KeyError, phase untouched, where the table has none."""
        if (self.phase, signal) in IGNORED:
            return ()
        row = TABLE[self.phase, signal]
        self.phase = row.to
        return row.effects

    def note(self, now: Stamp) -> int | None:
        """Remember the time, and return the best that is known of it (UTC, ns); None before any was."""
        best_ns = self.reckon(now)
        if now.clock is Quality.SYNCED:
            self.mark = now
        elif best_ns is not None and (self.mark is None or self.mark.boot != now.boot):
            self.mark = Stamp(now.boot, now.boot_ns, best_ns, Quality.RESTORED)
        return best_ns

    def reckon(self, now: Stamp) -> int | None:
        """UTC in ns: a synced clock's word, else the later of an unconfirmed clock's and the last known plus elapsed.

        Each of those two is behind where power was off; a clock that was synced in this boot counts as synced.
        """
        known = know(now, self.mark)
        if self.mark is None or known.clock is Quality.SYNCED:
            return known.wall_ns
        since_ns = now.boot_ns - (self.mark.boot_ns if self.mark.boot == now.boot else 0)
        return max(self.mark.wall_ns + since_ns, known.wall_ns or 0)

    def signal(self, now_ns: int | None) -> Signal | None:
        """What the time says; None where it says nothing: no time, or no term."""
        if self.span is None or now_ns is None:
            return None
        if now_ns < self.span.starts_ns:
            return Signal.BEFORE
        return Signal.BEGUN if now_ns < self.span.ends_ns else Signal.OVER

    def next_ns(self, now_ns: int, grace_ns: int) -> int | None:
        """When the time next says something else (UTC, ns)."""
        instants = [self.span.starts_ns, self.span.ends_ns] if self.span else []
        if self.phase is Phase.ENDING and self.over_ns is not None:
            instants.append(self.over_ns + grace_ns)
        return min((at_ns for at_ns in instants if at_ns > now_ns), default=None)

    def expected(self, at: Stamp, since: Stamp | None = None) -> str | None:
        """The kind of visit in which an opening at `at`, or between since and at, surely lies; it is then used up.

        None unless the clock is synced, or was in this boot: what is hushed must be right.
        """
        at_ns = self._surely(at)
        since_ns = at_ns if since is None else self._surely(since)
        if at_ns is None or since_ns is None:
            return None
        for n, visit in enumerate(self.visits):
            if visit.from_ns <= since_ns and at_ns < visit.until_ns and visit.left != 0:
                if visit.left is not None:
                    self.visits[n] = msgspec.structs.replace(visit, left=visit.left - 1)
                return visit.kind
        return None

    def forget_visits(self, now_ns: int) -> None:
        """Those that are over."""
        self.visits = [visit for visit in self.visits if visit.until_ns > now_ns]

    def _surely(self, at: Stamp) -> int | None:
        known = know(at, self.mark)
        return known.wall_ns if known.clock is Quality.SYNCED else None


_decoder = msgspec.json.Decoder(Term)


def pack(term: Term) -> bytes:
    """As it is kept on the card."""
    return msgspec.json.encode(term)


def unpack(raw: bytes) -> Term:
    """What `pack` made. Raises ValueError (msgspec.DecodeError, UnicodeDecodeError) or RecursionError."""
    return _decoder.decode(raw)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> idle"]
    for (phase, signal), move in TABLE.items():
        effects = ", ".join(move.effects)
        lines.append(f"    {phase} --> {move.to}: {signal}" + (f" / {effects}" if effects else ""))
    return "\n".join(lines)
