"""One worker's way to one channel: one job at a time, within its limits, tried again with growing pauses.

Lives in the deciding thread; only what `take` gives runs in the worker. A channel that fails costs a warning.
"""

import logging
import random
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from edge.alert.pace import Pace
from edge.clock import SECOND
from edge.errors import ConfigError, DistrustError, DoorunitError, LimitError, RefusedError
from edge.health import Health
from edge.loop import Loop, Timer, Worker

log = logging.getLogger(__name__)

BACKOFF_FIRST_S, BACKOFF_MAX_S = 2, 60
STUBBORN_FIRST_S, STUBBORN_MAX_S = 15, 600  # where only somebody's doing helps, and asking often gets a robot locked
HANG_NS = 60 * SECOND  # a job has a deadline of its own; one that is not over by then never will be
S = TypeVar("S")
T = TypeVar("T", contravariant=True)


class Queue(Protocol[T]):
    """What waits to go over a line."""

    def __bool__(self) -> bool:
        """Whether anything waits."""
        ...

    def take(self, now_ns: int) -> Callable[[T], None]:
        """The next job; it is in hand until `back` or `done`."""
        ...

    def back(self, err: DoorunitError) -> None:
        """The job in hand was not done."""
        ...

    def done(self) -> None:
        """The job in hand was done."""
        ...


class Line(Generic[S]):
    """Sends what waits in `queue`. `open_sender` is called in the worker, and again where it raised."""

    def __init__(
        self,
        code: str,
        queue: Queue[S],
        open_sender: Callable[[], S],
        pace: Pace,
        worker: Worker,
        loop: Loop,
        health: Health,
        dice: random.Random,
        *,
        locked_s: int,
        spare: int = 0,
    ) -> None:
        self.sent = 0
        self._code = code
        self._queue = queue
        self._open = open_sender
        self._sender: S | None = None
        self._pace = pace
        self._worker = worker
        self._loop = loop
        self._health = health
        self._dice = dice
        self._locked_s = locked_s
        self._spare = spare  # messages within the limits that are left to others
        self._busy = False
        self._failures = 0
        self._pause: Timer | None = None
        self._watch: Timer | None = None

    def prepare(self) -> None:
        """Open the sender before it is needed: the first alert does not wait for a library to load."""
        self._worker.do(self._opened, lambda _: None, self._unopened)

    def go(self) -> None:
        """Send what waits, if the way is free and the limits allow it."""
        if self._busy or self._pause is not None or not self._queue:
            return
        now = self._loop.now()
        wait_ns = self._pace.wait_ns(now, spare=self._spare)
        if wait_ns > 0:
            self._wait(wait_ns)
            return
        self._pace.spend(now)
        self._busy = True
        self._watch = self._loop.after(HANG_NS, self._hangs)
        job = self._queue.take(now)
        self._worker.do(lambda: self._run(job), self._done, self._failed)

    def _run(self, job: Callable[[S], None]) -> None:
        job(self._opened())

    def _opened(self) -> S:
        if self._sender is None:
            self._sender = self._open()
        return self._sender

    def _unopened(self, err: Exception) -> None:
        if not isinstance(err, DoorunitError):
            raise err
        self._health.set(self._code, self._loop.now(), err)

    def _done(self, _: None) -> None:
        self._free()
        self._failures = 0
        self.sent += 1
        self._queue.done()
        self._health.clear(self._code, self._loop.now())
        self.go()

    def _failed(self, err: Exception) -> None:
        self._free()
        told = err if isinstance(err, DoorunitError) else _ours(self._code, err)
        self._queue.back(told)
        self._health.set(self._code, self._loop.now(), told)
        self._wait(int(self._pause_s(told) * SECOND))
        if told is not err:  # a fault of ours; it is tried again all the same
            raise err

    def _pause_s(self, err: DoorunitError) -> float:
        stubborn = isinstance(err, RefusedError | DistrustError | ConfigError)
        first, most = (STUBBORN_FIRST_S, STUBBORN_MAX_S) if stubborn else (BACKOFF_FIRST_S, BACKOFF_MAX_S)
        ceiling_s = self._locked_s if isinstance(err, LimitError) else min(most, first * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        return self._dice.uniform(ceiling_s / 2, ceiling_s)

    def _free(self) -> None:
        self._busy = False
        if self._watch is not None:
            self._watch.cancel()

    def _hangs(self) -> None:
        self._health.set(self._code, self._loop.now(), f"it has not come to an end in {HANG_NS // SECOND} s")

    def _wait(self, wait_ns: int) -> None:
        self._pause = self._loop.after(wait_ns, self._again)

    def _again(self) -> None:
        self._pause = None
        self.go()


def _ours(code: str, err: Exception) -> DoorunitError:
    """A fault of ours, by its kind alone: its words might hold an address, and that a key."""
    return DoorunitError(
        code, found=type(err).__name__, wanted="a message that is sent", remedy="A fault of doorunit: see the journal."
    )
