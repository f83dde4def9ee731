"""Watches the contact and moves the door's machine; what it finds becomes Events."""

from collections.abc import Callable
from typing import Any

import msgspec

from edge import config
from edge.clock import SECOND, Clock, Stamp, between_ns
from edge.door.contact import WEAR, Rest, Settler
from edge.door.machine import Effect, Machine, Signal, State
from edge.errors import PartError
from edge.health import Health
from edge.loop import Loop, Timer
from edge.parts import Contact, PinChange
from edge.records import Change, Event
from edge.unit.recorder import Door, Recorder

UNWATCHED = "unwatched"  # the door's state outside the term
REOPEN_NS = 10 * SECOND  # how often a contact that cannot be opened is tried again

_REPORTS = {
    Effect.REPORT_OPENED: Change.OPENED,
    Effect.REPORT_SHUT: Change.SHUT,
    Effect.REPORT_HELD: Change.HELD,
    Effect.REPORT_LOST: Change.LOST,
    Effect.REPORT_FOUND: Change.FOUND,
}


class Found(msgspec.Struct, frozen=True):
    """The door's state when the contact was first read, and when that was."""

    door: State
    at: Stamp


class Doorkeeper:
    """One door.

    Hooks: on_look(event) when pictures are wanted, on_change() when the shown state changed, and expected(at, since):
    the kind of visit that an opening belongs to, or None; on_edge(boot_ns) for each raw change.
    """

    def __init__(
        self, contact: Contact, settings: config.Door, loop: Loop, clock: Clock, health: Health, recorder: Recorder
    ) -> None:
        self._contact = contact
        self._loop = loop
        self._clock = clock
        self._health = health
        self._recorder = recorder
        self._settings = settings
        self._held_ns = settings.held_after_s * SECOND
        self.settler = Settler(settings)
        self.expected: Callable[[Stamp, Stamp | None], str | None] = lambda _at, _since: None
        self._expected: str | None = None  # of the opening that is not over
        self.watching = False
        self._opening: Timer | None = None  # the next attempt
        self.on_look: Callable[[Event], None] = lambda _: None
        self.on_change: Callable[[], None] = lambda: None
        self.on_edge: Callable[[int], None] = lambda _: None
        self._machine = Machine()
        self._since: Stamp | None = None  # when the last confirmed state began
        self._lost_since: Stamp | None = None  # since when it is unknown what the door does
        self._open_since: Stamp | None = None
        self._first: Found | None = None  # what was found when nothing was known before
        self._sampling: Timer | None = None
        self._holding: Timer | None = None
        self._is_open = False
        self._glitches = 0  # told of

    @property
    def state(self) -> State:
        """Shut, open, held or unknown."""
        return self._machine.shown

    @property
    def since(self) -> Stamp | None:
        """When that began."""
        return self._lost_since if self._machine.lost else self._since

    def numbers(self) -> dict[str, Any]:
        """For the pulse: what would tell a movement is told within the term only; counted since the watch began."""
        if not self.watching:
            return {"door": UNWATCHED}
        contact = self.settler
        return {
            "door": self.state,
            "openings": contact.statistics.openings,
            "glitches": contact.glitches,
            "contact_faults": contact.statistics.faults,
            "edges_max": contact.statistics.edges_max,
            "settle_max_us": contact.statistics.settle_max_us,
            "contact_learned": contact.memory.learned,
            "contact_findings": contact.findings,
        }

    def begin(self, stored: Door | None, alive: Stamp | None) -> None:
        """Start to watch, from what was stored and when the unit last ran."""
        self.watching = True
        if stored is not None:
            self._machine = Machine(State(stored.state))
            self._since = stored.since
            self._lost_since = alive or stored.since
            self._open_since = stored.open_since
        self._open()

    def arm(self) -> None:
        """A term begins: whatever the door is now is how it was found, and nothing is said of what it did before."""
        self._blank()
        self.watching = True
        self._open()

    def rest(self) -> None:
        """Outside the term nobody knows what the door does. Safe to repeat."""
        self.watching = False
        self.close()
        for timer in (self._sampling, self._opening):
            if timer is not None:
                timer.cancel()
        self._sampling = self._opening = None
        self._blank()
        for code in ("contact.unreadable", "contact.chatter"):
            self._health.clear(code, self._loop.now())
        self._recorder.forget_door()

    def _blank(self) -> None:
        memory = self.settler.memory  # of the contact, not of the door: it outlives the term
        self._machine, self.settler = Machine(), Settler(self._settings)
        self.settler.memory = memory
        self._since = self._lost_since = self._open_since = None
        self._first = self._expected = None

    def reconcile(self, stored: Door | None, alive: Stamp | None) -> None:
        """The spool was opened only now: tell what changed while off, as `begin` would have."""
        first, self._first = self._first, None
        if first is None or stored is None:
            return
        was_shut = State(stored.state) in (State.SHUT, State.LOST_SHUT)
        if was_shut is not (first.door is State.SHUT):
            change = Change.OPENED if was_shut else Change.SHUT
            door = Door(self._machine.state, self._since or first.at, self._open_since)
            since = alive or stored.since
            with self._recorder.together():
                event = self._recorder.event(first.at, door, change=change, door=first.door, since=since)
                if was_shut:
                    self.on_look(event)

    def close(self) -> None:
        """Let the contact go; safe to repeat."""
        self._is_open = False
        self._release()
        self._contact.close()

    def pin_changed(self, fact: PinChange) -> None:
        """The contact's line changed level."""
        if self._is_open:
            self.on_edge(fact.boot_ns)
            self.settler.edge(fact.boot_ns)
            self._sample_later()

    # The contact

    def _open(self) -> None:
        try:
            self._contact.open(lambda boot_ns: self._loop.post(PinChange(boot_ns)))
        except PartError as err:
            self._unreadable(err)
            self._opening = self._loop.after(REOPEN_NS, self._open)
            return
        self._is_open = True
        self._sample()

    def _sample_later(self) -> None:
        """Sample when the driver wants it; an appointment that comes sooner stands."""
        now = self._loop.now()
        due_ns = now + self.settler.wait_ns(now)
        if self._sampling is not None:
            if self._sampling.due_ns <= due_ns:
                return
            self._sampling.cancel()
        self._sampling = self._loop.at(due_ns, self._sample)

    def _sample(self) -> None:
        self._sampling = None
        if not self._is_open:
            return
        try:
            closed = self._contact.closed()
        except PartError as err:
            self._is_open = False
            self._contact.close()
            self._unreadable(err)
            self._opening = self._loop.after(REOPEN_NS, self._open)
            return
        rest = self.settler.sample(self._loop.now(), closed)
        if rest is not None:  # first: somebody waits for it
            self._rested(rest)
        self._health.clear("contact.unreadable", self._loop.now())
        self._tell_wear()
        self._sample_later()

    def _tell_wear(self) -> None:
        now, found = self._loop.now(), self.settler.memory.findings()
        for finding, code in WEAR.items():
            self._health.put(code, now, finding in found)
        glitched, self._glitches = self.settler.glitches > self._glitches, self.settler.glitches
        if glitched and self.settler.noisy:  # it happens: shown for a while each time
            self._health.set("contact.noise", now, "glitches without openings")

    def _unreadable(self, err: PartError) -> None:
        self.settler.forget()
        if self._health.set("contact.unreadable", self._loop.now(), err):
            self._move(Signal.LOST, self._clock.read(), reason=str(err))

    # The machine

    def _rested(self, rest: Rest) -> None:
        now = self._clock.read()
        if rest.closed is None:
            self._health.set("contact.chatter", now.boot_ns, f"{rest.edges} changes without coming to rest")
            self._move(Signal.LOST, now.at(rest.first_ns), rest, reason="chatter")
            return
        self._health.clear("contact.chatter", now.boot_ns)
        at, since = now.at(rest.first_ns), None
        if self._machine.lost:  # it changed at some time between the last that was known and now
            at, since = now.at(rest.last_ns), self._lost_since
        elif rest.missed:
            since = now.at(rest.first_ns - self.settler.resample_ns)
        self._move(Signal.CLOSED if rest.closed else Signal.OPENED, at, rest, since)

    def _move(
        self, signal: Signal, at: Stamp, rest: Rest | None = None, since: Stamp | None = None, reason: str = ""
    ) -> None:
        unknown = self._machine.state is State.UNKNOWN
        effects = self._machine.move(signal)
        if unknown and effects:
            self._first = Found(self._machine.state, at)
        if Effect.REPORT_LOST in effects:
            self._lost_since = at
        elif self._since is None or Effect.REPORT_OPENED in effects or Effect.REPORT_SHUT in effects:
            self._since = at
        with self._recorder.together():  # that pictures are taken is kept with the opening
            self._perform(effects, at, rest, since, reason)
        if effects:
            self.on_change()

    def _perform(
        self, effects: tuple[Effect, ...], at: Stamp, rest: Rest | None, since: Stamp | None, reason: str
    ) -> None:
        event = None
        for effect in effects:
            if effect in _REPORTS:
                event = self._report(_REPORTS[effect], effects, at, rest, since, reason)
            elif effect is Effect.LOOK and event is not None:
                self.on_look(event)
            elif effect is Effect.START_HELD:
                self._hold()
            elif effect is Effect.STOP_HELD:
                self._release()

    def _report(
        self,
        change: Change,
        effects: tuple[Effect, ...],
        at: Stamp,
        rest: Rest | None,
        since: Stamp | None,
        reason: str,
    ) -> Event:
        if change is Change.OPENED or (Effect.START_HELD in effects and self._open_since is None):
            self._open_since = at
        elif Effect.STOP_HELD in effects:
            self._open_since = None
        door = Door(self._machine.state, self._since or at, self._open_since)
        edges, settle_us = (rest.edges, rest.settle_us) if rest else (0, 0)
        if change is Change.OPENED:
            self._expected = self.expected(at, since)
        elif change in (Change.LOST, Change.FOUND):
            self._expected = None
        expected = self._expected
        if change is Change.SHUT:
            self._expected = None
        if change is Change.FOUND:  # nothing changed, so there is no time between which it did
            since = None
        return self._recorder.event(
            at,
            door,
            change=change,
            door=self._machine.shown,
            since=since,
            edges=edges,
            settle_us=settle_us,
            reason=reason,
            expected=expected,
        )

    def _hold(self) -> None:
        """Ring when the door has been open for held_after_s, counted across restarts where a clock spans them."""
        self._release()
        now = self._clock.read()
        open_ns = between_ns(self._open_since, now) if self._open_since else None
        left_ns = self._held_ns - (now.boot_ns if open_ns is None else open_ns)
        self._holding = self._loop.after(max(0, left_ns), self._due)

    def _due(self) -> None:
        self._holding = None
        if self.settler.settling:  # it may just have been shut, and then it was not held
            now = self._loop.now()
            self._holding = self._loop.at(max(now + 1, now + self.settler.wait_ns(now)), self._due)
            return
        if self._machine.state in (State.OPEN, State.LOST_OPEN):
            self._move(Signal.DUE, self._clock.read())

    def _release(self) -> None:
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
