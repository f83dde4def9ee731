"""Keeps the term: when this unit watches, which openings are expected, and that it falls silent and erases at the end.

The term lies in a file of its own. A change that cannot be written down is refused, but for an end: that takes effect
at once and is written when the card takes it. While nobody knows the term (its file cannot be read, or makes no
sense) the door is watched, for an alarm that is missed cannot be made good; the camera stays off, for a picture
that was taken without right cannot either. That lasts until the platform says what holds.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from edge import config, wire
from edge.clock import SECOND, Clock, Stamp
from edge.door import term as rules
from edge.door.term import Effect, Phase, Signal, Span, Term, Visit
from edge.errors import DoorunitError, PartError
from edge.health import Health
from edge.loop import Loop, Timer, Worker
from edge.spool.paper import Paper
from edge.unit.recorder import Recorder
from edge.uplink.commands import Answer

NAME = "term.json"
LOOK_NS = 600 * SECOND  # how late it may be noticed that a clock was set to another time
PENDING_NS = 5 * SECOND  # how late it may be noticed that nothing is pending any more
RETRY_NS = 30 * SECOND


class Warden:
    """Lives in the deciding thread.

    Hooks: on_effect(effect, by) in the order of the table, on_change(), pending() -> whether anything is to be sent.
    """

    def __init__(
        self,
        settings: config.Term,
        read: Callable[[], bytes],
        paper: Paper,
        card: Worker,
        loop: Loop,
        clock: Clock,
        health: Health,
        recorder: Recorder,
    ) -> None:
        self._grace_ns = settings.grace_s * SECOND
        self._read = read  # finishes an erasing that was cut off first
        self._paper = paper
        self._card = card
        self._loop = loop
        self._clock = clock
        self._health = health
        self._recorder = recorder
        self.on_effect: Callable[[Effect, str], None] = lambda _effect, _by: None
        self.on_change: Callable[[], None] = lambda: None
        self.pending: Callable[[], bool] = lambda: False
        self.term = Term(Phase.UNSURE)
        self.erasing = False
        self._known = False
        self._begun = False
        self._card_works = False
        self._timer: Timer | None = None
        self._over_boot_ns = 0
        self._kept_ns: int | None = None
        self._retry: Timer | None = None
        self.deeds = {"term": self._set, "visit": self._visit, "end": self._end, "erase": self._erase}

    # The start

    def load(self) -> None:
        """Read the term: what the card's worker is given after this is answered later."""

        def failed(err: Exception) -> None:
            if self._card_works:  # else the card's own warning says it all
                self._doubt(err)
            self._loop.after(RETRY_NS, self.load)
            if not isinstance(err, PartError):
                raise err

        self._card.do(self._read, self._adopt, failed)

    def begin(self, card_works: bool) -> bool:
        """The recorder has begun: look at the time; returns whether the door was watched before, and still is."""
        self._card_works = card_works
        was = self.term.watching
        self._over_boot_ns = self._loop.now()
        self.tick()
        self._begun = True
        return was and self.term.watching

    @property
    def watching(self) -> bool:
        """Whether the door is watched."""
        return self.term.watching

    @property
    def looking(self) -> bool:
        """Whether the camera is on."""
        return self.term.phase is Phase.ARMED

    def told(self) -> dict[str, Any]:
        """What the platform is told of it in `state`."""
        span = self.term.span
        return {
            "armed": self.watching,
            "phase": self.term.phase,
            "starts": wire.rfc3339(span.starts_ns) if span else None,
            "ends": wire.rfc3339(span.ends_ns) if span else None,
        }

    def tick(self, by: str = "unit") -> None:
        """Look at the time: what it says happens now."""
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock.read()
        now_ns = self.term.note(now)
        wait_ns = LOOK_NS
        if now_ns is not None:
            self.term.forget_visits(now_ns)
        if not self.erasing:
            signal = self.term.signal(now_ns)
            if signal is not None:
                self._move(signal, by, now_ns)
            if self.term.phase is Phase.ENDING:
                wait_ns = PENDING_NS
                if self._is_done(now_ns):
                    self._move(Signal.DONE, by, now_ns)
            next_ns = None if now_ns is None else self.term.next_ns(now_ns, self._grace_ns)
            wait_ns = wait_ns if next_ns is None or now_ns is None else min(wait_ns, next_ns - now_ns)
            if self._is_stale(now.boot_ns) and self.term != Term(mark=self.term.mark):
                self._keep()
        self._timer = self._loop.after(wait_ns, self.tick)

    def expected(self, at: Stamp, since: Stamp | None) -> str | None:
        """The kind of visit that an opening belongs to; one that is counted is used up."""
        before = list(self.term.visits)
        kind = self.term.expected(at, since)
        if self.term.visits != before:
            self._keep()
        return kind

    def after(self) -> Term:
        """What holds once all is erased: nothing, but for a term that is still to come."""
        now_ns, span = self.term.reckon(self._clock.read()), self.term.span
        coming = span if span and now_ns is not None and span.starts_ns > now_ns else None
        return Term(Phase.IDLE, coming, mark=self.term.mark)

    def opened(self) -> None:
        """A spool was opened after the start: the card works, and where there was anything to erase it is erased."""
        self._card_works = True
        if not self._known:
            self.load()
        if self.erasing:
            self.erasing = False
            self.tick()

    # Commands

    def _set(self, command: wire.Command, answer: Answer) -> None:
        wish = wire.order(command, wire.TermOrder)
        span = Span(wire.instant(command, wish.starts), wire.instant(command, wish.ends))
        now_ns = self._clock.read().wall_ns
        self._refuse_while_erasing(command)
        if not now_ns < span.ends_ns > span.starts_ns:
            raise wire.wrong_order(command, f"{wish.starts} to {wish.ends}", "an end after the start, and after now")
        if (
            span.ends_ns - max(now_ns, span.starts_ns) > rules.TERM_MAX_NS
            or span.starts_ns > now_ns + rules.TERM_MAX_NS
        ):
            raise wire.wrong_order(
                command, f"{wish.starts} to {wish.ends}", "at most 60 days, and at most that far off"
            )
        if self.looking and span.starts_ns > now_ns:
            raise wire.wrong_order(command, "a start to come while a term is under way", "`end` first, or a start past")
        visits = [v for v in self.term.visits if span.starts_ns <= v.from_ns and v.until_ns <= span.ends_ns]
        new = msgspec.structs.replace(self.term, span=span, visits=visits)

        def kept() -> None:
            was = self.term.phase
            self._known = True
            self._health.clear("term.unknown", self._loop.now())
            self.term.span, self.term.visits = span, visits
            self.tick(command.id)
            if self.term.phase is was or not self.looking:
                self._audit("term.changed", command.id)
                self.on_change()
            answer(True, f"the term is {wish.starts} to {wish.ends}")

        self._write_first(new, kept, answer)

    def _visit(self, command: wire.Command, answer: Answer) -> None:
        wish = wire.order(command, wire.VisitOrder)
        visit = Visit(wish.kind, wire.instant(command, wish.from_), wire.instant(command, wish.until), wish.openings)
        span, now_ns, said = self.term.span, self._clock.read().wall_ns, f"{wish.from_} to {wish.until}"
        self._refuse_while_erasing(command)
        if span is None or visit.from_ns < span.starts_ns or visit.until_ns > span.ends_ns:
            raise wire.wrong_order(command, said, "a visit within the term")
        if not now_ns < visit.until_ns > visit.from_ns or visit.until_ns - visit.from_ns > rules.VISIT_MAX_NS:
            raise wire.wrong_order(command, said, "an end after the start and after now, within a day of the start")
        if len(self.term.visits) >= rules.VISITS_MAX:
            raise wire.wrong_order(command, f"{rules.VISITS_MAX} visits to come", "one less")

        def kept() -> None:
            self.term.visits.append(visit)
            self._audit("visit.added", command.id, kind=wish.kind, openings=wish.openings, of=visit)
            answer(True, f"{wish.kind} is expected, {said}")

        self._write_first(msgspec.structs.replace(self.term, visits=[*self.term.visits, visit]), kept, answer)

    def _end(self, command: wire.Command, answer: Answer) -> None:
        wire.order(command, wire.NoArgs)
        if not self.watching and self.term.span is None:
            raise wire.wrong_order(command, f"phase {self.term.phase}", "a term that runs or is to come")
        was_watching, self.term.visits = self.watching, []
        self._known = True
        self._health.clear("term.unknown", self._loop.now())
        if was_watching:
            self._move(Signal.OVER, command.id, self._clock.read().wall_ns)
        else:
            self._audit("term.changed", command.id)
        self.term.span = None
        self._keep(
            lambda: answer(True, "the term is over"), lambda: answer(True, "the term is over; not on the card yet")
        )
        self.on_change()
        self.tick(command.id)

    def _erase(self, command: wire.Command, answer: Answer) -> None:
        wire.order(command, wire.NoArgs)
        self._refuse_while_erasing(command)
        self.term.span = None
        self._move(Signal.ERASE, command.id, self._clock.read().wall_ns)
        answer(True, "erasing; the signed record of it follows")

    def _refuse_while_erasing(self, command: wire.Command) -> None:
        if self.erasing:
            raise wire.wrong_order(command, "a unit that is erasing", "a unit that has erased")

    # What happens

    def _move(self, signal: Signal, by: str, now_ns: int | None) -> None:
        was, effects = self.term.phase, self.term.move(signal)
        phase = self.term.phase
        if phase is was and not effects:
            return
        if phase is Phase.ENDING:
            self.term.over_ns, self._over_boot_ns = now_ns, self._loop.now()
        if phase is Phase.ARMED:
            self.term.over_ns = None
            self._audit("term.began", by)
        for effect in effects:
            if self._begun and effect is not Effect.ERASE:
                self.on_effect(effect, by)
        if phase is Phase.ENDING or (signal is Signal.BEFORE and was is Phase.ARMED):
            self._audit("term.ended", by)
        if Effect.ERASE in effects:
            self._begin_erasing(by)
        else:
            self._keep()
        self.on_change()

    def _begin_erasing(self, by: str) -> None:
        """A start that finds the file so, because the erasing itself had not begun, erases."""
        self.erasing = True
        self.term = self.after()
        cut_here = Term(Phase.ENDING, self.term.span, over_ns=0, mark=self.term.mark)
        self._card.do(partial(self._paper.write, rules.pack(cut_here)), lambda _: None, self._unkept)
        self.on_effect(Effect.ERASE, by)

    def _is_stale(self, now_ns: int) -> bool:
        return self._kept_ns is None or now_ns - self._kept_ns >= rules.MARK_NS

    def _is_done(self, now_ns: int | None) -> bool:
        if now_ns is not None and self.term.over_ns is not None and now_ns >= self.term.over_ns + self._grace_ns:
            return True
        return not self.pending() or self._loop.now() - self._over_boot_ns >= self._grace_ns

    def _audit(self, what: str, by: str, *, of: Span | Visit | None = None, **detail: int | str | None) -> None:
        of = of or self.term.span
        if isinstance(of, Visit):
            detail |= {"from_ns": of.from_ns, "until_ns": of.until_ns}
        elif of is not None:
            detail |= {"starts_ns": of.starts_ns, "ends_ns": of.ends_ns}
        self._recorder.audit(what, by, detail)

    # The file

    def _adopt(self, raw: bytes) -> None:
        if self._known:
            return
        try:
            term = rules.unpack(raw) if raw else Term()
        except (ValueError, RecursionError) as err:
            self._doubt(f"{self._paper.path}: {err}")
            return
        self._known, self.term = True, term
        self._health.clear("term.unknown", self._loop.now())
        if self._begun:  # the card was late
            self.on_effect(Effect.LOOK if self.looking else Effect.REST, "unit")
            self.on_change()
            self.tick()

    def _doubt(self, why: object) -> None:
        self._health.set("term.unknown", self._loop.now(), why)

    def _write_first(self, new: Term, then: Callable[[], None], answer: Answer) -> None:
        def failed(err: Exception) -> None:
            answer(False, f"it was not done, for it cannot be written down: {err}")
            if not isinstance(err, DoorunitError):
                raise err

        self._card.do(partial(self._paper.write, rules.pack(new)), lambda _: then(), failed)

    def _keep(self, then: Callable[[], None] = lambda: None, otherwise: Callable[[], None] = lambda: None) -> None:
        """Write it down as it is now; a card that refuses is tried again and again."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self.erasing or (self.term.phase is Phase.UNSURE and not self._known):
            then()
            return
        self._kept_ns = self._loop.now()

        def kept(_: None) -> None:
            self._health.clear("term.unkept", self._loop.now())
            then()

        def failed(err: Exception) -> None:
            otherwise()
            self._retry = self._loop.after(RETRY_NS, self._keep)
            self._unkept(err)

        self._card.do(partial(self._paper.write, rules.pack(self.term)), kept, failed)

    def _unkept(self, err: Exception) -> None:
        if not isinstance(err, PartError):
            raise err
        self._health.set("term.unkept", self._loop.now(), err)
