"""Simulated workers, whose jobs may fail, hang or be slow: one that runs them when told to, one in simulated time."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from edge.clock import MS
from edge.loop import Loop

T = TypeVar("T")
Job = tuple[Callable[[], Any], Callable[[Any], None], Callable[[Exception], None]]
_LOOK_AGAIN_NS = 100 * MS


class SimWorker:
    """edge.loop.Worker without a thread; answers go through the loop's inbox, as a thread's do.

    `at_once`: a job runs the moment it is given; otherwise it hangs until `step` or `run`. Whatever is set in `fault`
    is what every job raises instead of running.
    """

    def __init__(self, loop: Loop, *, at_once: bool = False) -> None:
        self.at_once = at_once
        self.fault: Exception | None = None
        self._loop = loop
        self._jobs: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def do(self, job: Callable[[], T], then: Callable[[T], None], fail: Callable[[Exception], None]) -> None:
        """Take the job; its answer arrives in the deciding thread's next turn after it ran."""
        self._jobs.append((job, then, fail))
        if self.at_once:
            self.run()

    def step(self, lost: Exception | None = None) -> None:
        """Run the oldest job. With `lost` it runs and `lost` is its answer: it was done, and seems not to be."""
        job, then, fail = self._jobs.popleft()
        if self.fault is not None:
            self._loop.call(fail, self.fault)
            return
        try:
            answer = job()
        except Exception as err:  # carried to the deciding thread, as edge.loop.Thread does
            self._loop.call(fail, err)
            return
        if lost is not None:
            self._loop.call(fail, lost)
        else:
            self._loop.call(then, answer)

    def run(self) -> None:
        """Run all jobs that wait."""
        while self._jobs:
            self.step()

    def close(self) -> None:
        """Finish the jobs in hand; safe to repeat."""
        self.run()


class Part(msgspec.Struct):
    """What a worker works on. `fault` is raised instead of doing a job; while it `hangs`, no job ends."""

    takes_ns: int = 3 * MS
    fault: Exception | None = None
    hangs: bool = False


class TimedWorker:
    """edge.loop.Worker in simulated time: a job takes a while, and its answer a while more.

    `after(ns, what)` is the world's; once `alive()` is not true any more, what was under way is dropped.
    """

    def __init__(
        self,
        loop: Loop,
        after: Callable[[int, Callable[[], None]], None],
        parts: tuple[Part, ...],
        alive: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._after = after
        self._parts = parts
        self._alive = alive
        self._jobs: deque[Job] = deque()

    def do(self, job: Callable[[], T], then: Callable[[T], None], fail: Callable[[Exception], None]) -> None:
        """Run `job` when its turn has come; its answer arrives in the deciding thread."""
        self._jobs.append((job, then, fail))
        if len(self._jobs) == 1:
            self._begin()

    def close(self) -> None:
        """Nothing to end."""

    def _begin(self) -> None:
        half_ns = max(part.takes_ns for part in self._parts) // 2
        self._after(half_ns, lambda: self._run(half_ns))

    def _run(self, rest_ns: int) -> None:
        if not self._alive():
            return
        if any(part.hangs for part in self._parts):
            self._after(_LOOK_AGAIN_NS, lambda: self._run(rest_ns))
            return
        job, then, fail = self._jobs[0]
        fault = next((part.fault for part in self._parts if part.fault is not None), None)
        act: Callable[..., None] = fail
        answer: object = fault
        if fault is None:
            try:
                act, answer = then, job()
            except Exception as err:  # carried to the deciding thread, as edge.loop.Thread does
                act, answer = fail, err
        self._after(rest_ns, lambda: self._tell(act, answer))

    def _tell(self, act: Callable[..., None], answer: object) -> None:
        if not self._alive():
            return
        self._loop.call(act, answer)
        self._jobs.popleft()
        if self._jobs:
            self._begin()
