"""The simulated worker: its jobs run when it is told to, in the thread that tells it, and may fail or hang."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from edge.loop import Loop

T = TypeVar("T")


class SimWorker:
    """edge.loop.Worker without a thread; answers go through the loop's inbox, as a thread's do.

    `at_once`: a job runs the moment it is given; otherwise it hangs until `step` or `run`. Whatever is set in `fault`
    is what every job raises instead of running.
    """

    def __init__(self, loop: Loop, *, at_once: bool = False) -> None:
        self.at_once = at_once
        self.fault: Exception | None = None
        self._loop = loop
        self._jobs: deque[tuple[Callable[[], Any], Callable[[Any], None], Callable[[Exception], None]]] = deque()

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
