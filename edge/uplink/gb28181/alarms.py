"""Alarms share the spool's promise: live at once, kept while away, in order, forgotten only when answered.

A courier of its own beside the one to the wire's platform: a slow centre delays nobody but itself. Lives in the
deciding thread. A centre that says no keeps its alarms here; they are tried again, and the unit warns.
"""

import random
from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from edge.centre import Gb28181
from edge.clock import SECOND
from edge.health import Health
from edge.loop import Loop, Timer
from edge.records import AnyRecord, Event
from edge.uplink.courier import Rows, Source
from edge.uplink.gb28181.notices import Notice, notice

READ = 32  # records read at once
PAUSE_MAX_S = 60
RESPONSE_NS = 32 * SECOND  # how long the platform's own response may follow its 200

Told = Callable[[int | None], None]  # the answer's code, None where none came
Deliver = Callable[[Notice, AnyRecord, Told], int]  # sends it, and returns its SN


class Flying(msgspec.Struct):
    """An alarm on its way. sn: the platform's response names it; until it has come it is not told."""

    record: AnyRecord
    opens: bool
    sn: int = 0
    over: Timer | None = None
    responded: bool = False  # before the answer itself: datagrams overtake one another


class Alarms:
    """`deliver` sends one alarm. Hooks: on_denied(code), on_caught_up() when nothing waits any more."""

    def __init__(
        self, source: Source, deliver: Deliver, gb: Gb28181, loop: Loop, health: Health, dice: random.Random
    ) -> None:
        self._source = source
        self._deliver = deliver
        self._gb = gb
        self._loop = loop
        self._health = health
        self._dice = dice
        self.on_denied: Callable[[int], None] = lambda _: None
        self.on_caught_up: Callable[[], object] = lambda: None
        self.answered_ns: int | None = None  # when the platform last took one, boot clock
        self.stands = False  # an alarm that the platform has not reset
        self._up = False
        self._life = 0  # counts restarts: an answer from before one is void
        self._reads = 0  # counts readings, to know one that was begun before a rewind
        self._flying: dict[int, Flying] = {}  # by row number
        self._cursor = 0
        self._queue: deque[tuple[int, AnyRecord]] = deque()  # read, and not sent
        self._reading = False
        self._behind = True  # the spool may hold rows after the cursor
        self._walking: int | None = None  # the row of the backlog that is on its way
        self._pauses = 0
        self._again: Timer | None = None
        self._nudge: Timer | None = None

    @property
    def in_flight(self) -> int:
        """Alarms that were sent and have no answer."""
        return len(self._flying)

    def up(self) -> None:
        """The platform lists this device: send what waits."""
        self._up = True
        self.restart()

    def down(self) -> None:
        """It does not (any more)."""
        self._up = False
        self._forget_flight()

    def restart(self) -> None:
        """Row numbers changed: read from the beginning."""
        self._forget_flight()
        self._pump()

    def live(self, n: int, record: AnyRecord) -> None:
        """A record that was made just now; it overtakes all that waits."""
        told = notice(record, self._gb)
        if not self._up or (told is not None and self._is_held(told)):
            self._behind = True
        elif told is not None:
            self._send(n, record, told)
            if not (self._behind or self._reading or self._queue):
                self._cursor = n
        else:
            self._behind = True
            if self._nudge is None:  # by then it is in the spool, and can be passed over
                self._nudge = self._loop.after(0, self._nudged)

    def reset(self) -> None:
        """The platform has seen the alarm: the next one may go."""
        self.stands = False
        self._behind = True
        self._pump()

    def responded(self, sn: int, result: str) -> None:
        """The platform's own response to an alarm that it answered."""
        n = next((n for n, one in self._flying.items() if one.sn == sn), None)
        if n is None or not self._gb.wait_for_response:
            return
        if result.upper() == "OK" and self._flying[n].over is None:
            self._flying[n].responded = True
        elif result.upper() == "OK":
            self._done(n)
        else:
            self._failed(n, 0, f"its response says {result[:20]!r}")

    def _is_held(self, told: Notice) -> bool:
        stands = self.stands or any(one.opens for one in self._flying.values())
        return self._gb.wait_for_reset and told.opens and stands

    def _forget_flight(self) -> None:
        self._life += 1
        for one in self._flying.values():
            if one.over is not None:
                one.over.cancel()
        self._flying.clear()
        self._rewind()
        self._walking = None
        self._pauses = 0
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _rewind(self) -> None:
        """Read from the beginning, next time; what is being read is void."""
        self._reads += 1
        self._reading = False
        self._queue.clear()
        self._cursor, self._behind = 0, True

    # The backlog: one at a time, in order

    def _pump(self) -> None:
        if not self._up or self._walking is not None or self._again is not None:
            return
        passed: Rows = []
        while self._queue:
            n, record = self._queue[0]
            told = notice(record, self._gb)
            if told is not None and self._is_held(told):
                break
            self._queue.popleft()
            self._cursor = max(self._cursor, n)
            if n in self._flying:
                continue
            if told is not None:
                self._walking = n
                self._send(n, record, told)
                break
            passed.append((n, record))
        if passed:
            self._source.forget(passed)
        if not self._queue and self._walking is None and self._behind and not self._reading:
            self._reading, self._behind = True, False
            self._reads += 1
            self._source.read(self._cursor, READ, partial(self._take, self._reads))

    def _take(self, number: int, rows: Rows) -> None:
        if number != self._reads:
            return
        self._reading = False
        self._queue.extend(rows)
        self._behind = self._behind or len(rows) > 0
        if not self._behind and not self._flying:
            self.on_caught_up()
        self._pump()

    def _send(self, n: int, record: AnyRecord, told: Notice) -> None:
        one = self._flying[n] = Flying(record, told.opens)
        one.sn = self._deliver(told, record, partial(self._answered, self._life, n))

    def _answered(self, life: int, n: int, code: int | None) -> None:
        if life != self._life or n not in self._flying:
            return
        if code is None:
            self._failed(n, None, "")
        elif code >= 300:
            self._failed(n, code, f"it answers {code}")
        elif self._gb.wait_for_response and not self._flying[n].responded:
            why = "no response follows its answer"
            self._flying[n].over = self._loop.after(RESPONSE_NS, lambda: self._failed(n, 0, why))
        else:
            self._done(n)

    def _done(self, n: int) -> None:
        one = self._flying.pop(n)
        if one.over is not None:
            one.over.cancel()
        self._pauses = 0
        if one.opens:
            self.stands = True
        elif isinstance(one.record, Event) and not self._gb.wait_for_reset:
            self.stands = False  # the door is shut
        self.answered_ns = self._loop.now()
        self._health.clear("centre.denied", self.answered_ns)
        self._source.forget([(n, one.record)])
        if self._walking == n:
            self._walking = None
        self._pump()

    def _failed(self, n: int, code: int | None, why: str) -> None:
        """It is kept and tried again, everything from the beginning: what was told is not in the spool any more."""
        one = self._flying.pop(n)
        if one.over is not None:
            one.over.cancel()
        if why:
            self._health.set("centre.denied", self._loop.now(), why)
        self._walking = None if self._walking == n else self._walking
        self._rewind()
        self._pauses = min(self._pauses + 1, 16)
        pause_s = self._dice.uniform(0, min(PAUSE_MAX_S, 2**self._pauses))
        if self._again is not None:
            self._again.cancel()
        self._again = self._loop.after(int(pause_s * SECOND), self._retry)
        if code:
            self.on_denied(code)

    def _retry(self) -> None:
        self._again = None
        self._pump()

    def _nudged(self) -> None:
        self._nudge = None
        self._pump()
