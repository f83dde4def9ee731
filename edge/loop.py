"""One inbox, one timer heap, one deciding thread; and the workers that do what may block.

Everything else posts facts here and returns at once. `turn` is the whole of it, so a simulated world can call it
with a clock of its own; `run` only adds waiting.
"""

import heapq
import itertools
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from edge.clock import SECOND

log = logging.getLogger(__name__)
F = TypeVar("F")
T = TypeVar("T")
# Python runs a signal's handler between two waits: one that arrives just before a wait begins sits through it.
LONGEST_WAIT_S = 1.0
# The last part of a wait is spent awake; posts are still taken at once. The kernel ends a wait 50 us late on purpose
# and the thread needs as long to get going: a settle time's end, and with it every event, was 100 us late on a PC.
AWAKE_NS = 150_000


class Timer:
    """One appointment; `cancel` is safe to repeat."""

    __slots__ = ("act", "due_ns")

    def __init__(self, due_ns: int, act: Callable[[], None]) -> None:
        self.due_ns = due_ns
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        """Take the appointment back."""
        self.act = None


class _Call:
    """An answer from a worker, to be taken up by the deciding thread."""

    __slots__ = ("act", "args")

    def __init__(self, act: Callable[..., None], *args: object) -> None:
        self.act = act
        self.args = args


class Loop:
    """The deciding thread's inbox and timers. Only `post` and `stop` may be called from other threads."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.faults = 0  # exceptions that reached the loop's edge
        self.on_fault: Callable[[], None] = lambda: None
        self._inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._timers: list[tuple[int, int, Timer]] = []
        self._order = itertools.count()
        self._heard: dict[type, Callable[[Any], None]] = {}
        self._stopping = False

    def hear(self, kind: type[F], act: Callable[[F], None]) -> None:
        """Facts of exactly this type go to `act`, in the deciding thread."""
        self._heard[kind] = act

    def post(self, fact: object) -> None:
        """Hand a fact to the deciding thread; any thread, never blocks."""
        self._inbox.put(fact)

    def call(self, act: Callable[..., None], *args: object) -> None:
        """Have the deciding thread call `act`; any thread, never blocks."""
        self._inbox.put(_Call(act, *args))

    def at(self, due_ns: int, act: Callable[[], None]) -> Timer:
        """Call `act` in the deciding thread once `now()` has reached `due_ns`."""
        timer = Timer(due_ns, act)
        heapq.heappush(self._timers, (due_ns, next(self._order), timer))
        return timer

    def after(self, wait_ns: int, act: Callable[[], None]) -> Timer:
        """Call `act` in the deciding thread `wait_ns` from now."""
        return self.at(self.now() + wait_ns, act)

    def turn(self) -> int | None:
        """Do all that has arrived or come due; return ns until the next timer, or None without one or once stopped."""
        while not self._stopping:
            if not self._inbox.empty():  # nobody else takes
                self._take(self._inbox.get_nowait())
                continue
            wait_ns = self._ring()
            if wait_ns != 0:
                return wait_ns
        return None

    def run(self) -> None:
        """Turn until `stop`; the thread that calls this is the deciding one."""
        while not self._stopping:
            wait_ns = self.turn()
            if self._stopping:
                return
            if wait_ns is not None and wait_ns <= AWAKE_NS:
                continue
            try:
                wait_s = LONGEST_WAIT_S if wait_ns is None else min((wait_ns - AWAKE_NS) / SECOND, LONGEST_WAIT_S)
                self._take(self._inbox.get(timeout=wait_s))
            except queue.Empty:
                continue

    def stop(self) -> None:
        """End `run` after the fact in hand; any thread, safe to repeat."""
        self.call(self._halt)

    def _halt(self) -> None:
        self._stopping = True

    def _ring(self) -> int | None:
        """Ring one due timer and return 0, or return ns until the next one."""
        while self._timers:
            due_ns, _, timer = self._timers[0]
            if timer.act is None:
                heapq.heappop(self._timers)
                continue
            wait_ns = due_ns - self.now()
            if wait_ns > 0:
                return wait_ns
            heapq.heappop(self._timers)
            self._guard(timer.act)
            return 0
        return None

    def _take(self, fact: object) -> None:
        if type(fact) is _Call:
            self._guard(fact.act, *fact.args)
        else:
            self._guard(self._tell, fact)

    def _tell(self, fact: object) -> None:
        self._heard[type(fact)](fact)  # a fact that nobody hears is a fault like any other

    def _guard(self, act: Callable[..., None], *args: object) -> None:
        try:
            act(*args)
        except Exception:  # the loop's edge: one bad fact must not end the door's watch
            self.faults += 1
            log.exception("a step of the deciding loop raised; the unit goes on")
            self.on_fault()


class Worker(Protocol):
    """Something that does what may block, one job after another."""

    def do(self, job: Callable[[], T], then: Callable[[T], None], fail: Callable[[Exception], None]) -> None:
        """Run `job` away from the deciding thread; `then` or `fail` is called in the deciding thread."""
        ...

    def close(self) -> None:
        """Finish the jobs in hand and end within 5 s; safe to repeat."""
        ...


class Thread:
    """A Worker that is one thread."""

    def __init__(self, name: str, loop: Loop) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Callable[..., None], Callable[..., None]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, job: Callable[[], T], then: Callable[[T], None], fail: Callable[[Exception], None]) -> None:
        """Run `job` in this thread; its answer arrives in the deciding thread."""
        self._jobs.put((job, then, fail))

    def close(self) -> None:
        """Finish the jobs in hand and end within 5 s; safe to repeat."""
        self._jobs.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, then, fail = item
            try:
                answer = job()
            except Exception as err:  # carried to the deciding thread, whose `fail` knows what it can act on
                self._loop.call(fail, err)
            else:
                self._loop.call(then, answer)
