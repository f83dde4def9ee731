"""Who goes when: live at once, the backlog in order, and nothing is forgotten before its receipt.

Lives in the deciding thread; time comes from the loop. It also decides when to connect again: full jitter, growing
until a connection has lasted, so that a broker that accepts and drops is not hammered either.
"""

import logging
import random
from collections.abc import Callable
from functools import partial

import msgspec

from edge import wire
from edge.clock import SECOND
from edge.config import Uplink
from edge.errors import RefusedError, ServerError
from edge.health import Health
from edge.loop import Loop, Timer
from edge.parts import Acked, Link, LinkDown, LinkUp
from edge.records import AnyRecord, Key

log = logging.getLogger(__name__)

STABLE_NS = 60 * SECOND  # a connection that lasted this long clears the record of earlier ones
DENIED_NS = 60 * SECOND  # a message that the broker refused is tried again after this long
RESEND_MAX_NS = 600 * SECOND
LIVE_RESERVE = 4  # of the broker's receive maximum, kept free for live events
FLIGHT_MAX = 4  # times the window: beyond this, what was sent is not watched but read again later


class Source(msgspec.Struct, frozen=True):
    """How the courier reaches the spool: records after a row, and the word that some are no longer needed."""

    read: Callable[[int, int, Callable[[list[tuple[int, AnyRecord]]], None]], None]
    forget: Callable[[list[int]], None]
    encode: Callable[[AnyRecord], bytes]


class Sent(msgspec.Struct):
    """A record that was published and has no receipt yet."""

    record: AnyRecord
    token: int  # of the last publish: another row may have this one's number after a restart
    due_ns: int  # when it is sent again
    tries: int = 1
    acked: bool = False


class Courier:
    """Records to one platform. Hooks: on_up(), on_receipt(key), on_caught_up()."""

    def __init__(
        self, unit: str, link: Link, source: Source, loop: Loop, health: Health, settings: Uplink, dice: random.Random
    ) -> None:
        self._topic = wire.topic(unit, "event")
        self._link = link
        self._source = source
        self._loop = loop
        self._health = health
        self._settings = settings
        self._dice = dice
        self.on_up: Callable[[], None] = lambda: None
        self.on_receipt: Callable[[Key], None] = lambda _: None
        self.on_caught_up: Callable[[], None] = lambda: None
        self.protocol = ""  # "5" or "3.1.1" while the link is up
        self.behind = True  # whether the spool may hold rows after the cursor
        self._up_since: int | None = None
        self._attempts = 0
        self._window = 0
        self._cursor = 0
        self._reading = False
        self._passed = False  # while it was reading, more came that the answer cannot know of
        self._life = 0  # counts restarts: an answer to a question from before one is void
        self._flight: dict[int, Sent] = {}  # by row number
        self._token = 0  # of the last publish
        self._rows: dict[int, int] = {}  # token -> row number, of what is in flight
        self._paused_until = 0
        self._resend: Timer | None = None

    @property
    def up(self) -> bool:
        """Whether the broker accepted this unit."""
        return self._up_since is not None

    @property
    def in_flight(self) -> int:
        """Records sent on this connection that have no receipt."""
        return len(self._flight)

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
        """The broker accepted this unit."""
        self._up_since = self._loop.now()
        self.protocol = fact.protocol
        self._window = min(self._settings.window, max(1, fact.window - LIVE_RESERVE))
        self._paused_until = 0
        for code in ("link.network", "link.server", "link.refused"):
            self._health.clear(code, self._loop.now())
        self.on_up()
        self.restart()

    def link_down(self, fact: LinkDown) -> None:
        """There is no connection; try again after a while."""
        now = self._loop.now()
        if self._up_since is not None and now - self._up_since >= STABLE_NS:
            self._attempts = 0
        self._up_since = None
        self.protocol = ""
        self._flight.clear()
        self._rows.clear()
        self._blame(fact, now)
        ceiling_s = min(self._settings.backoff_max_s, 2**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        self._loop.after(int(self._dice.uniform(0, ceiling_s) * SECOND), self._link.connect)

    def acked(self, fact: Acked) -> None:
        """The broker answered one publish."""
        n = self._rows.get(fact.token)
        now = self._loop.now()
        if n is None:
            return
        sent = self._flight[n]
        if not fact.taken:  # kept, warned and tried again; never forgotten
            sent.due_ns = now + DENIED_NS
            self._paused_until = now + DENIED_NS
            self._health.set("link.denied", now, f"{self._topic}: {fact.reason}")
            self._watch(sent.due_ns)
            return
        sent.acked = True
        self._health.clear("link.denied", now)
        self._paused_until = 0
        if self._settings.receipt == "broker" and fact.heard:
            self._done([n])

    def receipt(self, receipt: wire.Receipt) -> None:
        """The platform's word. What was not sent on this connection is none of its business."""
        held = [
            n
            for n, sent in self._flight.items()
            if sent.record.epoch == receipt.epoch
            and any(low <= sent.record.seq <= high for low, high in receipt.stored)
        ]
        if held:
            self._done(held)

    # The backlog

    def _done(self, rows: list[int]) -> None:
        for n in rows:
            sent = self._land(n)
            self.on_receipt((sent.record.epoch, sent.record.seq))
        self._health.clear("receipt.none", self._loop.now())
        self._source.forget(rows)
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

    def _take(self, life: int, rows: list[tuple[int, AnyRecord]]) -> None:
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

    def _send(self, n: int, record: AnyRecord, tries: int = 1) -> bool:
        token = self._token = self._token + 1
        if not self._link.publish(self._topic, self._source.encode(record), token=token):
            return False
        wait_ns = min(self._settings.receipt_timeout_s * SECOND << (tries - 1), RESEND_MAX_NS)
        if n in self._flight:
            self._land(n)
        self._flight[n] = Sent(record, token, self._loop.now() + wait_ns, tries)
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
        self._resend = None
        now = self._loop.now()
        for n, sent in [item for item in self._flight.items() if item[1].due_ns <= now]:
            if sent.acked:
                self._health.set("receipt.none", now, "the broker takes messages; no receipt comes back")
            if not self._send(n, sent.record, min(sent.tries + 1, 16)):
                return
        self._pump()
        if self._flight:
            self._watch(min(sent.due_ns for sent in self._flight.values()))

    def _blame(self, fact: LinkDown, now: int) -> None:
        kind = "network"
        if isinstance(fact.error, ServerError | RefusedError):
            kind = "server" if isinstance(fact.error, ServerError) else "refused"
        for code in ("network", "server", "refused"):
            self._health.put(f"link.{code}", now, code == kind, fact.error)
