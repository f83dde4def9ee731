"""The deciding thread: facts in order, timers when due, one bad step ends nothing, and it stops when told."""

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import SECOND, SystemClock
from edge.loop import Loop, Thread
from edge.parts import Fact

PATIENCE_S = 20  # only ever reached where something is broken


class Said(Fact, frozen=True):
    """A fact of the tests."""

    word: object


class Shouted(Said, frozen=True):
    """A fact of another type that is also a Said."""


class Turned:
    """A loop under a clock that stands until it is turned; `told` is all that happened."""

    def __init__(self) -> None:
        self.ns = 5 * SECOND
        self.loop = Loop(lambda: self.ns)
        self.told: list[object] = []
        self.loop.hear(Said, lambda fact: self.told.append(fact.word))

    def say(self, word: object) -> Callable[[], None]:
        """Something to do that leaves a trace."""
        return lambda: self.told.append(word)

    def until(self, ns: int) -> int | None:
        """Turn the clock on to ns, and the loop."""
        self.ns = ns
        return self.loop.turn()


@pytest.fixture
def turned() -> Turned:
    return Turned()


@pytest.fixture
def watched() -> Iterator[Loop]:
    """A loop on the machine's clock that is ended, and the test with it, where nothing else ends it."""
    loop = Loop(SystemClock().now)
    late: list[bool] = []
    watchdog = threading.Timer(PATIENCE_S, lambda: (late.append(True), loop.stop()))
    watchdog.daemon = True
    watchdog.start()
    yield loop
    watchdog.cancel()
    assert not late, "nothing ended the loop"


# Facts


def test_facts_are_taken_in_the_order_in_which_they_were_posted(turned: Turned):
    for word in range(100):
        turned.loop.post(Said(word))
    turned.loop.turn()
    assert turned.told == list(range(100))


def test_facts_and_calls_share_one_order(turned: Turned):
    turned.loop.post(Said(1))
    turned.loop.call(turned.told.append, 2)
    turned.loop.post(Said(3))
    turned.loop.turn()
    assert turned.told == [1, 2, 3]


def test_a_fact_goes_to_whoever_hears_exactly_its_type(turned: Turned):
    shouted: list[object] = []
    turned.loop.hear(Shouted, lambda fact: shouted.append(fact.word))
    turned.loop.post(Said("a"))
    turned.loop.post(Shouted("b"))
    turned.loop.turn()
    assert (turned.told, shouted) == (["a"], ["b"])


def test_a_fact_that_is_posted_while_one_is_taken_is_taken_in_the_same_turn(turned: Turned):
    turned.loop.call(lambda: turned.loop.post(Said("later")))
    turned.loop.post(Said("sooner"))
    turned.loop.turn()
    assert turned.told == ["sooner", "later"]


def test_facts_from_many_threads_all_arrive_and_each_threads_own_in_order(turned: Turned):
    def talk(name: int) -> None:
        for i in range(200):
            turned.loop.post(Said((name, i)))

    threads = [threading.Thread(target=talk, args=(name,), daemon=True) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE_S)
    turned.loop.turn()
    assert len(turned.told) == 800
    for name in range(4):
        assert [i for who, i in turned.told if who == name] == list(range(200))


# Timers


def test_a_timer_rings_when_it_is_due_and_not_before(turned: Turned):
    turned.loop.at(7 * SECOND, turned.say("rung"))
    assert turned.until(7 * SECOND - 1) == 1
    assert turned.told == []
    assert turned.until(7 * SECOND) is None
    assert turned.told == ["rung"]


def test_a_timer_rings_once_however_often_the_loop_turns(turned: Turned):
    turned.loop.after(SECOND, turned.say("rung"))
    for ns in (6 * SECOND, 6 * SECOND, 9 * SECOND):
        turned.until(ns)
    assert turned.told == ["rung"]


def test_a_wait_counts_from_now(turned: Turned):
    turned.loop.after(3 * SECOND, turned.say("rung"))
    assert turned.loop.turn() == 3 * SECOND


def test_a_timer_that_was_due_long_ago_rings_at_once(turned: Turned):
    turned.loop.at(1, turned.say("rung"))
    assert turned.loop.turn() is None
    assert turned.told == ["rung"]


def test_what_has_arrived_is_taken_before_what_has_come_due(turned: Turned):
    turned.loop.at(1, turned.say("timer"))
    turned.loop.post(Said("fact"))
    turned.loop.turn()
    assert turned.told == ["fact", "timer"]


def test_a_fact_posted_by_one_timer_is_taken_before_the_next_timer(turned: Turned):
    turned.loop.at(1, lambda: turned.loop.post(Said("fact")))
    turned.loop.at(2, turned.say("timer"))
    turned.loop.turn()
    assert turned.told == ["fact", "timer"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=20))
def test_timers_ring_in_order_of_time_and_those_of_one_time_in_order_of_asking(asked):
    turned = Turned()
    made = [turned.loop.at(due_s * SECOND, turned.say((due_s, i))) for i, (due_s, _) in enumerate(asked)]
    for timer, (_, cancelled) in zip(made, asked, strict=True):
        if cancelled:
            timer.cancel()
    turned.until(10 * SECOND)
    assert turned.told == sorted((due_s, i) for i, (due_s, cancelled) in enumerate(asked) if not cancelled)


def test_a_cancelled_timer_never_rings_and_is_not_waited_for(turned: Turned):
    timer = turned.loop.at(6 * SECOND, turned.say("rung"))
    turned.loop.at(8 * SECOND, turned.say("other"))
    timer.cancel()
    timer.cancel()
    assert turned.loop.turn() == 3 * SECOND
    turned.until(9 * SECOND)
    assert turned.told == ["other"]


def test_a_timer_can_be_cancelled_by_another_of_the_same_time(turned: Turned):
    turned.loop.at(1, lambda: second.cancel())
    second = turned.loop.at(1, turned.say("rung"))
    turned.loop.turn()
    assert turned.told == []


def test_cancelling_after_it_rang_does_no_harm(turned: Turned):
    timer = turned.loop.at(1, turned.say("rung"))
    turned.loop.turn()
    timer.cancel()
    assert turned.loop.turn() is None


def test_a_timer_may_set_the_next_one(turned: Turned):
    def again() -> None:
        turned.told.append(turned.ns // SECOND)
        turned.loop.after(2 * SECOND, again)

    turned.loop.after(2 * SECOND, again)
    for second in range(6, 14):
        turned.until(second * SECOND)
    assert turned.told == [7, 9, 11, 13]


def test_an_idle_loop_has_nothing_to_wait_for(turned: Turned):
    assert turned.loop.turn() is None


# A step that raises


def raising() -> None:
    raise ZeroDivisionError("a step of ours")


@pytest.mark.parametrize("how", ["fact", "call", "timer"])
def test_a_step_that_raises_is_counted_and_told_and_the_loop_goes_on(turned: Turned, how: str, caplog):
    turned.loop.hear(Shouted, lambda _: raising())
    {
        "fact": lambda: turned.loop.post(Shouted("x")),
        "call": lambda: turned.loop.call(raising),
        "timer": lambda: turned.loop.at(1, raising),
    }[how]()
    turned.loop.at(2, turned.say("after"))
    turned.loop.turn()
    assert (turned.loop.faults, turned.told) == (1, ["after"])
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info[0] is ZeroDivisionError


def test_a_fact_that_nobody_hears_is_a_fault_and_ends_nothing(turned: Turned):
    turned.loop.post(Shouted("x"))
    turned.loop.post(Said("after"))
    turned.loop.turn()
    assert (turned.loop.faults, turned.told) == (1, ["after"])


def test_a_healthy_loop_has_no_faults(turned: Turned):
    turned.loop.post(Said("x"))
    turned.loop.turn()
    assert turned.loop.faults == 0


def test_an_order_to_exit_is_no_fault_and_goes_through(turned: Turned):
    turned.loop.call(exit, 3)
    with pytest.raises(SystemExit):
        turned.loop.turn()
    assert turned.loop.faults == 0


# Run and stop


def test_run_waits_for_facts_and_timers_until_it_is_stopped(watched: Loop):
    told: list[object] = []
    watched.hear(Said, lambda fact: told.append(fact.word))
    watched.after(20_000_000, lambda: watched.post(Said("timer")))
    watched.after(30_000_000, watched.stop)
    watched.post(Said("fact"))
    watched.run()
    assert told == ["fact", "timer"]


def test_another_thread_stops_a_loop_that_waits_for_nothing(watched: Loop):
    waiting = threading.Event()
    watched.call(waiting.set)
    stopper = threading.Thread(target=lambda: (waiting.wait(PATIENCE_S), watched.stop()), daemon=True)
    stopper.start()
    watched.run()
    stopper.join(timeout=PATIENCE_S)
    assert waiting.is_set()


def test_a_signal_stops_a_loop_that_waits_for_nothing(watched: Loop):
    caught: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: (caught.append(number), watched.stop()))
    waiting = threading.Event()
    watched.call(waiting.set)
    kill = threading.Thread(
        target=lambda: (waiting.wait(PATIENCE_S), os.kill(os.getpid(), signal.SIGUSR1)), daemon=True
    )
    kill.start()
    try:
        watched.run()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught == [signal.SIGUSR1]


def test_what_was_posted_before_the_stop_is_taken_and_what_comes_after_is_not(watched: Loop):
    told: list[object] = []
    watched.hear(Said, lambda fact: told.append(fact.word))
    watched.post(Said("before"))
    watched.stop()
    watched.post(Said("after"))
    watched.at(0, lambda: told.append("timer"))
    watched.run()
    assert told == ["before"]


def test_work_without_end_does_not_put_off_the_stop(watched: Loop):
    def again() -> None:
        watched.after(0, again)

    again()
    watched.after(1_000_000, watched.stop)
    watched.run()
    assert watched.turn() is None


def test_stopping_twice_or_before_the_run_does_no_harm(watched: Loop):
    watched.stop()
    watched.stop()
    watched.run()
    watched.run()
    assert watched.faults == 0


# Workers


@pytest.fixture
def worker(watched: Loop) -> Iterator[Thread]:
    thread = Thread("worker", watched)
    yield thread
    thread.close()


def test_a_job_runs_in_its_own_thread_and_its_answer_arrives_in_the_deciding_one(watched: Loop, worker: Thread):
    told: list[object] = []

    def then(answer: int) -> None:
        told.extend((answer, threading.get_ident()))
        watched.stop()

    worker.do(threading.get_ident, then, told.append)
    watched.run()
    assert told[0] not in (None, threading.get_ident())
    assert told[1] == threading.get_ident()


def test_a_job_that_raises_is_answered_with_its_error_in_the_deciding_thread(watched: Loop, worker: Thread):
    told: list[object] = []

    def fail(err: Exception) -> None:
        told.extend((repr(err), threading.get_ident()))
        watched.stop()

    worker.do(raising, told.append, fail)
    watched.run()
    assert told == ["ZeroDivisionError('a step of ours')", threading.get_ident()]
    assert watched.faults == 0


def test_jobs_are_done_and_answered_one_after_another_in_order(watched: Loop, worker: Thread):
    told: list[object] = []
    for i in range(50):
        worker.do((lambda i=i: 1 // (i % 2)), lambda _, i=i: told.append(i), lambda _, i=i: told.append(-i))
    worker.do(lambda: None, lambda _: watched.stop(), raising)
    watched.run()
    assert told == [i if i % 2 else -i for i in range(50)]


def test_the_deciding_thread_goes_on_while_a_job_takes_its_time(watched: Loop, worker: Thread):
    finish: queue.SimpleQueue[str] = queue.SimpleQueue()
    told: list[object] = []
    worker.do(lambda: finish.get(timeout=PATIENCE_S), lambda word: (told.append(word), watched.stop()), told.append)
    watched.call(lambda: (told.append("meanwhile"), finish.put("done")))
    watched.run()
    assert told == ["meanwhile", "done"]


def test_closing_finishes_the_jobs_in_hand_and_can_be_repeated(turned: Turned):
    thread = Thread("worker", turned.loop)
    done: list[int] = []
    for i in range(20):
        thread.do(lambda i=i: done.append(i), lambda _: None, raising)
    thread.close()
    assert done == list(range(20))
    thread.close()
    assert not any(t.name == "worker" and t.is_alive() for t in threading.enumerate())


def test_an_idle_worker_closes_long_before_it_is_given_up(turned: Turned):
    clock = SystemClock()
    thread = Thread("idle", turned.loop)
    begun_ns = clock.now()
    thread.close()
    assert clock.now() - begun_ns < 4 * SECOND  # it is given up after 5
