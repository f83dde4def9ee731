"""The term of a simulated unit, put on its card before it starts."""

from pathlib import Path

from edge.clock import SECOND
from edge.door.term import Phase, Span, Term, pack
from edge.spool.paper import Paper

NAME = "term.json"
DAY_NS = 86_400 * SECOND


def preset(folder: Path, now_ns: int, *, days: float = 3650, phase: Phase = Phase.ARMED) -> Span:
    """A term that began a day before now_ns (UTC) and ends `days` after it; longer than a command may make it."""
    span = Span(now_ns - DAY_NS, now_ns + int(days * DAY_NS))
    Paper(folder / NAME).write(pack(Term(phase, span)))
    return span
