"""Who goes when: live at once, the backlog in order, and nothing is forgotten before its receipt.

Lives in the deciding thread; time comes from the loop. It also decides when to connect again: full jitter, growing
until a connection has lasted, so that a broker that accepts and drops is not hammered either.

While nothing comes back, one record at a time asks whether the platform is there again; the first word from it has
all that waited for one sent again.
"""

import logging
import random
from bisect import bisect_left
from collections.abc import Callable
from functools import partial

import msgspec

from edge import wire
from edge.clock import SECOND
from edge.config import Uplink
from edge.errors import DistrustError, DoorunitError, RefusedError, ServerError, UnknownHostError, UntimedError
from edge.health import LINK, Aside, Health
from edge.loop import Loop, Timer
from edge.parts import Acked, Link, LinkDown, LinkUp
from edge.records import AnyRecord, Key

log = logging.getLogger(__name__)

STABLE_NS = 60 * SECOND  # a connection that lasted this long clears the record of earlier ones
STEADY_NS = 10 * SECOND  # after one that did not, the next must last this long before the warning goes
AT_ONCE_NS = SECOND  # a broker that accepts and ends the connection within this refuses,
REFUSALS = 4  # if it does so that often running
DENIED_NS = 30 * SECOND  # a message that the broker refused is tried again after this long
ASK_NS = 30 * SECOND  # how often a platform from which nothing comes is asked, at least
LIVE_RESERVE = 4  # of the broker's receive maximum, kept free for live events
FLIGHT_MAX = 4  # times the window: beyond this, what was sent is not watched but read again later
_CODES = (
    (UntimedError, "link.untimed"),
    (UnknownHostError, "link.name"),
    (DistrustError, "link.distrust"),
    (ServerError, "link.server"),
    (RefusedError, "link.refused"),
    (DoorunitError, "link.network"),
)
Rows = list[tuple[int, AnyRecord]]


class Source(msgspec.Struct, frozen=True):
    """How the courier reaches the spool: records after a row, and the word that some are no longer needed.

    encode: a record's topic and payload.
    """

    read: Callable[[int, int, Callable[[Rows], None]], None]
    forget: Callable[[Rows], None]
    encode: Callable[[AnyRecord], tuple[str, bytes]]


class Sent(msgspec.Struct):
    """A record that was published and has no receipt yet."""

    record: AnyRecord
    topic: str
    token: int  # of the last publish: another row may have this one's number after a restart
    at_ns: int  # when that was
    due_ns: int  # when it may be sent again
    acked: bool = False  # the broker took it


class Courier:
    """Records to one platform.

    Hooks: on_up(), on_link(up), on_sent(record), on_acked(record, taken), on_receipt(key), on_caught_up().
    """

    def __init__(
        self,
        link: Link,
        source: Source,
        loop: Loop,
        health: Health | Aside,
        settings: Uplink,
        dice: random.Random,
    ) -> None:
        self._link = link
        self._source = source
        self._loop = loop
        self._health = health
        self._settings = settings
        self._dice = dice
        self.on_up: Callable[[], None] = lambda: None
        self.on_link: Callable[[bool], None] = lambda _: None
        self.on_sent: Callable[[AnyRecord], None] = lambda _: None
        self.on_acked: Callable[[AnyRecord, bool], None] = lambda _record, _taken: None
        self.on_receipt: Callable[[Key], None] = lambda _: None
        self.on_caught_up: Callable[[], None] = lambda: None
        self.protocol = ""  # "5", "3.1.1" or "https" while the link is up
        self.receipt_ns: int | None = None  # when the platform last held a record, boot clock
        self.behind = True  # whether the spool may hold rows after the cursor
        self._up_since: int | None = None
        self._attempts = 0
        self._brief = 0  # connections running that were shorter than STEADY_NS
        self._at_once = 0  # attempts running that were accepted and ended at once
        self._asked_ns: int | None = None  # when the first record since the last answer was sent on this connection
        self._unproven = False  # a connection over which nothing was answered was given up; a new one must prove better
        self._steady: Timer | None = None
        self._dialling: Timer | None = None  # the pause before the next attempt
        self._window = 0
        self._cursor = 0
        self._reading = False
        self._passed = False  # while it was reading, more came that the answer cannot know of
        self._life = 0  # counts restarts: an answer to a question from before one is void
        self._flight: dict[int, Sent] = {}  # by row number
        self._token = 0  # of the last publish
        self._rows: dict[int, int] = {}  # token -> row number, of what is in flight
        self._paused_until = 0
        self._denied_ns = 0  # when the broker last refused a record
        self._resend: Timer | None = None

    @property
    def up(self) -> bool:
        """Whether the broker accepted this unit."""
        return self._up_since is not None

    @property
    def in_flight(self) -> int:
        """Records sent on this connection that have no receipt."""
        return len(self._flight)

    @property
    def asked_ns(self) -> int | None:
        """When the oldest record was sent that nothing has come back for (boot ns); None where nothing is owed."""
        return self._asked_ns if self.up else None

    def start(self) -> None:
        """Connect, and stay connected from now on."""
        self._link.connect()

    def live(self, n: int, record: AnyRecord) -> bool:
        """Send a record that was minted just now; False where the link is down (the spool has it)."""
        if not self.up or not self._send(n, record):
            return False
        if len(self._flight) > FLIGHT_MAX * self._settings.window:
            self._land(n)
            self.behind = self._passed = True
        elif not self.behind:
            self._cursor = n
        return True

    def hurry(self) -> None:
        """The clock has been set: where there is no link, try again at once. Whom it could not judge, it can now."""
        if self._dialling is not None:
            self._dialling.cancel()
            self._health.clear("link.untimed", self._loop.now())
            self._dial()

    def restart(self) -> None:
        """Row numbers changed: read the backlog from its beginning."""
        self._flight.clear()
        self._rows.clear()
        self._cursor = 0
        self.behind = True
        self._life += 1
        self._reading = False
        self._pump()

    # Facts

    def link_up(self, fact: LinkUp) -> None:
        """The platform accepted this unit; it may have been there by another way until now."""
        self._up_since = self._loop.now()
        self._health.put("link.fallback", self._up_since, bool(fact.instead), fact.instead)
        self._asked_ns = None
        self.protocol = fact.protocol
        self.on_link(True)
        self._window = min(self._settings.window, max(1, fact.window - LIVE_RESERVE))
        self._paused_until = 0
        self._forget_timers()
        if self._brief:
            self._steady = self._loop.after(STEADY_NS, self._praise)
        elif not self._unproven:
            self._praise()
        self.on_up()
        self.restart()

    def link_down(self, fact: LinkDown) -> None:
        """There is no connection; try again after a while."""
        now = self._loop.now()
        lasted_ns = None if self._up_since is None else now - self._up_since
        self._up_since = None
        self.protocol = ""
        self.on_link(False)
        self._flight.clear()
        self._rows.clear()
        self._note_end(lasted_ns)
        self._blame(fact.error, now, stood=lasted_ns is not None)
        ceiling_s = min(self._settings.backoff_max_s, 2**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        self._dialling = self._loop.after(int(self._dice.uniform(0, ceiling_s) * SECOND), self._dial)

    def acked(self, fact: Acked) -> None:
        """The broker answered one publish."""
        n = self._rows.get(fact.token)
        self._prove()
        if n is None:
            return
        sent = self._flight[n]
        self.on_acked(sent.record, fact.taken)
        if not fact.taken:
            self._deny(sent, fact.reason)
            return
        sent.acked = True
        if self._allow():
            self._send_late()
        if self._settings.receipt == "broker" and fact.heard:
            self._done([n])

    def receipt(self, receipt: wire.Receipt) -> None:
        """The platform's word. What was not sent on this connection is none of its business."""
        flight = sorted((s.record.seq, n) for n, s in self._flight.items() if s.record.epoch == receipt.epoch)
        held = []
        for low, high in receipt.stored:  # may be ten thousands, from whoever holds the broker: each costs a search
            first, last = bisect_left(flight, (low,)), bisect_left(flight, (high + 1,))
            held += [n for _, n in flight[first:last]]
            del flight[first:last]
        if held:
            self._done(held)

    def refused(self, key: Key, reason: str) -> None:
        """The platform's word that it does not take this record."""
        for sent in self._flight.values():
            if (sent.record.epoch, sent.record.seq) == key:
                self._deny(sent, reason)

    # The backlog

    def _dial(self) -> None:
        self._dialling = None
        self._link.connect()

    def _deny(self, sent: Sent, reason: str) -> None:
        """Kept, warned and tried again; never forgotten."""
        now = self._loop.now()
        sent.due_ns = now + DENIED_NS
        self._paused_until, self._denied_ns = now + DENIED_NS, now
        self._health.set("link.denied", now, f"{sent.topic}: {reason}")
        self._watch(sent.due_ns)

    def _done(self, rows: list[int]) -> None:
        held: Rows = []
        for n in rows:
            sent = self._land(n)
            held.append((n, sent.record))
            self.on_receipt((sent.record.epoch, sent.record.seq))
            if sent.at_ns > self._denied_ns:  # a receipt may overtake the broker's own answer
                self._allow()
        self._prove()
        self.receipt_ns = self._loop.now()
        self._health.clear("receipt.none", self.receipt_ns)
        self._source.forget(held)
        self._send_late()
        self._pump()

    def _pump(self) -> None:
        now = self._loop.now()
        if not self.up or self._reading or not self.behind:
            return
        if now < self._paused_until:
            self._watch(self._paused_until)
            return
        room = self._window - len(self._flight)
        if room > 0:
            self._reading, self._passed = True, False
            self._source.read(self._cursor, room, partial(self._take, self._life))

    def _take(self, life: int, rows: Rows) -> None:
        if life != self._life:
            return
        self._reading = False
        for n, record in rows:
            if not self.up or (n not in self._flight and not self._send(n, record)):
                return
            self._cursor = max(self._cursor, n)
        if rows or self._passed:
            self._pump()
        elif self.up:
            self.behind = False
            self.on_caught_up()

    def _send(self, n: int, record: AnyRecord) -> bool:
        token = self._token = self._token + 1
        topic, payload = self._source.encode(record)
        if not self._link.publish(topic, payload, token=token):
            return False
        now = self._loop.now()
        if n in self._flight:
            self._land(n)
        self.on_sent(record)
        self._flight[n] = Sent(record, topic, token, now, now + self._settings.receipt_timeout_s * SECOND)
        self._asked_ns = now if self._asked_ns is None else self._asked_ns
        self._rows[token] = n
        self._watch(self._flight[n].due_ns)
        return True

    def _land(self, n: int) -> Sent:
        """Take a record out of flight."""
        sent = self._flight.pop(n)
        del self._rows[sent.token]
        return sent

    def _watch(self, due_ns: int) -> None:
        """Have the timer ring at the latest when a record in flight is due, or the pause is over."""
        if self._resend is not None:
            if self._resend.due_ns <= due_ns:
                return
            self._resend.cancel()
        self._resend = self._loop.at(due_ns, self._ring)

    def _ring(self) -> None:
        """Of all that waited too long, send what waited longest."""
        self._resend = None
        now = self._loop.now()
        late = min(self._late(now), key=lambda item: item[1].due_ns, default=None)
        if late is not None:
            n, sent = late
            self._doubt(sent, now)
            if not self._send(n, sent.record):
                return
        self._pump()
        if self._flight:
            again_ns = now + min(self._settings.receipt_timeout_s * SECOND, ASK_NS)
            self._watch(min(sent.due_ns if sent.due_ns > now else again_ns for sent in self._flight.values()))

    def _send_late(self) -> None:
        """Somebody is there: all that waited too long goes again."""
        for n, sent in self._late(self._loop.now()):
            if not self._send(n, sent.record):
                return

    def _late(self, now: int) -> list[tuple[int, Sent]]:
        return [(n, sent) for n, sent in self._flight.items() if sent.due_ns <= now]

    # Whose fault it is

    def _prove(self) -> None:
        """Something was answered."""
        self._asked_ns = None
        if self._unproven and self.up:
            self._unproven = False
            self._praise()

    def _allow(self) -> bool:
        """The broker takes records; True if it did not before."""
        self._paused_until = 0
        return self._health.clear("link.denied", self._loop.now())

    def _doubt(self, sent: Sent, now: int) -> None:
        """A record has waited too long for its receipt."""
        if sent.acked:
            self._health.set("receipt.none", now, "the broker takes messages; no receipt comes back")
        elif self._asked_ns is not None and now - self._asked_ns > 2 * self._settings.keepalive_s * SECOND:
            self._unproven = True  # a silent network would have been noticed by now
            self._link.abandon()

    def _praise(self) -> None:
        """The link is well."""
        self._steady = None
        self._brief = 0
        for code in LINK:
            self._health.clear(code, self._loop.now())

    def _forget_timers(self) -> None:
        for timer in (self._steady, self._dialling):
            if timer is not None:
                timer.cancel()
        self._steady = self._dialling = None

    def _note_end(self, lasted_ns: int | None) -> None:
        """A connection ended that lasted so long, or None came about."""
        self._forget_timers()
        if lasted_ns is None:
            self._at_once = 0
            return
        self._at_once = self._at_once + 1 if lasted_ns < AT_ONCE_NS else 0
        self._brief = self._brief + 1 if lasted_ns < STEADY_NS else 0
        if lasted_ns >= STABLE_NS:
            self._attempts = 0

    def _blame(self, error: DoorunitError, now: int, *, stood: bool) -> None:
        blamed = next(code for kind, code in _CODES if isinstance(error, kind))
        detail: object = error
        if blamed == "link.network" and stood:
            if self._at_once < REFUSALS:
                return  # why a connection ended without a word is told by the next attempt
            blamed, detail = "link.refused", f"it accepts this unit and ends the connection at once ({error})"
        for code in LINK:
            self._health.put(code, now, code == blamed, detail)
