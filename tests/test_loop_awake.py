"""The last part of a wait is spent awake: a timer rings when it is due, and not when a thread has been woken for it."""

import itertools
import queue

from edge.loop import AWAKE_NS, Loop
from edge.parts import Fact

STEP_NS = 10_000  # what looking at the clock takes, by the clock of these tests


class Sleepless(queue.SimpleQueue):
    """An inbox at which nobody may wait."""

    def get(self, block: bool = True, timeout: float | None = None) -> object:
        raise AssertionError(f"waited for {timeout} s")


def sleepless() -> Loop:
    loop = Loop(itertools.count(step=STEP_NS).__next__)
    loop._inbox = Sleepless()
    return loop


def test_a_timer_that_is_nearly_due_is_not_slept_for():
    loop = sleepless()
    rung: list[int] = []
    loop.at(AWAKE_NS, lambda: (rung.append(loop.now()), loop.stop()))
    loop.run()
    assert AWAKE_NS <= rung[0] <= AWAKE_NS + 2 * STEP_NS


def test_a_fact_posted_meanwhile_is_taken_before_the_timer_rings():
    loop = sleepless()
    told: list[str] = []
    loop.hear(Fact, lambda _: told.append("fact"))
    loop.at(AWAKE_NS, lambda: (told.append("timer"), loop.stop()))
    looks = itertools.count()
    clock = loop.now
    loop.now = lambda: (loop.post(Fact()) if next(looks) == 3 else None, clock())[1]
    loop.run()
    assert told == ["fact", "timer"]
